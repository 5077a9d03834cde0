"""Imports point one way: plugin files, host, the pure parts, analytics, settings and candles."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tree.project import PLUGIN_FOLDERS, ROOT, plugin_files

GRIDKIT = ROOT / "strategies" / "gridkit"
BASE = {"settings", "candles"}
PURE = {"analytics", "grid", "risk", "prediction", "feeds"}
LIBRARY = BASE | PURE | {"host", "reports"}

# part: what it may import, besides itself. "freqtrade" and "sandbox" are parts here too.
ALLOWED: dict[str, set[str]] = {
    "__init__": set(),
    "candles": set(),
    "settings": {"candles"},
    "analytics": BASE,
    "grid": BASE | {"analytics"},
    "risk": BASE | {"analytics", "grid"},
    "prediction": BASE | {"analytics"},
    "feeds": BASE | {"analytics"},
    "host": BASE | PURE | {"freqtrade"},
    "reports": BASE | {"analytics", "grid", "risk", "host", "freqtrade"},
    "why": BASE | {"host", "freqtrade"},
    "check": BASE | {"grid", "risk", "host", "freqtrade"},
    "models": BASE | {"prediction", "host", "check", "freqtrade"},
    "cli": LIBRARY | {"check", "models", "why", "offline", "freqtrade", "sandbox"},
    "offline": LIBRARY | {"freqtrade", "sandbox"},
    "plugin": LIBRARY | {"freqtrade"},
    "sandbox": set(),
}


def sources() -> list[Path]:
    folders = (GRIDKIT, ROOT / "sandbox")
    return plugin_files() + [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def part_of(path: Path) -> str:
    """The first name below gridkit; plugin files and the sandbox are one part each."""
    if path.is_relative_to(GRIDKIT):
        return path.relative_to(GRIDKIT).parts[0].removesuffix(".py")
    top = path.relative_to(ROOT).parts[0]
    return "plugin" if top in PLUGIN_FOLDERS else top


def imported_modules(source: str, package: str) -> Iterator[str]:
    """Full dotted names, wherever in the file the import stands, lazy and typing-only ones too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield from (f"{base}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and _is_import_call(node):
            yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))


def imported_parts(source: str, package: str) -> set[str]:
    """Parts of the project, and freqtrade, that a file imports."""
    parts = set()
    for module in imported_modules(source, package):
        top, _, rest = module.partition(".")
        if top in ("freqtrade", "sandbox"):
            parts.add(top)
        elif top == "gridkit" and rest:
            parts.add(_known(rest.split(".")[0]))
    return parts


def _known(name: str) -> str:
    """Names defined in gridkit/__init__.py itself, such as __version__, are its part."""
    stands = (GRIDKIT / name).is_dir() or (GRIDKIT / f"{name}.py").is_file()
    return name if stands or name in ALLOWED else "__init__"


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, *filter(None, [node.module])])


def _is_import_call(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in ("import_module", "__import__")


def package_of(path: Path) -> str:
    base = GRIDKIT.parent if path.is_relative_to(GRIDKIT) else ROOT
    return ".".join(path.relative_to(base).parts[:-1])


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_downwards(path: Path) -> None:
    part = part_of(path)
    assert part in ALLOWED, f"{part} is a new part: say in this table what it may import"
    imported = imported_parts(path.read_text(), package_of(path))
    assert imported <= ALLOWED[part] | {part, "__init__"}


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        ("import gridkit.grid.plan", "gridkit.risk", {"grid"}),
        ("from gridkit import host, settings", "gridkit.grid", {"host", "settings"}),
        ("from gridkit import __version__", "gridkit.host", {"__init__"}),
        ("from ..host import orders", "gridkit.grid", {"host"}),
        ("from . import plan", "gridkit.grid", {"grid"}),
        ("def later():\n    import freqtrade.data", "gridkit.grid", {"freqtrade"}),
        ("import importlib\nimportlib.import_module('sandbox.server')", "gridkit", {"sandbox"}),
        ("import numpy as np", "gridkit.grid", set()),
    ],
)
def test_every_way_of_importing_is_seen(source: str, package: str, expected: set[str]) -> None:
    assert imported_parts(source, package) == expected


def test_the_table_itself_has_no_cycle() -> None:
    order: list[str] = []
    while len(order) < len(ALLOWED):
        ready = [
            part
            for part, below in ALLOWED.items()
            if part not in order and below & ALLOWED.keys() <= set(order)
        ]
        assert ready, f"these import each other: {ALLOWED.keys() - set(order)}"
        order += ready

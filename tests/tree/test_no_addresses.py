"""The project names no package registry and no folder of somebody's machine."""

import re

import pytest

from tree.project import texts

# Written so that no pattern matches this file.
REGISTRY = re.compile(
    r"py[p]i\.(org|python)|pythonhosted[.]org|[a]rtifactory|(extra-)?index[-_]url"
    r"|find[-_]links|https?://[^\s/]+/(simple|py[p]i)\b",
    re.IGNORECASE,
)
MACHINE = re.compile(r"(?<![\w.$}])/(home|root|Users|work|farm)/\w|\b[A-Z]:\\Users")
_NOT_WRITTEN_BY_US = {"LICENSE"}


def lines_with(pattern: re.Pattern[str], contents: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in contents.items()
        if name not in _NOT_WRITTEN_BY_US
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    assert not lines_with(REGISTRY, texts())


def test_no_file_names_a_folder_of_a_developers_machine() -> None:
    assert not lines_with(MACHINE, texts())


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REGISTRY, "https://py" + "pi.org/simple"),
        (REGISTRY, "--extra-ind" + "ex-url x"),
        (REGISTRY, "https://mirror.example" + "/simple/numpy"),
        (REGISTRY, "https://files.python" + "hosted.org/packages/ab"),
        (MACHINE, "cd /" + "home/somebody/gridkit"),
        (MACHINE, "open('/" + "root/data.feather')"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], line: str) -> None:
    assert lines_with(pattern, {"a file": line})


@pytest.mark.parametrize("line", ["user_data/home/x", "https://example.org/root/x", "a/work/b"])
def test_paths_inside_the_project_are_fine(line: str) -> None:
    assert not lines_with(MACHINE, {"a file": line})

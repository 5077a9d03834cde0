"""Files that freqtrade loads hold callbacks and nothing to think about."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

from tree.project import PLUGIN_FOLDERS, ROOT, plugin_files

MOST_CODE_LINES = 15
MOST_TO_WIRE = 30  # a constructor puts the parts together, which is a list and not a thought
_NOT_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}

each_file = pytest.mark.parametrize(
    "path", plugin_files(), ids=lambda path: path.relative_to(ROOT).as_posix()
)


def test_the_strategy_that_make_backtest_runs_is_there() -> None:
    assert ROOT / "strategies" / "AdaptiveGrid.py" in plugin_files()


@each_file
def test_a_file_is_named_after_its_one_class(path: Path) -> None:
    """A loose helper beside them would be loaded as a plugin; hyperopt's workers would miss it."""
    classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    assert [node.name for node in classes] == [path.stem]
    assert classes[0].bases, "a class that freqtrade can load derives from one of freqtrade's"


@each_file
def test_no_function_or_loop_stands_at_top_level(path: Path) -> None:
    """An `if` may: it lets a copied folder find the library."""
    kinds = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr, ast.If)
    body = ast.parse(path.read_text()).body
    assert not [ast.unparse(node) for node in body if not isinstance(node, kinds)]


@each_file
def test_no_dataclass_or_pydantic_model(path: Path) -> None:
    """Under freqtrade's loader a module is absent from sys.modules, which both of them look at."""
    tree = ast.parse(path.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    text = " ".join(ast.unparse(node) for node in imports)
    assert "dataclass" not in text
    assert "pydantic" not in text


@each_file
def test_callbacks_are_a_few_lines_each(path: Path) -> None:
    source = path.read_text()
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    too_long = {
        function.name: lines
        for function in functions
        if (lines := code_lines(source, function)) > most_lines(function)
    }
    assert not too_long, "code lines by function; what is more belongs into gridkit"


@pytest.mark.parametrize("folder", PLUGIN_FOLDERS)
def test_only_the_library_lies_in_a_folder_beside_them(folder: str) -> None:
    subfolders = {path.name for path in (ROOT / folder).glob("*") if path.is_dir()}
    assert subfolders <= {"gridkit", "__pycache__"}


def most_lines(function: ast.FunctionDef) -> int:
    return MOST_TO_WIRE if function.name == "__init__" else MOST_CODE_LINES


def code_lines(source: str, function: ast.FunctionDef) -> int:
    """Lines of the body that hold code: without signature, docstring, comments, blank lines."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    first, last = body[0].lineno, function.end_lineno or body[-1].lineno
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    spans = [range(t.start[0], t.end[0] + 1) for t in tokens if t.type not in _NOT_CODE]
    return len({line for span in spans for line in span if first <= line <= last})


def test_code_lines_counts_neither_docstring_nor_comment() -> None:
    source = """def f(
    a,
):
    'Say.'
    # why

    b = a + (
        1
    )
    return b
"""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert code_lines(source, function) == 4

"""What the documents tell people to type exists, and what they link to does too."""

import functools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from freqtrade.commands.arguments import Arguments

from tree.project import ROOT

GRIDKIT = Path(sys.executable).parent / "gridkit"
NESTED = {"models"}  # that have subcommands of their own
_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md")
DOCUMENTS = [*(ROOT / page for page in _PAGES), *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHELL = {"bash", "sh", "shell", "console"}
_OPERATORS = {"|", ">", ">>", "<", "2>", "&&", "||", ";", "&"}

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def shell_blocks(text: str) -> list[str]:
    return [body for language, body in _FENCE.findall(text) if language in _SHELL]


def commands(text: str) -> list[list[str]]:
    """Command lines of the shell blocks, and of inline code, as words up to the first operator."""
    lines = [
        line.removeprefix("$ ")
        for block in shell_blocks(text)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    lines += re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    return [words for line in lines if (words := _words(line))]


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # inline code that is no command line
        return []
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    end = next((i for i, word in enumerate(words) if word in _OPERATORS), len(words))
    return words[:end]


def calls(text: str, program: str) -> list[list[str]]:
    """Arguments of every call of a program, also behind `gridkit offline --`."""
    found = []
    for words in commands(text):
        ends = [i for i, word in enumerate(words) if word == "--"]
        for start in (0, *(end + 1 for end in ends[:1])):
            part = words[start:] if start else words[: ends[0] if ends else None]
            if len(part) > 1 and Path(part[0]).name == program:
                found.append(part[1:])
    return found


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def make_variables() -> set[str]:
    exported = re.search(r"^export (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert exported
    return set(exported[1].split())


@functools.cache
def gridkit_help(*words: str) -> str:
    shown = subprocess.run([GRIDKIT, *words, "--help"], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, f"gridkit {' '.join(words)}: {shown.stderr}"
    return shown.stdout


def refuses(arguments: list[str]) -> bool:
    """Whether freqtrade's own parser ends in an error."""
    try:
        Arguments(arguments).get_parsed_arg()
    except SystemExit as ended:
        return bool(ended.code)
    return False


@each_document
def test_every_make_target_and_variable_named_exists(document: Path) -> None:
    words = [word for call in calls(document.read_text(), "make") for word in call]
    assert {word for word in words if "=" not in word} <= make_targets()
    assert {word.split("=")[0] for word in words if "=" in word} <= make_variables()


@each_document
def test_every_gridkit_command_and_option_named_exists(document: Path) -> None:
    for subcommand, *arguments in calls(document.read_text(), "gridkit"):
        known = gridkit_help(subcommand) if not subcommand.startswith("-") else "--help --version"
        if subcommand in NESTED and arguments:
            known = gridkit_help(subcommand, arguments[0])
        options = {word.split("=")[0] for word in arguments if word.startswith("--")}
        absent = {option for option in options if not re.search(rf"{option}\b", known)}
        assert not absent, f"gridkit {subcommand} has no {absent}"


@each_document
def test_freqtrade_understands_every_command_line(document: Path) -> None:
    refused = [" ".join(call) for call in calls(document.read_text(), "freqtrade") if refuses(call)]
    assert refused == []


@each_document
def test_every_shell_block_parses(document: Path) -> None:
    for block in shell_blocks(document.read_text()):
        parsed = subprocess.run(
            ["bash", "-n"], input=block, capture_output=True, text=True, check=False
        )
        assert parsed.returncode == 0, parsed.stderr


@each_document
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    text = _FENCE.sub("", document.read_text())
    targets = re.findall(r"\]\(([^)\s]+)[^)]*\)", text) + re.findall(r'src="([^"]+)"', text)
    local = [t.split("#")[0] for t in targets if not re.match(r"[a-z]+:|#", t)]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_the_readme_names_the_two_commands() -> None:
    named = {call[0] for call in calls((ROOT / "README.md").read_text(), "make")}
    assert {"backtest", "test"} <= named


def test_calls_are_found_in_blocks_and_in_sentences() -> None:
    text = (
        "Type `make test` or:\n\n```bash\n# first\nDAYS=3 make backtest \\\n  PAIRS='A/B C/D'\n"
        "gridkit offline --seed 3 -- freqtrade list-pairs --quote USDT | head\n```\n"
        "and ```code``` or `make`."
    )
    assert calls(text, "make") == [["backtest", "PAIRS=A/B C/D"], ["test"]]
    assert calls(text, "gridkit") == [["offline", "--seed", "3"]]
    assert calls(text, "freqtrade") == [["list-pairs", "--quote", "USDT"]]

"""scripts/setup.sh: one clear message when it cannot go on."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

# A Python of a given minor version, with or without what a venv and lightgbm need.
PYTHON = """#!/bin/bash
case "$*" in
  --version) echo "Python 3.{minor}.2" ;;
  *version_info*) echo {minor} ;;
  *) exit 1 ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with a few tools, no Python and no way to become root."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "dirname", "grep", "env"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def add(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    (folder / name).chmod(0o755)


def set_up(tools: Path, tmp_path: Path, **variables: str) -> tuple[int, str]:
    """Run a copy of the script, so that no real .venv is touched."""
    script = tmp_path / "checkout" / "scripts" / "setup.sh"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup.sh", script)
    done = subprocess.run(
        [script],
        env={"PATH": str(tools), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not (tmp_path / "checkout" / ".venv").exists()
    return done.returncode, done.stderr


def test_without_python_it_says_what_is_needed(tools: Path, tmp_path: Path) -> None:
    status, said = set_up(tools, tmp_path)
    assert status == 1
    assert "Python 3.11 to 3.14 is needed; python3 here is: python3: not found" in said


@pytest.mark.parametrize("minor", [9, 15])
def test_a_python_out_of_range_is_named(tools: Path, tmp_path: Path, minor: int) -> None:
    add(tools, "python3", PYTHON.format(minor=minor))
    status, said = set_up(tools, tmp_path)
    assert status == 1
    assert f"python3 here is: Python 3.{minor}.2" in said


def test_a_wrong_choice_of_the_users_is_not_replaced(tools: Path, tmp_path: Path) -> None:
    add(tools, "python3.12", PYTHON.format(minor=12))
    status, said = set_up(tools, tmp_path, PYTHON="python2.7")
    assert status == 1
    assert said == (
        "setup: PYTHON=python2.7 cannot be used (python2.7: not found); "
        "Python 3.11 to 3.14 is needed\n"
    )


def test_missing_system_packages_are_named_where_there_is_no_apt(
    tools: Path, tmp_path: Path
) -> None:
    add(tools, "python3.12", PYTHON.format(minor=12))
    status, said = set_up(tools, tmp_path)
    assert status == 1
    assert "the system lacks python3.12-venv libgomp1" in said


def test_packages_that_cannot_be_installed_are_named(tools: Path, tmp_path: Path) -> None:
    """Root is told that apt-get failed, anybody else what to run."""
    add(tools, "python3.12", PYTHON.format(minor=12))
    add(tools, "apt-get", "#!/bin/bash\nexit 100\n")
    status, said = set_up(tools, tmp_path)
    packages = "python3.12-venv libgomp1"
    for_root = f"apt-get could not install {packages}"
    for_others = f"sudo apt-get update && sudo apt-get install -y {packages}"
    assert status == 1
    assert (for_others if os.geteuid() else for_root) in said

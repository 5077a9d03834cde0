"""The checkout as the tree tests see it: which files belong to the project."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGIN_FOLDERS = ("strategies", "freqaimodels", "hyperopts")
_NOT_OURS = {".git", ".venv", "__pycache__", "build"}


def files() -> list[Path]:
    """Tracked files and new ones that git does not ignore; without git, whatever lies there."""
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        return [path for path in ROOT.rglob("*") if path.is_file() and not _ignored(path)]
    names = listing.stdout.decode().split("\0")
    return sorted(path for name in names if name and (path := ROOT / name).is_file())


def texts() -> dict[str, str]:
    """Content of every project file that is text, by its path from the root."""
    contents = ((path, path.read_bytes()) for path in files())
    return {
        path.relative_to(ROOT).as_posix(): content.decode()
        for path, content in contents
        if b"\0" not in content
    }


def plugin_files() -> list[Path]:
    """Files that freqtrade loads by itself."""
    return [path for folder in PLUGIN_FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]


def _ignored(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    runtime = parts[0] == "user_data" and parts[1] != "configs"
    return runtime or bool(_NOT_OURS.intersection(parts)) or any("_cache" in p for p in parts)

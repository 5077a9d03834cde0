"""Configuration files and variables, read and merged as freqtrade does it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from freqtrade.configuration.environment_vars import environment_vars_to_dict
from freqtrade.configuration.load_config import load_from_files
from freqtrade.exceptions import FreqtradeException
from freqtrade.misc import deep_merge_dicts

UNREADABLE = (FreqtradeException, ValueError, OSError, TypeError, AttributeError)


class ConfigFilesError(Exception):
    """Why a configuration cannot be read; one line for people, without what may be secret in it."""


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the files, later ones first in rank, and FREQTRADE__ variables before all of them."""
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise ConfigFilesError(f"no such configuration: {', '.join(missing)}")
    for path in paths:
        _merged([path])  # so that the one that is wrong is named
    return _merged(paths, variables=True)


def _merged(paths: Sequence[Path], *, variables: bool = False) -> dict[str, Any]:
    try:
        config = load_from_files([str(path) for path in paths]) if paths else {}
        return deep_merge_dicts(environment_vars_to_dict() if variables else {}, config)
    except UNREADABLE as error:
        named = ", ".join(str(path) for path in paths)
        named += " with the FREQTRADE__ variables" if variables else ""
        raise ConfigFilesError(f"{named} cannot be read: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Return freqtrade's first line: it shows a piece of the file next, where a secret may be."""
    if isinstance(error, TypeError | AttributeError):
        return "a section is needed where there is a single value, or the other way round"
    return (str(error) or type(error).__name__).splitlines()[0]

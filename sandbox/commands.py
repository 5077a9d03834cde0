"""A user's command line, pointed at a sandbox."""

import sys
from pathlib import Path

from sandbox.errors import SandboxError

_EXCHANGE = "binance"
_OVERRIDES = "FREQTRADE__EXCHANGE__"
_OWN_KEYS = {
    "NAME", "KEY", "SECRET", "ONLY_FROM_CCXT", "ENABLE_WS",
    "CCXT_CONFIG", "CCXT_ASYNC_CONFIG", "CCXT_SYNC_CONFIG",
}  # fmt: skip

# These know no `-c`, write the file it names, or have no use for an exchange.
_WITHOUT_CONFIG = {
    "create-userdir", "new-config", "new-strategy", "install-ui", "convert-db", "list-exchanges",
}  # fmt: skip


def pointed_at(command: list[str], config: Path) -> list[str]:
    """Return the command with the sandbox's configuration last among freqtrade's, so that it wins.

    Without a `-c` of the user's, the file that freqtrade would have read is named first.
    """
    position = _subcommand_position(command)
    if not position:
        return command
    arguments = command[position:]
    if not arguments or arguments[0].startswith("-") or arguments[0] in _WITHOUT_CONFIG:
        return command
    _refuse_other_exchange(arguments)
    named = [] if _has_option(arguments, "-c", "--config") else _default_config(arguments)
    return [*command, *named, "-c", str(config)]


def found(command: list[str]) -> list[str]:
    """Return the command with the program that is installed beside this Python, if it is.

    Another freqtrade may come first on PATH; this one is the one gridkit was installed with.
    """
    beside = Path(sys.executable).parent / command[0]
    if not beside.is_file():
        return command
    return [str(beside), *command[1:]]


def environment(inherited: dict[str, str], url: str, config: Path) -> dict[str, str]:
    """Return variables for the command; freqtrade's own would override our file, so they go."""
    kept = {name: value for name, value in inherited.items() if not _overrides_ours(name)}
    return {**kept, "GRIDKIT_SANDBOX_URL": url, "GRIDKIT_SANDBOX_CONFIG": str(config)}


def _overrides_ours(name: str) -> bool:
    head, _, rest = name.upper().partition(_OVERRIDES)
    return not head and rest.split("__")[0] in _OWN_KEYS


def _subcommand_position(command: list[str]) -> int:
    """Where freqtrade's own arguments begin; 0 when the command is not freqtrade."""
    name = Path(command[0]).name if command else ""
    if name in ("freqtrade", "freqtrade.exe"):
        return 1
    if name.startswith("python") and command[1:3] == ["-m", "freqtrade"]:
        return 3
    return 0


def _default_config(arguments: list[str]) -> list[str]:
    """Name the file that freqtrade reads when it is given none, where there is one."""
    folder = _value(arguments, "--userdir", "--user-data-dir") or "user_data"
    for path in (Path(folder) / "config.json", Path("config.json")):
        if path.is_file():
            return ["-c", str(path)]
    return []


def _refuse_other_exchange(arguments: list[str]) -> None:
    exchange = _value(arguments, "--exchange")
    if exchange not in (None, _EXCHANGE):
        raise SandboxError(
            f"--exchange: {exchange!r} is not served offline; "
            f"leave the option out or give {_EXCHANGE!r}"
        )


def _has_option(arguments: list[str], short: str, long: str) -> bool:
    return _value(arguments, long) is not None or any(
        each.startswith(short) and not each.startswith("--") for each in arguments
    )


def _value(arguments: list[str], *names: str) -> str | None:
    """Value of an option given as `--name value` or `--name=value`; None when absent."""
    for index, each in enumerate(arguments):
        name, equals, value = each.partition("=")
        if name in names:
            return value if equals else "".join(arguments[index + 1 : index + 2])
    return None

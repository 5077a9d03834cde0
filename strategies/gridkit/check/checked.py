"""A configuration looked at: what is wrong, what may surprise, and what holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gridkit.check import cautions, conditions
from gridkit.check.cautions import Situation
from gridkit.check.markets import Markets
from gridkit.settings import Settings, SettingsError, confluence_defaults
from gridkit.settings.catalogue import values
from gridkit.settings.readers import BOTH, CONFLUENCE


class UnknownStrategyError(Exception):
    """Which strategies there are, as the one that was named is none of them."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found. `values` and `defaults` are by dotted key, empty where settings are wrong."""

    strategy: str
    problems: list[str]
    warnings: list[str]
    values: dict[str, Any]
    defaults: dict[str, Any]

    @property
    def changed(self) -> dict[str, Any]:
        """Return the values that are not the strategy's defaults."""
        return {key: one for key, one in self.values.items() if one != self.defaults[key]}


def strategy_of(config: Mapping[str, Any], named: str | None) -> str:
    """Return the strategy that is meant. Raises UnknownStrategyError where it is none of ours."""
    strategy = named or config.get("strategy")
    if strategy in BOTH:
        return str(strategy)
    given = f"{strategy!r} is no strategy of gridkit" if strategy else "no strategy is named"
    raise UnknownStrategyError(f"{given}: give --strategy {' or '.join(BOTH)}")


def checked(config: Mapping[str, Any], strategy: str, markets: Markets) -> Checked:
    """Look at everything; what is wrong comes all at once."""
    mode = config.get("trading_mode")
    defaults = confluence_defaults(mode) if strategy == CONFLUENCE else {}
    wrong = [*conditions.misplaced(config), *(refused := list(conditions.of_freqtrade(config)))]
    try:
        settings = Settings.from_config(config, defaults)
    except SettingsError as error:
        return Checked(strategy, [*error.args, *wrong], [], {}, {})
    plain = values(Settings.from_config({}, defaults))
    if refused:
        return Checked(strategy, wrong, [], values(settings), plain)
    seen = Situation(strategy, config, settings, markets)
    wrong += [*conditions.of_start(strategy, config, settings), *cautions.problems(seen)]
    return Checked(strategy, wrong, cautions.cautions(seen), values(settings), plain)

"""What must be so before a bot starts, as far as the configuration alone shows it."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any

from freqtrade.config_schema import CONF_SCHEMA
from freqtrade.configuration.config_validation import (
    validate_config_consistency,
    validate_config_schema,
)
from freqtrade.enums import RunMode
from freqtrade.exceptions import FreqtradeException
from freqtrade.exchange.check_exchange import check_exchange
from freqtrade.strategy import IStrategy

from gridkit import candles
from gridkit.host import parameters, startup
from gridkit.host.directional import checks
from gridkit.host.prediction import section, starting
from gridkit.settings import SECTION, Settings
from gridkit.settings.readers import CONFLUENCE, GRID

ANY_DAYS = "20250101-20250102"
TIMEFRAME = "5m"  # of both strategies, where the config names none


class AsLoaded:
    """What the conditions look at of a strategy, as freqtrade sets it by the config."""

    stoploss = parameters.STOPLOSS

    def __init__(
        self, strategy: str, config: Mapping[str, Any], settings: Settings, candles: int = 0
    ) -> None:
        self.config = {"runmode": RunMode.DRY_RUN, **config}
        self.startup_candle_count = candles
        self.net = self.stoploss if strategy == GRID else checks.stoploss(settings, config)
        defaults = {
            "timeframe": TIMEFRAME,
            "stoploss": self.net,
            "minimal_roi": {},
            "trailing_stop": False,
            "order_types": IStrategy.order_types,
            "position_adjustment_enable": True,
            "max_entry_position_adjustment": -1,
            "use_exit_signal": strategy != GRID,
            "exit_profit_only": False,
            "use_custom_stoploss": strategy != GRID,
        }
        for name, default in defaults.items():
            setattr(self, name, config.get(name, default))


def timeframe_of(config: Mapping[str, Any]) -> str:
    """Return the candles the strategy will trade by."""
    return str(config.get("timeframe") or TIMEFRAME)


def misplaced(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield keys freqtrade would silently ignore that look as if they were meant for us."""
    for key in sorted(config.keys() - CONF_SCHEMA["properties"].keys() - {SECTION}):
        if key in Settings.model_fields and key not in vars(IStrategy):
            yield f"{key} stands outside the section {SECTION}: did you mean {SECTION}.{key}?"
        elif get_close_matches(key, [SECTION], cutoff=0.75):
            yield f"{key} is no section of freqtrade or gridkit: did you mean {SECTION}?"


def of_freqtrade(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what freqtrade itself refuses, the first thing it finds; then nothing else holds."""
    # A backtest with FreqAI wants a timerange, which stands in no config.
    read = {"timerange": ANY_DAYS, **deepcopy(dict(config)), "runmode": RunMode.BACKTEST}
    try:
        validate_config_schema(read, preliminary=True)
        check_exchange(read)
        validate_config_consistency(read, preliminary=True)
    except FreqtradeException as error:
        yield f"freqtrade refuses: {(str(error) or 'this configuration').splitlines()[0]}"
        return
    except (AttributeError, TypeError) as error:  # it takes for granted what its schema asks for
        yield f"freqtrade fails, as a value stands where it wants a section: {error}"
        return
    try:
        candles.seconds_of(timeframe_of(config))
    except ValueError as error:
        yield f"timeframe: {error}"


def of_start(strategy: str, config: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """Yield what the strategy refuses at start, markets apart."""
    own = checks if strategy == CONFLUENCE else startup
    yield from own.without_markets(AsLoaded(strategy, config, settings), settings)
    if section.is_on(config):
        yield from starting.wrong(config, settings, timeframe_of(config))

"""What must be so before Confluence's first order, checked when the bot starts."""

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gridkit import candles
from gridkit.host import startup
from gridkit.host.directional.entering import NET
from gridkit.settings import SECTION, Settings, SettingsError, confluence_defaults

if TYPE_CHECKING:
    from freqtrade.strategy import IStrategy

    from gridkit.host.directional.desk import DirectionalDesk

logger = logging.getLogger(__name__)

# What leaves does so at the market: freqtrade leaves a limit where it is until the candle ends.
ORDER_TYPES = {
    "entry": "limit",
    "exit": "market",
    "emergency_exit": "market",
    "stoploss": "market",
    "stoploss_on_exchange": False,
}


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Read our section over Confluence's defaults: both sides in futures, long in spot."""
    return startup.read_settings(config, confluence_defaults(config.get("trading_mode")))


def timeframes(settings: Settings, timeframe: str) -> list[str]:
    """Name the candles a position is entered and left by, without which a backtest waits idly."""
    return [*settings.confluence.weights_for(timeframe), settings.exits.timeframe]


def stoploss(settings: Settings, config: Mapping[str, Any]) -> float:
    """Return freqtrade's own stoploss: a net below our stops, wherever they stand.

    freqtrade means it as a share of the margin, so that it is wider with leverage.
    """
    leverage = settings.leverage if config.get("trading_mode") == "futures" else 1.0
    return -min(0.99, NET * leverage)


def check(strategy: "IStrategy", desk: "DirectionalDesk") -> None:
    """Raise SettingsError with every condition that does not hold."""
    settings = desk.settings
    wrong = [
        *without_markets(strategy, settings),
        *startup.unknown_pairs(strategy, desk.rules),
    ]
    if wrong:
        raise SettingsError(*wrong)
    for warning in (
        *startup.coarse(strategy, settings),
        *worth_knowing(settings),
        *limits(strategy),
        *_too_little(desk),
    ):
        logger.warning(warning)


def without_markets(strategy: "IStrategy", settings: Settings) -> Iterator[str]:
    """Yield every condition that does not hold, of those that no market has a say in."""
    yield from _freqtrades(strategy)
    yield from startup.initial_state(strategy.config)
    yield from startup.market_mode(strategy.config, settings)
    yield from startup.timeframes(strategy, settings)
    yield from _timeframe(strategy, settings)
    yield from _needed(settings)


def _freqtrades(strategy: "IStrategy") -> Iterator[str]:
    """Say what of freqtrade's own would trade in our place, or keep us from it."""
    if not strategy.position_adjustment_enable:
        yield "position_adjustment_enable = False: must be true, positions leave in parts"
    if not strategy.use_exit_signal:
        yield "use_exit_signal = False: must be true, freqtrade asks custom_exit by it"
    if strategy.exit_profit_only:
        yield "exit_profit_only = True: must be false, it would keep positions that have to go"
    if strategy.minimal_roi:
        yield f"minimal_roi = {strategy.minimal_roi}: must be empty, targets are gridkit.exits"
    if strategy.trailing_stop:
        yield "trailing_stop = True: must be false, the stop is gridkit.exits"
    if not strategy.use_custom_stoploss:
        yield "use_custom_stoploss = False: must be true, the stop is gridkit.exits"
    if strategy.stoploss != strategy.net:
        yield (
            f"stoploss = {strategy.stoploss}: must be {strategy.net}, a net below the stops of "
            "gridkit.exits"
        )


def _timeframe(strategy: "IStrategy", settings: Settings) -> Iterator[str]:
    name = settings.exits.timeframe
    if candles.seconds_of(name) < candles.seconds_of(strategy.timeframe):
        yield f"{SECTION}.exits.timeframe = {name!r}: must be at least {strategy.timeframe}"


def _needed(settings: Settings) -> Iterator[str]:
    if not settings.confluence.enabled:
        yield f"{SECTION}.confluence.enabled = False: without a score nothing is entered"


def worth_knowing(settings: Settings) -> Iterator[str]:
    """Yield what these settings lead to that may not be meant."""
    if not settings.exits.stop_enabled:
        yield f"exits.stop_enabled is off: a position may lose {NET:.0%} before it is stopped"
    if settings.entries.reversion and not settings.profile.enabled:
        yield "entries.reversion needs profile.enabled: no value area, no edge to fade"


def limits(strategy: "IStrategy") -> Iterator[str]:
    """Yield which exits are limit orders."""
    for kind in ("exit", "stoploss"):
        if strategy.order_types[kind] != "market":
            yield (
                f"order_types.{kind} = {strategy.order_types[kind]!r}: what leaves may stay behind "
                "a falling price until the candle ends"
            )


def _too_little(desk: "DirectionalDesk") -> Iterator[str]:
    capital, rule = desk.portfolio.capital(), desk.settings.portfolio
    least = max(
        (
            desk.rules.limits(pair).least_stake(0.0, 1.0)
            for pair in desk.analyst.sources.whitelist()
        ),
        default=0.0,
    )
    if capital * rule.single < least:
        yield (
            f"capital {capital:,.2f}: {rule.single:.0%} of it is less than the exchange's smallest "
            f"order, {least:,.2f}, so that nothing is entered"
        )

"""What must be so before the first order, checked when the bot starts (DESIGN 2.10)."""

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from freqtrade.enums import RunMode
from freqtrade.exceptions import OperationalException

from gridkit import candles
from gridkit.grid import spacing
from gridkit.grid.costs import Costs
from gridkit.host import lines
from gridkit.host.worth_knowing import worth_knowing
from gridkit.settings import SECTION, GridSettings, Settings, SettingsError

if TYPE_CHECKING:
    from freqtrade.strategy import IStrategy

    from gridkit.host.desk import GridDesk
    from gridkit.host.pair_rules import PairRules

logger = logging.getLogger(__name__)

MOST_OF_THE_MARGIN = 0.4  # share of a position's margin that its stops may use up
MOST_STARTUP_DAYS = 60
LEAST_TIMEOUT_SECONDS = candles.SECONDS_PER_DAY


def read_settings(config: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Settings:
    """Read our section; freqtrade ends with the message alone when it is wrong.

    `defaults` are the strategy's own.
    """
    try:
        return Settings.from_config(config, defaults)
    except SettingsError as error:
        raise OperationalException(str(error)) from None


def check(strategy: "IStrategy", desk: "GridDesk") -> None:
    """Raise SettingsError with every condition that does not hold.

    A ValueError out of `bot_start` is logged by freqtrade as one line, without a traceback.
    """
    wrong = [*without_markets(strategy, desk.settings), *_pairs(strategy, desk)]
    if wrong:
        raise SettingsError(*wrong)
    for warning in (*worth_knowing(desk.settings), *coarse(strategy, desk.settings)):
        logger.warning(warning)


def without_markets(strategy: "IStrategy", settings: Settings) -> Iterator[str]:
    """Yield every condition that does not hold, of those that no market has a say in."""
    yield from _order_handling(strategy.config, strategy)
    yield from market_mode(strategy.config, settings)
    yield from _leverage(settings)
    yield from timeframes(strategy, settings)
    yield from _lines(settings)


def coarse(strategy: "IStrategy", settings: Settings) -> Iterator[str]:
    """Yield what candles as long as the strategy's own cost the analytics."""
    own, confluence = strategy.timeframe, settings.confluence
    weights = confluence.weights_for(own)
    read = [one for one in weights if candles.seconds_of(one) >= candles.seconds_of(own)]
    if confluence.enabled and len(read) < len(weights):
        yield (
            f"confluence reads {', '.join(read) or 'none'} of {', '.join(weights)}: the others are "
            f"faster than {own}, and count as missing; confluence.timeframes names a set of its own"
        )
    days = strategy.startup_candle_count * candles.seconds_of(own) / candles.SECONDS_PER_DAY
    if candles.seconds_of(own) >= candles.SECONDS_PER_HOUR and days > MOST_STARTUP_DAYS:
        yield (
            f"{strategy.startup_candle_count} candles of {own} before the first trade are "
            f"{days:.0f} days; most of it is GARCH's (volatility.garch.enabled, .window_hours)"
        )


def _order_handling(config: Mapping[str, Any], strategy: "IStrategy") -> Iterator[str]:
    yield from _timeouts(config.get("unfilledtimeout", {}))
    if strategy.max_entry_position_adjustment != -1:
        yield (
            f"max_entry_position_adjustment = {strategy.max_entry_position_adjustment}: must be "
            "-1, it counts entries for ever"
        )
    if not strategy.position_adjustment_enable:
        yield "position_adjustment_enable = False: must be true, a grid adds and sells parts"
    yield from _order_types(config, strategy)
    if strategy.minimal_roi:
        yield f"minimal_roi = {strategy.minimal_roi}: must be empty, targets are the grid's own"
    if strategy.trailing_stop:
        yield "trailing_stop = True: must be false, it would sell the whole cycle"
    if strategy.stoploss != type(strategy).stoploss:
        yield (
            f"stoploss = {strategy.stoploss}: must be {type(strategy).stoploss}, it would sell the "
            "whole cycle; gridkit.stops has the grid's own"
        )
    yield from initial_state(config)


def initial_state(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield why the bot may not begin stopped: its orders rest and its stops stand still."""
    state = config.get("initial_state")
    if config.get("runmode") in _TRADING and state != "running":
        yield f"initial_state = {state!r}: must be 'running', orders rest meanwhile"


def _order_types(config: Mapping[str, Any], strategy: "IStrategy") -> Iterator[str]:
    """Say nothing in freqtrade's bias analyses: they force market orders, and look at signals."""
    if config.get("runmode") == RunMode.UTIL_NO_EXCHANGE:
        return
    for side in ("entry", "exit"):
        if strategy.order_types[side] != "limit":
            yield f"order_types.{side} = {strategy.order_types[side]!r}: must be 'limit'"
    if strategy.order_types.get("stoploss_on_exchange"):
        yield "order_types.stoploss_on_exchange = True: must be false, lots have stops of their own"


def _timeouts(timeouts: Mapping[str, Any]) -> Iterator[str]:
    unit = 1 if timeouts.get("unit", "minutes") == "seconds" else 60
    for side in ("entry", "exit"):
        given = timeouts.get(side)
        if given is not None and given * unit < LEAST_TIMEOUT_SECONDS:
            yield (
                f"unfilledtimeout.{side} = {given}: a grid's orders rest for long, allowed is a "
                f"day or more ({LEAST_TIMEOUT_SECONDS // unit} {timeouts.get('unit', 'minutes')})"
            )
    if timeouts.get("exit_timeout_count", 0) != 0:
        yield "unfilledtimeout.exit_timeout_count must be 0, or freqtrade sells at market"


_TRADING = (RunMode.LIVE, RunMode.DRY_RUN)


def market_mode(config: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """Yield what of direction and leverage the market does not allow."""
    if settings.direction == "auto" and not settings.regime.enabled:
        yield f"{SECTION}.direction = 'auto' goes by the regime: regime.enabled must be true"
    if config.get("trading_mode", "spot") != "spot":
        return
    if settings.direction != "long":
        yield (
            f"{SECTION}.direction = {settings.direction!r}: spot allows 'long' only; "
            "short and auto need trading_mode futures"
        )
    if settings.leverage != 1:
        yield f"{SECTION}.leverage = {settings.leverage:g}: spot allows 1 only"


def _leverage(settings: Settings) -> Iterator[str]:
    """Keep the grid's own stops well before freqtrade's stoploss and the liquidation."""
    stops = settings.stops
    nearest = stops.lot_stop if stops.lot_stop_enabled else 1.0
    if stops.cycle_stop_enabled:
        nearest = min(nearest, stops.cycle_stop)
    most = max(1.0, MOST_OF_THE_MARGIN / nearest)
    if settings.leverage > most:
        yield (
            f"{SECTION}.leverage = {settings.leverage:g}: with these stops allowed is up to "
            f"{most:.1f}, or the position is liquidated before they act"
        )


def timeframes(strategy: "IStrategy", settings: Settings) -> Iterator[str]:
    """Yield the timeframes that are faster than the strategy's own."""
    own = candles.seconds_of(strategy.timeframe)
    wanted: list[tuple[str, str]] = []
    if settings.regime.enabled:
        wanted.append(("regime.timeframe", settings.regime.timeframe))
    if settings.confluence.enabled:
        wanted += [("confluence.timeframes", one) for one in settings.confluence.timeframes or ()]
    for key, name in wanted:
        if candles.seconds_of(name) < own:
            yield (
                f"{SECTION}.{key} = {name!r}: must be at least the strategy's {strategy.timeframe}"
            )


def _lines(settings: Settings) -> Iterator[str]:
    widest = spacing.widest(settings.spacing)
    levels = spacing.most_levels(settings.grid.levels, settings.spacing)
    depth = widest * levels
    if settings.spacing.progression == "arithmetic" and depth >= 1:
        yield (
            f"{SECTION}.grid.levels = {settings.grid.levels} at up to {widest:.2%} each reach a "
            "price of zero with arithmetic lines; allowed is a product below 100 %"
        )


def _pairs(strategy: "IStrategy", desk: "GridDesk") -> Iterator[str]:
    yield from unknown_pairs(strategy, desk.rules)
    for pair in strategy.dp.current_whitelist():
        if desk.rules.market(pair):
            yield from _target(pair, desk)
            yield from _capital(pair, strategy, desk)


def unknown_pairs(strategy: "IStrategy", rules: "PairRules") -> Iterator[str]:
    """Yield the pairs that the exchange does not have."""
    for pair in strategy.dp.current_whitelist():
        if not rules.market(pair):
            yield f"{pair} is no market of {strategy.config['exchange']['name']}"


def _target(pair: str, desk: "GridDesk") -> Iterator[str]:
    yield from target(desk.settings.grid, desk.rules.costs(pair), pair)


def target(grid: GridSettings, costs: Costs, pair: str) -> Iterator[str]:
    """Yield a fixed target that does not pay for its round trip."""
    if grid.target == "fixed" and grid.take_profit < costs.floor:
        yield (
            f"{SECTION}.grid.take_profit = {grid.take_profit:.4%} is below the fee floor of "
            f"{costs.floor:.4%} on {pair} (fees {costs.entry_fee:.4%} + {costs.exit_fee:.4%}, "
            f"spread {2 * costs.half_spread:.4%}, min_profit {costs.min_profit:.4%})"
        )


def _capital(pair: str, strategy: "IStrategy", desk: "GridDesk") -> Iterator[str]:
    try:
        check_capital(pair, 0.0, strategy, desk)
    except SettingsError as error:
        yield str(error)


def tell_lines(pair: str, price: float, desk: "GridDesk") -> None:
    """Say so when capital gives a pair fewer lines than were asked for."""
    reading, capital = desk.context.reading(pair), desk.treasury.capital()
    levels = lines.levels_of(reading, desk.settings, capital)
    wanted = min(levels, desk.settings.caps.max_lots)
    try:
        budget = desk.treasury.budget(pair, price, desk.context.leverage)
    except ValueError:
        return
    if budget.levels < wanted:
        logger.warning(
            "%s: capital gives %d of %d lines, %.2f each: the exchange's minimum, and a reserve "
            "to sell them one by one, allow no more",
            pair,
            budget.levels,
            wanted,
            budget.level_stake,
        )


def check_capital(pair: str, price: float, strategy: "IStrategy", desk: "GridDesk") -> None:
    """Raise SettingsError unless the pair's share pays for one line (and its initial inventory).

    `price` 0 leaves the exchange's smallest amount out of account, as before any candle is known.
    """
    config, leverage = strategy.config, desk.context.leverage
    capital = desk.treasury.capital()
    pairs = desk.treasury.pairs()
    share = desk.treasury.share(capital)
    least = desk.rules.limits(pair).least_stake(price, leverage)
    needed = desk.opening.lines()
    if share < least * needed:
        raise SettingsError(
            f"{pair}: capital {capital:.2f} {config['stake_currency']} over {pairs} pairs gives "
            f"this one {share:.2f}, and {needed} line(s) need {least * needed:.2f} at the "
            "exchange's minimum; allowed is more capital, fewer pairs or less initial_inventory"
        )

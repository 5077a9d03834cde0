"""Columns, signals and settings of a strategy that trades grids."""

from typing import Any

import pandas as pd
from freqtrade.enums import RunMode
from freqtrade.exceptions import OperationalException

from gridkit import candles
from gridkit.analytics import trend, volatility
from gridkit.grid import tags
from gridkit.host import startup, timeframes
from gridkit.settings import Settings, SettingsError

HOURLY = "1h"
LONG = 1
SHORT = -1
SIDES = {"long": LONG, "short": SHORT}

PLOT_CONFIG: dict[str, Any] = {
    "main_plot": {},
    "subplots": {
        "Volatility per day": {"volatility_daily": {"color": "#0072b2"}},
        "Trend": {
            "trend_strength": {"color": "#e69f00"},
            "trend_side": {"color": "#009e73", "type": "bar"},
        },
    },
}


def warmup(settings: Settings, timeframe: str) -> int:
    """Candles freqtrade must load before the first signal, of every timeframe alike."""
    seconds = candles.seconds_of(timeframe)
    wanted = [volatility.warmup(settings, seconds)]
    if settings.trend.enabled:
        wanted.append(trend.warmup(settings, seconds))
    return max(wanted)


def informative_pairs(strategy: Any) -> list[tuple[str, str]]:
    """Name the candles of the trend gate; live, hourly ones too, for correlations over days."""
    context = strategy.desk.context
    wanted = {context.settings.trend.timeframe} if context.settings.trend.enabled else set()
    if context.live and context.seconds < context.hourly.seconds:
        wanted.add(HOURLY)
    wanted.discard(strategy.timeframe)
    return [(pair, one) for pair in strategy.dp.current_whitelist() for one in sorted(wanted)]


def indicators(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Add volatility and trend."""
    settings = strategy.desk.settings
    if (pair, HOURLY) in informative_pairs(strategy):
        hourly = strategy.dp.get_pair_dataframe(pair, HOURLY)
        if not hourly.empty:
            strategy.desk.context.hourly.prepare(pair, hourly)
    frame = frame.join(volatility.compute(frame, settings))
    return _with_trend(frame, pair, strategy) if settings.trend.enabled else frame


def _with_trend(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    context = strategy.desk.context
    base, wanted = strategy.timeframe, context.settings.trend.timeframe
    if wanted == base:
        return frame.join(trend.compute(frame, context.settings))
    higher = timeframes.candles_of(strategy.dp, pair, wanted, base)
    columns = trend.compute(higher, context.settings)
    return timeframes.merged(frame, base, higher["date"], columns, wanted)


def prepare(frame: pd.DataFrame, pair: str, strategy: Any) -> None:
    """Hand the candles to the desk; before a backtest, check that the pair can be traded at all."""
    desk = strategy.desk
    desk.context.market.prepare(pair, frame)
    if desk.context.live:
        desk.opening.note_last(pair)
        return
    closes = frame["close"].dropna()
    if closes.empty:
        raise OperationalException(f"{pair}: no candle has a price")
    if strategy.config.get("runmode") == RunMode.HYPEROPT:
        return  # an epoch that cannot pay for a line opens nothing, and its loss is refused
    try:
        startup.check_capital(pair, float(closes.min()), strategy, desk)
    except SettingsError as error:
        raise OperationalException(str(error)) from None
    startup.tell_lines(pair, float(closes.iloc[-1]), desk)


def entries(frame: pd.DataFrame, strategy: Any) -> pd.DataFrame:
    """Signal a new cycle wherever everything is known and no strong trend stands against it."""
    settings = strategy.desk.settings
    usable = candles.known(frame) & _spacing_known(frame, settings)
    allowed = {
        LONG: usable & _allowed(frame, LONG, settings),
        SHORT: usable & _allowed(frame, SHORT, settings),
    }
    tag = tags.entry_tag(range(1, strategy.desk.opening.lines() + 1))
    frame["enter_long"] = allowed[LONG].astype("int8")
    if strategy.can_short:
        frame["enter_short"] = allowed[SHORT].astype("int8")
    frame["enter_tag"] = tag
    return frame


def _spacing_known(frame: pd.DataFrame, settings: Settings) -> pd.Series:
    if settings.spacing.method == "fixed":
        return pd.Series(True, index=frame.index)
    return frame["volatility_daily"] > 0


def _allowed(frame: pd.DataFrame, side: int, settings: Settings) -> pd.Series:
    """Vectorised twin of `gates.trend_block` and `gates.side_of_market`."""
    if settings.direction not in ("auto", "long" if side == LONG else "short"):
        return pd.Series(False, index=frame.index)
    rule = settings.trend
    if not rule.enabled:
        return pd.Series(side == LONG or settings.direction == "short", index=frame.index)
    strength, market_side = frame["trend_strength"], frame["trend_side"]
    known = strength.notna() & market_side.notna()
    if settings.direction == "auto":
        certain = (strength < rule.adx_calm) | (strength >= rule.adx_strong)
        return known & certain & (market_side * side > 0)
    return known & ~((strength >= rule.adx_strong) & (market_side * side < 0))

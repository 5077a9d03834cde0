"""Columns, signals and settings of a strategy that trades grids."""

from typing import Any

import numpy as np
import pandas as pd
from freqtrade.enums import RunMode
from freqtrade.exceptions import OperationalException

from gridkit import candles
from gridkit.analytics.regime import Regime
from gridkit.grid import tags
from gridkit.host import columns, outlook, startup
from gridkit.host.prediction import heeding
from gridkit.host.sources import HOURLY
from gridkit.settings import Settings, SettingsError

LONG = 1
SHORT = -1
SIDES = {"long": LONG, "short": SHORT}


def informative_pairs(strategy: Any) -> list[tuple[str, str] | tuple[str, str, str]]:
    """Name the candles that the analytics read beside the strategy's own."""
    return strategy.desk.analyst.wanted()


def indicators(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Add the columns of the analytics; keep hourly closes, for correlations over days."""
    analyst, hourly = strategy.desk.analyst, strategy.desk.context.hourly
    if strategy.desk.context.live and analyst.reads_hours():
        hours = analyst.candles(frame, pair, HOURLY)
        if hours is not None:
            hourly.prepare(pair, hours)
    return heeding.added(columns.of_pair(frame, pair, analyst), pair, strategy)


def prepare(frame: pd.DataFrame, pair: str, strategy: Any) -> None:
    """Hand the candles to the desk; before a backtest, check that the pair can be traded at all."""
    desk = strategy.desk
    outlook_of = outlook.of_frame(frame, desk.settings, desk.context.seconds)
    desk.context.market.prepare(pair, frame, outlook_of)
    desk.surveyor.prepare(pair, frame)
    if desk.context.live:
        desk.beliefs.look(frame, pair)
        desk.opening.note_last(pair)
        desk.context.write(frame, pair)
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
    """Signal a new cycle where all is known, and no trend, shock or prediction is against it.

    What else may refuse one is asked when freqtrade would open it.
    """
    settings = strategy.desk.settings
    usable = candles.known(frame) & _spacing_known(frame, settings)
    usable &= outlook.shocked(frame, settings) == 0
    allowed = {side: usable & _starts(frame, side, settings) for side in (LONG, SHORT)}
    tag = tags.entry_tag(range(1, strategy.desk.opening.lines() + 1))
    frame["enter_long"] = allowed[LONG].astype("int8")
    if strategy.can_short:
        frame["enter_short"] = allowed[SHORT].astype("int8")
    frame["enter_tag"] = tag
    return frame


def _spacing_known(frame: pd.DataFrame, settings: Settings) -> pd.Series:
    if settings.spacing.method in ("fixed", "micro"):
        return pd.Series(True, index=frame.index)
    return frame["volatility_daily"] > 0


def _starts(frame: pd.DataFrame, side: int, settings: Settings) -> pd.Series:
    predicted = outlook.predicted(frame, side, settings.prediction)
    return _allowed(frame, side, settings) & (predicted != outlook.UNLIKELY)


def _allowed(frame: pd.DataFrame, side: int, settings: Settings) -> pd.Series:
    """Vectorised twin of `gates.start_block`, with the side of `direction`."""
    direction, rule = settings.direction, settings.regime
    if direction not in ("auto", "long" if side == LONG else "short"):
        return pd.Series(False, index=frame.index)
    if not rule.enabled:
        return pd.Series(side == LONG or direction == "short", index=frame.index)
    codes = frame["regime_code"].to_numpy()
    leaning = outlook.leanings(frame)
    if direction == "auto":
        goes = np.where(leaning == 0, outlook.sides_of(frame), leaning)
        chosen = (goes == side) & (codes != Regime.UNCERTAIN)
    else:
        chosen = leaning != -side
    return frame["regime_adx"].notna() & outlook.starting(frame, rule) & chosen

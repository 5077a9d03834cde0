"""The columns of a pair's frame, by module: each where it is switched on, none looking ahead."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from freqtrade.exceptions import OperationalException

from gridkit import candles
from gridkit.analytics import (
    confluence,
    estimators,
    forecast,
    orderflow,
    profile,
    regime,
    scores,
    shocks,
    smoothing,
    thresholds,
    volatility,
)
from gridkit.analytics.scores_parts import Extras
from gridkit.host import forecasts, stresses
from gridkit.host.failing import GUARDS
from gridkit.host.sources import HOURLY

if TYPE_CHECKING:
    from gridkit.host.analyst import Analyst
    from gridkit.settings import Settings

Part = Callable[[pd.DataFrame, str, "Analyst"], pd.DataFrame]
Compute = Callable[[pd.DataFrame, "Settings"], pd.DataFrame]

# Of what the modules compute, what reaches the frame: every column costs memory, of every pair.
REGIME_COLUMNS = (
    "regime_code",
    "regime_adx",
    "regime_side",
    "regime_distance",
)
ORDERFLOW_COLUMNS = (
    "orderflow_delta",
    "orderflow_trades",
    "orderflow_buy_pressure",
    "orderflow_cvd",
    "orderflow_imbalance",
    "orderflow_vwap_deviation",
    "orderflow_whale",
)
# What freqtrade leaves behind in a backtest's candles after counting decimals: float64, 8.7 MB per
# pair-year of 5m candles in the analysed frame and its copy.
LEFT_BEHIND = ("open_count", "high_count", "low_count", "close_count", "max_count")
SECONDS_PER_MINUTE = 60
# What stands in for the columns of a guard that failed; without entries nothing is entered.
REFUSING: dict[str, dict[str, Any]] = {
    "entries": {},
    "hours": {"hours_thin": np.int8(1), "hours_pause": np.int8(1)},
    "shocks": {shocks.KIND: np.int8(shocks.Shock.MOVE), shocks.VALUE: np.float32(np.nan)},
}


def of_pair(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return the frame with the columns of every module that is switched on."""
    return joined(frame, pair, analyst, [*shared(analyst.settings), *_of_grid(analyst.settings)])


def joined(
    frame: pd.DataFrame, pair: str, analyst: "Analyst", parts: Iterable[Part]
) -> pd.DataFrame:
    """Return the frame with the columns of these modules."""
    columns = [made(part, frame, pair, analyst) for part in parts]
    return pd.concat([frame.drop(columns=list(LEFT_BEHIND), errors="ignore"), *columns], axis=1)


def made(part: Part, frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return a part's columns; live, one that fails has none, and a guard's refuse.

    Volatility, regime and stress have nothing to refuse with: without them the pair's last
    analysis stays, and nothing is opened or added.
    """
    name, features = part.__name__.removeprefix("_"), analyst.features
    make = partial(part, frame, pair, analyst)
    if name not in GUARDS:
        return features.run(name, pair, make, lambda: pd.DataFrame(index=frame.index))
    refusing = REFUSING.get(name)
    if refusing is None:
        return features.guard(name, pair, make)
    return features.guard(name, pair, make, lambda: pd.DataFrame(refusing, index=frame.index))


def shared(settings: "Settings") -> Iterator[Part]:
    """Yield the modules that are switched on, of those every strategy reads."""
    yield _volatility
    if settings.regime.enabled:
        yield _regime
    if settings.breakers.enabled and settings.breakers.market:
        yield _shocks
    if settings.profile.enabled:
        yield _profile
    if settings.confluence.enabled:
        yield _confluence
    if settings.thresholds.enabled:
        yield _thresholds
    if settings.orderflow.enabled:
        yield _orderflow


def _of_grid(settings: "Settings") -> Iterator[Part]:
    if settings.stress.enabled and settings.spacing.method == "regime":
        yield _stress


def _volatility(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return what is known of volatility, and the forecast: annual, and per day for the spacing."""
    settings = analyst.settings
    known = {"realised": volatility.realised(frame, settings).to_numpy()}
    if settings.volatility.method == "composite":
        known |= forecasts.of_pair(frame, pair, analyst)
    annual = forecast.composite(known, settings.volatility.weights)
    columns = {f"volatility_{name}": values.astype("float32") for name, values in known.items()}
    columns["volatility_forecast"] = annual.astype("float32")
    columns["volatility_class"] = forecast.regime_of(annual, settings.volatility.regimes)
    daily = volatility.daily(_for_spacing(annual, frame, analyst))
    columns["volatility_daily"] = daily.astype("float32")
    if settings.spacing.method in ("auto", "micro"):
        columns["volatility_smooth"] = _smooth(known["realised"], frame, analyst)
    return pd.DataFrame(columns, index=frame.index)


def _smooth(annual: np.ndarray, frame: pd.DataFrame, analyst: "Analyst") -> np.ndarray:
    """Return the past's daily volatility, smoothed from hour to hour, for the micro grid."""
    closes = candles.times(frame) + analyst.seconds
    return smoothing.by_hour(volatility.daily(annual), closes).astype("float32")


def _for_spacing(annual: np.ndarray, frame: pd.DataFrame, analyst: "Analyst") -> np.ndarray:
    """Return the forecast; for the classic gap in ATR, the volatility that leads to this gap."""
    measured = analyst.settings.volatility
    gap_in_atr = (measured.method, measured.estimator) == ("realised", "atr")
    if not gap_in_atr or analyst.settings.spacing.method not in ("volatility", "auto"):
        return annual
    fractions = estimators.atr(estimators.Prices.of(frame), measured.atr_period)
    return volatility.gap_as_annual(fractions, analyst.configured)


def _regime(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return the regime that counts at each candle, once it has been unchanged for long enough."""
    rule = analyst.settings.regime
    other = analyst.candles(frame, pair, rule.timeframe)
    if other is None:
        raise OperationalException(
            f"No {rule.timeframe} candles of {pair} for the market regime. Download them "
            f"(freqtrade download-data --timeframes {analyst.sources.timeframe} "
            f"{rule.timeframe}), choose another timeframe with gridkit.regime.timeframe, or switch "
            "the gate off with gridkit.regime.enabled."
        )
    made = analyst.computed(pair, other, regime.compute)
    seen = analyst.beside(frame, other, made[list(REGIME_COLUMNS)], rule.timeframe)
    closes = candles.times(frame) + analyst.seconds
    seconds = rule.stable_minutes * SECONDS_PER_MINUTE
    codes = regime.settled(seen["regime_code"].to_numpy(), closes, seconds)
    return seen.assign(regime_code=codes)


def _stress(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return what widens the gaps of the regime grid: stress, and it and thin trade together."""
    made = stresses.of_pair(frame, pair, analyst)
    # What is not known widens nothing.
    gap = made.fillna(1.0).prod(axis=1).astype("float32")
    return made[["stress_factor"]].assign(stress_gap_factor=gap)


def _shocks(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return what trips a market's breakers; of the pairs together where their hours are loaded."""
    made, settings = shocks.compute(frame, analyst.settings), analyst.settings
    hours = analyst.candles(frame, pair, HOURLY) if _knows_correlation(analyst) else None
    if hours is not None and not hours.empty:
        together = analyst.whitelist.broken(hours, settings)
        column = together[[shocks.Shock.CORRELATION.column]]
        made = made.join(analyst.beside(frame, together, column, HOURLY))
    return shocks.tripping(made, settings)


def _knows_correlation(analyst: "Analyst") -> bool:
    hours = analyst.reads_hours() or analyst.sources.timeframe == HOURLY
    return hours and analyst.settings.correlation.enabled


def _profile(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    timeframe = analyst.profile_timeframe
    return of_timeframe(frame, pair, analyst, timeframe, profile.compute)


def _thresholds(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return the threshold's factor; live, its last change is logged with its reason."""
    found = of_timeframe(frame, pair, analyst, HOURLY, thresholds.compute)
    found = found.fillna({"thresholds_multiplier": thresholds.NEUTRAL})  # before the first hour
    if analyst.live and len(found.columns):
        changes = thresholds.changes(found, analyst.settings.thresholds)
        analyst.tell(pair, "threshold", changes.iloc[-1] if len(changes) else "")
    return found


def of_timeframe(
    frame: pd.DataFrame, pair: str, analyst: "Analyst", timeframe: str, compute: Compute
) -> pd.DataFrame:
    """Return a module's columns from candles of a timeframe, as known at each of the frame's."""
    other = analyst.candles(frame, pair, timeframe)
    if other is None:
        other = frame.iloc[:0]  # of which nothing is known
    return analyst.beside(frame, other, analyst.computed(pair, other, compute), timeframe)


def _confluence(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return how far the timeframes agree."""
    settings, own = analyst.settings, analyst.sources.timeframe
    weights = settings.confluence.weights_for(own)
    scored, ages = pd.DataFrame(index=frame.index), pd.DataFrame(index=frame.index)
    sources = analyst.sources
    extras = Extras(funding=sources.funding(pair), open_interest=sources.open_interest(pair))
    for timeframe in analyst.confluence_timeframes():
        other = analyst.candles(frame, pair, timeframe)
        if other is not None:
            seen = _with_profile(extras, other, pair, timeframe, analyst)
            score = scores.compute(other, settings, seen)["scores_score"]
            length = candles.seconds_of(timeframe)
            scored[timeframe], ages[timeframe] = confluence.seen_from(
                frame, analyst.seconds, other, length, score
            )
    made = confluence.combine(scored, ages, weights, settings)
    if analyst.live and len(made):
        absent = confluence.excluded_names(made["confluence_excluded"].iloc[-1], weights)
        text = f"confluence leaves out {', '.join(absent)}: missing or old" if absent else ""
        analyst.tell(pair, "confluence", text)
    return made


def _with_profile(
    extras: Extras, other: pd.DataFrame, pair: str, timeframe: str, analyst: "Analyst"
) -> Extras:
    """Return the extras of a timeframe: with the volume profile, where it is of these candles."""
    if not analyst.settings.profile.enabled or timeframe != analyst.profile_timeframe:
        return extras
    make = partial(analyst.computed, pair, other, profile.compute)
    found = analyst.features.run("profile", pair, make, lambda: None)
    return replace(extras, profile=found)


def _orderflow(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return order flow from public trades; without them, from freqtrade's own columns."""
    trades = analyst.sources.trades(pair, frame)
    if trades.empty and orderflow.FREQTRADES.keys() <= set(frame.columns):
        made = orderflow.from_freqtrade(frame, analyst.settings, analyst.seconds)
    else:
        made = orderflow.compute(frame, trades, analyst.settings, analyst.seconds)
    return made[list(ORDERFLOW_COLUMNS)]

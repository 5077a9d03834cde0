"""GARCH(1,1): the volatility of the hour to come, from hourly candles (SPEC G.2)."""

import math
import os
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridkit.analytics import hours as hourly
from gridkit.settings import Settings

HOURS_PER_YEAR = 365 * 24
LEAST_KNOWN = 0.5  # share of a window's returns that a fit needs
BELIEVABLE = 4.0  # factor between variances of the fit and of its window


@dataclass(frozen=True, slots=True)
class Fit:
    """GARCH(1,1) of hourly log returns with mean zero: h' = omega + alpha r² + beta h.

    `ahead` is the variance of the hour after the window's last return.
    """

    omega: float
    alpha: float
    beta: float
    ahead: float

    def after(self, ahead: float, square: float) -> float:
        """Variance of the hour after next, once the next one's squared return is known."""
        return self.omega + self.alpha * square + self.beta * ahead


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Hourly candles until a forecast is certain: a window, and the longest wait for a fit."""
    garch = settings.volatility.garch
    return garch.window_hours + garch.refit_hours


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `garch_volatility`: forecast of the next hour's volatility, annual, a fraction.

    Fits are made as of every hour since 1970 that `refit_hours` divides, from the `window_hours`
    before it, and carry the forecasts until the next: so no number depends on where the candles
    begin. Unknown until the first such hour a whole window after the first price, in a candle
    without a price, and from a fit that `fitted` refuses until the next. A missing hour has no
    return, and neither has the one after it; their squared returns are taken to be as forecast.

    It is of one hour and swings with each: a wild hour is forecast to be followed by another.
    Raises ValueError unless candles begin on whole hours.
    Source: Bollerslev (1986), Journal of Econometrics 31(3), eq. 1 to 3.
    """
    hours = hourly.of(frame)
    close = frame["close"].to_numpy("float64")
    known = np.flatnonzero((close > 0) & np.isfinite(close))
    returns = hourly.log_returns(close[known], hours[known])
    variance = np.full(len(frame), np.nan)
    variance[known] = forecasts(hours[known], returns, settings)
    annual = np.sqrt(variance * HOURS_PER_YEAR).astype("float32")
    return pd.DataFrame({"garch_volatility": annual}, index=frame.index)


def forecasts(hours: np.ndarray, returns: np.ndarray, settings: Settings) -> np.ndarray:
    """Variance of the log return of the hour after each of `hours`; NaN while unknown.

    `hours` (whole, since 1970, ascending) and `returns` (NaN: unknown) have shape (n,), as has the
    result.
    """
    window, refit = settings.volatility.garch.window_hours, settings.volatility.garch.refit_hours
    variance = np.full(len(hours), np.nan)
    if not len(hours):
        return variance
    known = np.flatnonzero(np.isfinite(returns))
    first = -(-(hours[0] + window) // refit) * refit
    for anchor in range(first, hours[-1] + 1, refit):
        begin, end = np.searchsorted(hours[known], (anchor - window, anchor), side="right")
        fit = fitted(returns[known[begin:end]]) if end - begin >= LEAST_KNOWN * window else None
        if fit is None:
            continue
        last = known[end - 1]
        now, until = np.searchsorted(hours, (anchor, anchor + refit))
        variance[now:until] = filtered(fit, hours[last:until], returns[last:until])[now - last :]
    return variance


def filtered(fit: Fit, hours: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Variance of the hour after each of `hours`, the first of which ends the fit's window."""
    ahead = fit.ahead
    variance = [ahead]
    steps, squares = np.diff(hours).tolist(), np.square(returns[1:]).tolist()
    for step, square in zip(steps, squares, strict=True):
        for _ in range(step - 1):
            ahead = fit.after(ahead, ahead)
        ahead = fit.after(ahead, ahead if math.isnan(square) else square)
        variance.append(ahead)
    return np.array(variance)


def fitted(returns: np.ndarray) -> Fit | None:
    """Fit by maximum likelihood with normal errors, or None where there is none to be believed.

    None: prices stand still; no optimum is found; or the fit's mean variance, or the one it
    reverts to, is not that of the returns within a factor of four. A persistence alpha + beta of 1
    is believed (every fifth fit of real hours has it): such a variance reverts to none, but the
    next hour's is as good as any.
    """
    # Imported where it is needed, as it takes a second; and without numba, which takes 54 MB and
    # is for an arch built without its compiled loops only.
    os.environ.setdefault("ARCH_DISABLE_NUMBA", "1")
    from arch.univariate import GARCH, ZeroMean  # noqa: PLC0415

    scale = math.sqrt(np.mean(np.square(returns)))
    if not scale > 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # In units of their own size, as the search misses its mark with very small numbers.
        model = ZeroMean(returns / scale, volatility=GARCH(1, 0, 1), rescale=False)
        result = model.fit(disp="off", show_warning=False)
    omega, alpha, beta = result.params.tolist()
    variances = np.square(result.conditional_volatility)
    if result.convergence_flag != 0 or not _is_believable(omega, alpha + beta, variances.mean()):
        return None
    ahead = float(omega + alpha * (returns[-1] / scale) ** 2 + beta * variances[-1])
    return Fit(omega * scale**2, alpha, beta, ahead * scale**2)


def _is_believable(omega: float, persistence: float, mean: float) -> bool:
    """Whether variances, in units of the returns' own, are about 1."""
    reverts_to = omega / (1.0 - persistence) if persistence < 1 else math.inf
    return 1 / BELIEVABLE <= mean <= BELIEVABLE and reverts_to >= 1 / BELIEVABLE

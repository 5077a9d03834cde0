"""What share of capital one line is worth: base risk, results, drawdown (SPEC A.3, A.4)."""

import math

from gridkit.risk.performance import Performance
from gridkit.settings import SizingSettings

SMALL_CAPITAL = 500.0
MIDDLE_CAPITAL = 1_000.0
SMALL_FACTOR, MIDDLE_FACTOR = 1.5, 1.2
SMALL_RISK = 0.04  # the factor of a small account lifts a risk up to here and no further
GOOD_WIN_RATE, POOR_WIN_RATE = 0.7, 0.5
LEAST_MULTIPLIER, MOST_MULTIPLIER = 0.5, 2.0
DEEPEST = 0.5  # what is left of a stake at the orange line
SHOWN = 0.005  # factors nearer to 1 are not worth a word


def dynamic_risk(
    equity: float,
    drawdown: float,
    performance: Performance,
    orange: float,
    settings: SizingSettings,
) -> tuple[float, list[str]]:
    """Return the share of effective capital in a line, and what made it of the base risk.

    Always from least_risk to most_risk. `equity` sets the class of capital; `drawdown` is a
    fraction of the peak, `orange` that at which stakes are halved.
    """
    results = performance_factor(performance)
    falling = drawdown_factor(drawdown, orange)
    before = settings.risk * results * falling
    lifted = small_account_risk(equity, before)
    clamped = min(max(lifted, settings.least_risk), settings.most_risk)
    told = [
        *factor_told(results, _results_of(performance)),
        *factor_told(falling, "the drawdown"),
        *factor_told(lifted / before, "a small account"),
    ]
    if clamped != lifted:
        bound = "at least" if clamped > lifted else "at most"
        told.append(f"{bound} {clamped:.1%}")
    return clamped, told


def kelly_risk(kelly: float, dynamic: float, settings: SizingSettings) -> tuple[float, str]:
    """Return Kelly's share where it is less than the dynamic rule's; unknown odds change nothing.

    The smallest risk stays even where the odds are against it: without lots they never change.
    """
    if math.isnan(kelly):
        return dynamic, "Kelly's odds not known yet"
    share = max(settings.kelly_fraction * kelly, settings.least_risk)
    if share >= dynamic:
        return dynamic, "no more by Kelly"
    return share, f"{share:.1%} by Kelly"


def effective_capital(base: float, profit: float, equity: float) -> float:
    """Return the capital that risk is a share of: what was put in, and at most as much of profits.

    Stake currency. Never above marked `equity`, so that losses are not traded on; `profit` is net
    and realised, and an unknown one does not count. Raises ValueError where base or equity is
    unknown.
    """
    if not (math.isfinite(base) and math.isfinite(equity)):
        raise ValueError(f"base {base:.2f} or equity {equity:.2f} is unknown")
    earned = 0.0 if math.isnan(profit) else min(max(profit, 0.0), base)
    return max(0.0, min(equity, base + earned))


def win_rate_factor(win_rate: float) -> float:
    """Return the factor of a share of winners (0 to 1), never falling with it; NaN: 1."""
    if win_rate >= GOOD_WIN_RATE:
        return 1 + (win_rate - GOOD_WIN_RATE) * 1.5
    if win_rate <= POOR_WIN_RATE:
        return 0.5 + win_rate / 2
    return 1.0


def momentum_factor(momentum: float) -> float:
    """Return the factor of the last lots' momentum (-1 to 1); NaN: 1."""
    return 1.0 if math.isnan(momentum) else 1 + 0.5 * momentum


def performance_factor(performance: Performance) -> float:
    """Return the factor of all results, 0.5 to 2: the mean of both; 1 for one that is unknown."""
    mean = (win_rate_factor(performance.win_rate) + momentum_factor(performance.momentum)) / 2
    return min(max(mean, LEAST_MULTIPLIER), MOST_MULTIPLIER)


def drawdown_factor(drawdown: float, orange: float) -> float:
    """Return 1 at no drawdown, linearly less to 0.5 at the orange line and beyond; NaN: 1.

    An unknown drawdown is the breakers' to refuse, who are guards; sizing is a feature.
    """
    if not drawdown > 0:
        return 1.0
    depth = min(1.0, drawdown / orange) if orange > 0 else 1.0
    return 1 - (1 - DEEPEST) * depth


def small_account_risk(capital: float, risk: float) -> float:
    """Return the risk, lifted where the usual share of capital is too little to trade with."""
    if capital < SMALL_CAPITAL:
        return max(risk, min(SMALL_RISK, SMALL_FACTOR * risk))
    return MIDDLE_FACTOR * risk if capital < MIDDLE_CAPITAL else risk


def factor_told(value: float, cause: str) -> list[str]:
    """Say a factor and its cause; nothing where it is as good as 1."""
    return [f"x {value:.2g} for {cause}"] if abs(value - 1) >= SHOWN else []


def _results_of(performance: Performance) -> str:
    if math.isnan(performance.win_rate):
        return "the last lots"
    return f"{performance.win_rate:.0%} winners"

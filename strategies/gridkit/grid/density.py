"""Where price has turned before, and at round numbers, lines stand closer (SPEC B.7)."""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence

from gridkit.settings import DensitySettings

ROUND_SHARE = 0.05  # of a price, that two round numbers are at most apart
AT_ROUND = 0.1  # of the way between two round numbers, that is still at one of them

Prices = Callable[[float], float]  # price so many steps away


def places(
    count: int,
    price_at: Prices,
    levels: Sequence[float],
    settings: DensitySettings | None,
    direction: int = 1,
) -> list[float]:
    """Return how many steps away each of `count` lines stands, from where `price_at(0)` is.

    `direction` 1 leads outwards, -1 inwards. A gap is a step divided by the density where its line
    would stand without. `levels` (support and resistance) ascend. Settings None: whole steps.
    """
    if settings is None:
        return [float(direction * place) for place in range(1, count + 1)]
    found, place = [], 0.0
    for _ in range(count):
        place += direction / density(price_at(place + direction), levels, settings)
        found.append(place)
    return found


def density(price: float, levels: Sequence[float], settings: DensitySettings) -> float:
    """Return how many times closer lines stand at a price, at least 1; `levels` ascend.

    Once for the nearest level, however many there are, and once for a round number.
    """
    if not 0 < price < math.inf:
        return 1.0
    distance = _to_nearest(price, levels)
    factor = 1.0
    if distance <= settings.near:
        factor = settings.near_factor
    elif distance <= settings.around:
        factor = settings.around_factor
    return factor * settings.round_factor if is_round(price) else factor


def is_round(price: float) -> bool:
    """Whether a price is at a round number.

    Round are the multiples of the largest of 0.1, 0.5, 1, 5, 10, 50 … that is at most a twentieth
    of the price, so that they are 1 to 5 % of it apart: the thousands from 20,000 to 100,000, then
    the five thousands. At one is what is within a tenth of the way to the next.
    """
    unit = round_unit(price)
    steps = price / unit
    return abs(steps - round(steps)) <= AT_ROUND


def round_unit(price: float) -> float:
    """Return how far round numbers are apart at a price."""
    power = 10.0 ** math.floor(math.log10(price * ROUND_SHARE))
    return 5.0 * power if 5.0 * power <= price * ROUND_SHARE else power


def _to_nearest(price: float, levels: Sequence[float]) -> float:
    """Return the distance to the nearest level as a fraction of the price, infinite for none."""
    place = bisect_left(levels, price)
    beside = levels[max(0, place - 1) : place + 1]
    return min((abs(level / price - 1.0) for level in beside), default=math.inf)

"""By how much predictions raise stakes: of the first order, whose plan is of plain lines."""

from gridkit.grid.entries import fitting
from gridkit.host.context import Context
from gridkit.host.market_data import Reading
from gridkit.host.prediction import section
from gridkit.risk import predictions
from gridkit.risk.predictions import PLAIN


class Starts:
    """Asked for the stake of a first order, and once it is filled, what of that was raised."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._scales: dict[str, float] = {}

    def forget(self) -> None:
        """Drop what was placed in another run."""
        self._scales.clear()

    def scale(
        self, pair: str, reading: Reading | None, side: int, stake: float, room: float
    ) -> float:
        """Return what the stake of a pair's first order is multiplied by, and keep it."""
        scale = fitting(self._by(reading, side), stake, room)
        self._scales[pair] = scale
        return scale

    def scaled(self, pair: str, then: Reading | None, side: int) -> float:
        """Return what it was; after a restart what its candle says, if that is known.

        That is too much where there was too little room, and lines are the smaller for it.
        """
        known = self._scales.get(pair)
        return self._by(then, side) if known is None else known

    def _by(self, reading: Reading | None, side: int) -> float:
        if reading is None:
            return PLAIN
        return predictions.scale(reading.rising, side, self._context.settings.prediction)


def most(context: Context) -> float:
    """Return the most the stake of an order may be multiplied by: 1 where nothing is predicted."""
    rule, predicts = context.settings.prediction, section.is_on(context.strategy.config)
    return PLAIN + rule.bonus if rule.enabled and predicts else PLAIN

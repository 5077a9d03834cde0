"""How long training takes, what failed last, and whether all pairs fit between two trainings."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gridkit.candles import SECONDS_PER_HOUR

logger = logging.getLogger(__name__)

REST_SECONDS = 600  # FreqAI would try again a second after a failure


class TrainingTimes:
    """Of one model object. `budget` is the share of the retrain interval training may take."""

    def __init__(
        self, retrain_hours: float, budget: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowed = retrain_hours * SECONDS_PER_HOUR * budget
        self._clock = clock
        self._failed: dict[str, float] = {}
        self._warned = False
        self.seconds: dict[str, float] = {}

    def rests(self, pair: str) -> bool:
        """Whether a pair's training failed so lately that it is not tried again yet."""
        failed = self._failed.get(pair)
        return failed is not None and self._clock() - failed < REST_SECONDS

    @contextmanager
    def measured(self, pair: str) -> Iterator[None]:
        """Take the time of a training, and note if it fails."""
        begun = self._clock()
        try:
            yield
        except Exception:
            self._failed[pair] = self._clock()
            raise
        self._failed.pop(pair, None)
        self.seconds[pair] = self._clock() - begun

    def warning(self, pairs: int) -> str | None:
        """Return what is to be said once when so many pairs take longer than they may.

        Without an interval pairs are trained one after the other for ever, and nothing is late.
        """
        if not self.seconds or not self._allowed:
            return None
        mean = sum(self.seconds.values()) / len(self.seconds)
        late, self._warned = self._warned, pairs * mean > self._allowed
        if late or not self._warned:
            return None
        return (
            f"training {pairs} pairs takes {pairs * mean / 60:.0f} minutes, {mean:.0f} s each; "
            f"allowed are {self._allowed / 60:.0f} (freqai.live_retrain_hours times "
            "prediction.retrain_budget): models are older than they should be. Trade fewer pairs, "
            "train on fewer days or features, or retrain more rarely."
        )

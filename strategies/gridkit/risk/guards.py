"""What a guard does when it breaks itself: it says no."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class RunFailed(KeyboardInterrupt):
    """Ends freqtrade with a status other than 0, as ctrl-C does.

    Its callbacks hide every Exception, and its `main` leaves with 0 on every other BaseException,
    SystemExit among them.
    """

    def __init__(self, callback: str, error: Exception) -> None:
        super().__init__(f"gridkit: {callback} failed, which ends the run: {error!r}")
        logger.critical(str(self))


def refuses_on_error(refusal: Answer) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Turn an exception into `refusal`: freqtrade would log it and go ahead (DESIGN 2.17).

    An owner whose `errors_are_fatal` is true (a backtest's strategy) ends the process instead.
    """

    def decorate(gate: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(gate)
        def guarded(*args: Any, **kwargs: Any) -> Answer:
            try:
                return gate(*args, **kwargs)
            except Exception as error:
                logger.exception("%s failed, so the trade is refused", gate.__name__)
                if args and getattr(args[0], "errors_are_fatal", False):
                    raise RunFailed(gate.__name__, error) from error
                return refusal

        return guarded

    return decorate

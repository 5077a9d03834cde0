"""What a guard does when it breaks itself: it says no."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


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
                    name = gate.__name__
                    raise SystemExit(f"gridkit: {name} failed: {error!r}") from error
                return refusal

        return guarded

    return decorate

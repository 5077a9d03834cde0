"""What is predicted of a pair and whether it is believed: in words, and as a document."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridkit.prediction.gate import Why

if TYPE_CHECKING:
    from pandas import DataFrame

GATE, UP, RAW = "prediction_gate", "prediction_up", "prediction_up_"
FIGURES = ("accuracy", "lower", "break_even", "outcomes")
MODEL = ("decided", "uncertainty", "drifted", "hours")
# What is asked of a running bot: all but the horizons, which only it knows.
COLUMNS = (GATE, UP, *(f"prediction_{name}" for name in (*FIGURES, *MODEL)))


@dataclass(frozen=True, slots=True)
class Belief:
    """A candle's columns of the predictor, as `heeding.columns` has them. NaN is unknown.

    `up` is the probability of a rise by the main horizon while it is heeded; `raw` that of each
    horizon, heeded or not.
    """

    why: Why
    up: float
    raw: Mapping[str, float]
    figures: Mapping[str, float]
    model: Mapping[str, float]

    @property
    def is_on(self) -> bool:
        """Whether predictions are heeded."""
        return self.why is Why.ON

    def __str__(self) -> str:
        if self.is_on:
            return f"prediction on: a rise with {self.up:.0%}{self._record}"
        return f"prediction off: {self.reason}{self._record}"

    @property
    def reason(self) -> str:
        """Return why it is off, with the figure of the model that says so."""
        if self.why is Why.OLD:
            return f"{self.why.text} ({self.model['hours']:.0f} h)"
        if self.why is Why.DRIFTED:
            return f"{self.why.text} ({self.model['drifted']:.0%} of its features)"
        return self.why.text

    @property
    def _record(self) -> str:
        accuracy, lower, break_even, outcomes = (self.figures[name] for name in FIGURES)
        if math.isnan(accuracy):
            return ""
        return (
            f"; right in {accuracy:.1%} of {outcomes:.0f} outcomes, surely in {lower:.1%}, "
            f"pays from {break_even:.1%}"
        )

    def document(self) -> dict[str, Any]:
        """Return it in plain JSON types."""
        numbers = {"up": self.up, **self.figures, **self.model}
        raw = {name: _plain(value) for name, value in self.raw.items()}
        return {
            "heeded": self.is_on,
            "gate": self.why.name.lower(),
            "told": str(self),
            **{name: _plain(value) for name, value in numbers.items()},
            "horizons": raw,
        }


def of_frame(frame: "DataFrame") -> Belief | None:
    """Return what the last candle says; None without a candle, or a predictor."""
    if GATE not in frame or not len(frame):
        return None
    names = [name for name in frame.columns if name.startswith("prediction_")]
    return of(dict(zip(names, frame[names].iloc[-1].tolist(), strict=True)))


def of(candle: Mapping[str, Any]) -> Belief | None:
    """Return what a candle says by its columns; None where no predictor runs."""
    code = _number(candle, GATE)
    if code not in list(Why):
        return None
    raw = {name.removeprefix(RAW): _number(candle, name) for name in candle if name.startswith(RAW)}
    return Belief(
        Why(int(code)),
        _number(candle, UP),
        raw,
        {name: _number(candle, f"prediction_{name}") for name in FIGURES},
        {name: _number(candle, f"prediction_{name}") for name in MODEL},
    )


def _number(candle: Mapping[str, Any], name: str) -> float:
    value = candle.get(name)
    return math.nan if value is None else float(value)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Settings of the predictor: what is predicted, by what, and when it is heeded (SPEC M, O)."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from gridkit import candles
from gridkit.settings.section import Section

Share = Annotated[float, Field(ge=0, le=1)]
Learner = Literal["lightgbm", "random_forest", "xgboost", "lstm"]
Family = Literal[
    "price",
    "volume",
    "volatility",
    "momentum",
    "trend",
    "time",
    "profile",
    "regime",
    "confluence",
    "orderflow",
    "funding",
    "correlation",
]
FAMILIES: tuple[Family, ...] = Family.__args__  # type: ignore[attr-defined]


class GateSettings(Section):
    """When predictions are heeded (SPEC O)."""

    window_days: float = Field(
        default=30.0, ge=1, le=365, description="days back that outcomes count"
    )
    least_accuracy: float = Field(
        default=0.55, ge=0.5, le=1, description="share that must have been right"
    )
    least_outcomes: float = Field(
        default=60.0,
        ge=10,
        le=10_000,
        description="decided outcomes that do not overlap, from which the share counts",
    )
    confidence: float = Field(
        default=0.90,
        ge=0.5,
        lt=1,
        description="confidence with which the share must be above break-even, a share",
    )
    max_age_hours: float = Field(
        default=192.0, gt=0, le=8_760, description="age from which a model is not heeded any more"
    )


class DriftSettings(Section):
    """When the market is too unlike what a model was trained on."""

    enabled: bool = Field(default=True, description="compare the features of the last days")
    days: float = Field(default=7.0, ge=1, le=90, description="days that are compared")
    most_index: float = Field(
        default=5.0,
        gt=0,
        le=100,
        description="population stability index from which a feature has shifted",
    )
    most_drifted: Share = Field(
        default=0.0, description="share of the features that may have shifted"
    )


class PredictionSettings(Section):
    """What is predicted, and what that changes; what is unknown changes nothing (SPEC M, O).

    FreqAI's own section of the config says on how many days it is trained, and how often.
    """

    enabled: bool = Field(default=True, description="ask FreqAI, where it is on, and heed it")
    raises: Share = Field(
        default=0.7, description="probability of the entry's side that raises confidence or stake"
    )
    bonus: Share = Field(default=0.1, description="share by which it does")
    blocks: Share = Field(
        default=0.3, description="probability of the entry's side below which none is taken"
    )
    horizons: tuple[str, ...] = Field(
        default=("15m", "1h", "4h"), description="horizons predicted, whole candles each"
    )
    main_horizon: str = Field(default="4h", description="horizon that is traded by")
    learner: Learner = Field(
        default="lightgbm", description="kind of the learners; lstm wants the extra `torch`"
    )
    members: int = Field(
        default=3,
        ge=2,
        le=20,
        description="learners of each question: their mean counts, their spread is the doubt",
    )
    calibration: Literal["sigmoid", "isotonic"] = Field(
        default="sigmoid", description="how a score becomes the share of times it came true"
    )
    seed: int = Field(default=1, ge=0, le=2**31 - 1, description="seed of all learners")
    embargo_minutes: float = Field(
        default=0.0,
        ge=0,
        le=100_000,
        description="minutes left out between training and validation, beside the horizon",
    )
    families: tuple[Family, ...] = Field(
        default=FAMILIES,
        description="families of features; those of modules count where these are on",
    )
    gate: GateSettings = Field(
        default=GateSettings(), description="what outcomes and age must be like"
    )
    drift: DriftSettings = Field(default=DriftSettings(), description="features that have shifted")
    retrain_budget: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of freqai.live_retrain_hours that training all pairs may take; "
        "beyond it you are warned",
    )

    @field_validator("horizons")
    @classmethod
    def _are_timeframes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError("allowed is at least one horizon, each once")
        for one in value:
            candles.seconds_of(one)
        return value

    @field_validator("families")
    @classmethod
    def _are_some(cls, value: tuple[Family, ...]) -> tuple[Family, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError("allowed is at least one family, each once")
        return value

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if not self.blocks < self.raises:
            raise ValueError(f"blocks {self.blocks} must be below raises {self.raises}")
        if self.main_horizon not in self.horizons:
            raise ValueError(
                f"main_horizon {self.main_horizon!r} must be one of horizons {self.horizons}"
            )
        return self

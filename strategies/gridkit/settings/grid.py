"""Settings of the grid itself: spacing, lines, stops, caps, costs (SPEC A to C, E)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gridkit.settings.section import Section

Price = Annotated[float, Field(gt=0)]
Step = Annotated[float, Field(ge=0.0001, le=0.2)]
Density = Annotated[float, Field(ge=0.1, le=3)]
Levels = Annotated[int, Field(ge=1, le=50)]


class SpacingSettings(Section):
    """How far the lines stand apart (SPEC B)."""

    method: Literal["auto", "fixed", "micro", "volatility", "regime"] = Field(
        default="auto",
        description="auto: micro below 1,000 of capital, else volatility; fixed: grid_step; "
        "micro: many near lines for a small account; volatility: a multiple of the forecast; "
        "regime: by class",
    )
    progression: Literal["geometric", "arithmetic"] = Field(
        default="geometric", description="equal ratios, or equal distances, between lines"
    )
    grid_step: float = Field(
        default=0.01, ge=0.002, le=0.2, description="method fixed: gap between lines, a fraction"
    )
    volatility_factor: float = Field(
        default=0.6,
        ge=0.05,
        le=5.0,
        description="method volatility: gap per forecast daily volatility",
    )
    min_step: float = Field(
        default=0.004, ge=0.0005, le=0.2, description="method volatility: smallest gap, a fraction"
    )
    max_step: float = Field(
        default=0.04, ge=0.0005, le=0.2, description="method volatility: largest gap, a fraction"
    )

    regime_steps: tuple[Step, Step, Step, Step, Step] = Field(
        default=(0.0005, 0.001, 0.002, 0.005, 0.010),
        description="method regime: gap from ultra-low to extreme volatility, fractions",
    )
    regime_densities: tuple[Density, Density, Density, Density, Density] = Field(
        default=(1.5, 1.2, 1.0, 0.8, 0.5),
        description="method regime: factor on the number of lines, likewise",
    )
    regime_levels: tuple[Levels, Levels, Levels, Levels, Levels] = Field(
        default=(50, 40, 30, 20, 15), description="method regime: most lines, likewise"
    )
    regime_min_step: float = Field(
        default=0.0005, ge=0.0001, le=0.2, description="method regime: smallest gap, a fraction"
    )
    regime_max_step: float = Field(
        default=0.02, ge=0.0005, le=0.2, description="method regime: largest gap, a fraction"
    )

    micro_range: float = Field(
        default=0.10, ge=0.01, le=0.5, description="method micro: reach of the lines, a fraction"
    )
    micro_levels: int = Field(
        default=5, ge=1, le=20, description="method micro: lines, before small capital gets more"
    )
    micro_min_step: float = Field(
        default=0.005, ge=0.0005, le=0.2, description="method micro: smallest gap, a fraction"
    )
    micro_max_step: float = Field(
        default=0.03, ge=0.0005, le=0.2, description="method micro: largest gap, a fraction"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.micro_min_step > self.micro_max_step:
            raise ValueError(
                f"micro_min_step {self.micro_min_step} is above "
                f"micro_max_step {self.micro_max_step}"
            )
        if self.min_step > self.max_step:
            raise ValueError(f"min_step {self.min_step} is above max_step {self.max_step}")
        if self.regime_min_step > self.regime_max_step:
            raise ValueError(
                f"regime_min_step {self.regime_min_step} is above "
                f"regime_max_step {self.regime_max_step}"
            )
        return self


class DensitySettings(Section):
    """Lines stand closer where price has turned before, and at round numbers (SPEC B.7)."""

    enabled: bool = Field(default=False, description="lay lines closer near support and resistance")
    near: float = Field(default=0.01, gt=0, le=0.1, description="distance that is near, a fraction")
    near_factor: float = Field(default=1.5, ge=1, le=3, description="density within `near`")
    around: float = Field(
        default=0.02, gt=0, le=0.1, description="distance that is around, a fraction"
    )
    around_factor: float = Field(default=1.2, ge=1, le=3, description="density within `around`")
    round_factor: float = Field(default=1.3, ge=1, le=3, description="density at round numbers")
    swing_candles: int = Field(
        default=48, ge=2, le=1_000, description="a swing point is the extreme of so many each side"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.near > self.around:
            raise ValueError(f"near {self.near} is above around {self.around}")
        return self


class VolumeLineSettings(Section):
    """Lines move to prices at which much is traded, or rests in the book (SPEC D)."""

    enabled: bool = Field(default=True, description="move lines to volume")
    most: float = Field(
        default=0.02, gt=0, le=0.05, description="furthest a line moves, a fraction of price"
    )
    beyond: float = Field(
        default=0.01, ge=0, le=0.05, description="how far towards the market it may move"
    )
    least_strength: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="live book (with orderflow.enabled): least strength of a level moved to",
    )
    least_rank: int = Field(
        default=5,
        ge=1,
        le=50,
        description="live book (with orderflow.enabled): ... and its place among those of its side",
    )
    least_quality: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="live book (with orderflow.enabled): quality below which it is not heeded",
    )
    book_seconds: float = Field(
        default=30.0, ge=1, le=600, description="live: how long one book is used"
    )
    imbalance: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="live book (with orderflow.enabled): imbalance beyond which lines are biased",
    )
    bias: float = Field(
        default=0.02, ge=0, le=0.1, description="... by this times the imbalance, a fraction"
    )
    most_bias: float = Field(
        default=0.01, ge=0, le=0.05, description="... and no further, a fraction"
    )


class GridSettings(Section):
    """Lines, targets and the life of a cycle (SPEC B, C)."""

    levels: int = Field(
        default=10, ge=1, le=25, description="lines of a cycle; method micro has its own number"
    )
    target: Literal["next_line", "fixed"] = Field(
        default="next_line", description="a lot is sold at the line above it, or at take_profit"
    )
    take_profit: float = Field(
        default=0.008, ge=0.001, le=0.2, description="target fixed: distance from the entry"
    )
    min_profit: float = Field(
        default=0.001, ge=0.0, le=0.05, description="least profit of a round trip after all costs"
    )
    initial_inventory: float = Field(
        default=0.0, ge=0.0, le=0.7, description="share of the levels bought when a cycle starts"
    )
    trailing_up: bool = Field(
        default=True,
        description="start above the last cycle's anchor, and follow an unfilled start",
    )
    trailing_up_limit: dict[str, Price] = Field(
        default_factory=dict, description="pair: highest anchor a cycle may have"
    )
    trailing_down: bool = Field(
        default=False,
        description="lay stopped lines anew below the lowest one when price falls through them all",
    )
    infinity: bool = Field(
        default=False,
        description="no top: a cycle's first line is bought at market, so that a rise is followed",
    )
    wait_time_seconds: float = Field(
        default=10.0, ge=0, le=86_400, description="live: shortest time between two additions"
    )
    replan_hours: float = Field(
        default=6.0, gt=0, le=168, description="free lines are laid anew after this time"
    )
    replan_volatility_change: float = Field(
        default=0.25, gt=0, le=2, description="... or when the forecast moved by this fraction"
    )
    hysteresis: float = Field(
        default=0.15,
        ge=0.0,
        lt=0.5,
        description="share of the way past the middle before the resting side changes",
    )

    @model_validator(mode="after")
    def _no_limit_at_infinity(self) -> Self:
        if self.infinity and self.trailing_up_limit:
            raise ValueError("infinity and trailing_up_limit exclude each other")
        if self.infinity and not self.trailing_up:
            raise ValueError("infinity needs trailing_up")
        return self


class StopSettings(Section):
    """When a loss is taken (SPEC E.1)."""

    lot_stop_enabled: bool = Field(default=True, description="sell a lot at market below lot_stop")
    lot_stop: float = Field(
        default=0.05,
        ge=0.005,
        le=0.10,
        description="loss of one lot, a fraction of its entry price",
    )
    cycle_stop_enabled: bool = Field(default=True, description="flatten the cycle below cycle_stop")
    cycle_stop: float = Field(
        default=0.15,
        ge=0.01,
        le=0.9,
        description="loss of a cycle, stopped lots included, a fraction of the most its lots cost",
    )
    pause_hours: float = Field(
        default=12.0, ge=0, le=720, description="no new cycle for so long after one was flattened"
    )
    trend_flatten_enabled: bool = Field(
        default=True, description="close a cycle that a trend stands against"
    )
    trend_flatten: float = Field(
        default=0.03,
        ge=0,
        le=0.5,
        description="... once the close is this far beyond the slow average, a fraction",
    )
    force_exit_pause_candles: int = Field(
        default=12, ge=1, le=1_000, description="a pair places nothing for so long after /forceexit"
    )
    stop_price: dict[str, Price] = Field(
        default_factory=dict, description="pair: price beyond which its cycle is flattened"
    )
    pause_price: dict[str, Price] = Field(
        default_factory=dict, description="pair: price beyond which nothing is added"
    )


class CapSettings(Section):
    """Guards on what the grid may hold (SPEC A.6); the strictest wins."""

    exposure: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="share of capital; unset: 0.90 below 500, 0.85 below 1,000, else 0.80",
    )
    inventory: float = Field(
        default=0.30, gt=0, le=1, description="share of capital per base asset (off for one pair)"
    )
    inventory_deviation: float = Field(
        default=0.10, gt=0, le=1, description="an asset this far above its share is trimmed"
    )
    max_position: float | None = Field(
        default=None, gt=0, description="most the strategy holds over all pairs, notional"
    )
    max_margin: float | None = Field(
        default=None, gt=0, description="most of the account the strategy ties up, stake"
    )
    correlation: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="pairs correlated above this share one inventory budget",
    )
    max_lots: int = Field(default=25, ge=1, le=100, description="open lots of one pair")
    max_orders_per_cycle: int = Field(
        default=150, ge=10, le=2_000, description="then no new levels, and an early cheap end"
    )


class CostSettings(Section):
    """What a round trip costs, for the fee floor (SPEC B.5)."""

    fee: float | None = Field(
        default=None,
        ge=0,
        le=0.05,
        description="per side; unset: config `fee`, else the exchange's",
    )
    half_spread: float = Field(
        default=0.0001, ge=0, le=0.05, description="half the quoted spread, a fraction of price"
    )

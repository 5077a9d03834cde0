"""Every setting of gridkit: type, unit, bounds, default.

They live in the `gridkit` section of freqtrade's config. Fractions are 0.01 for 1 %; capital,
stakes and prices are in stake currency. A misspelt key or a value out of bounds stops the bot at
start.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gridkit import candles

SECTION = "gridkit"

Price = Annotated[float, Field(gt=0)]


class SettingsError(ValueError):
    """A setting is wrong. The message names the key, the value and what is allowed."""


class Section(BaseModel):
    """Immutable, and a misspelt key is an error rather than a silent default."""

    # JSON as freqtrade reads it knows NaN and Infinity, and NaN is within every bound.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SpacingSettings(Section):
    """How far the lines stand apart (SPEC B)."""

    method: Literal["fixed", "volatility"] = Field(
        default="volatility", description="fixed: grid_step; volatility: a multiple of the forecast"
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
    volatility_hours: int = Field(
        default=24, ge=4, le=96, description="window of the realised volatility, hours"
    )
    min_step: float = Field(
        default=0.004, ge=0.0005, le=0.2, description="method volatility: smallest gap, a fraction"
    )
    max_step: float = Field(
        default=0.04, ge=0.0005, le=0.2, description="method volatility: largest gap, a fraction"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_step > self.max_step:
            raise ValueError(f"min_step {self.min_step} is above max_step {self.max_step}")
        return self


class GridSettings(Section):
    """Lines, targets and the life of a cycle (SPEC B, C)."""

    levels: int = Field(default=10, ge=1, le=25, description="lines of a cycle")
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


class TrendSettings(Section):
    """The gate on new risk: nothing is opened against a strong trend (1h ADX and EMAs)."""

    enabled: bool = Field(default=True, description="heed the trend")
    timeframe: str = Field(default="1h", description="candles the trend is read from")
    adx_period: int = Field(default=14, ge=5, le=100, description="smoothing of the ADX, candles")
    adx_strong: float = Field(
        default=25.0, ge=0, le=100, description="ADX of a trend, from here on"
    )
    adx_calm: float = Field(
        default=20.0, ge=0, le=100, description="direction auto: no trend below this ADX"
    )
    ema_fast: int = Field(default=50, ge=2, le=400, description="span of the fast average, candles")
    ema_slow: int = Field(
        default=200, ge=3, le=400, description="span of the slow average, candles"
    )

    @field_validator("timeframe")
    @classmethod
    def _is_timeframe(cls, value: str) -> str:
        candles.seconds_of(value)
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ema_fast >= self.ema_slow:
            raise ValueError(f"ema_fast {self.ema_fast} must be below ema_slow {self.ema_slow}")
        if self.adx_calm > self.adx_strong:
            raise ValueError(f"adx_calm {self.adx_calm} is above adx_strong {self.adx_strong}")
        return self


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


class Settings(Section):
    """All of them; `config["gridkit"]`."""

    direction: Literal["long", "short", "auto"] = Field(
        default="long", description="auto (futures): chosen per cycle by the trend"
    )
    leverage: float = Field(default=1.0, ge=1, le=20, description="futures only")
    read_only_trades_live: bool = Field(
        default=False, description="live too, callbacks read the trade itself and not a copy"
    )
    spacing: SpacingSettings = Field(default=SpacingSettings(), description="gap between lines")
    grid: GridSettings = Field(default=GridSettings(), description="lines, targets, cycles")
    stops: StopSettings = Field(default=StopSettings(), description="when a loss is taken")
    caps: CapSettings = Field(default=CapSettings(), description="the most that may be held")
    trend: TrendSettings = Field(default=TrendSettings(), description="the gate on new risk")
    costs: CostSettings = Field(default=CostSettings(), description="fees and spread")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Read freqtrade's config. Raises SettingsError with one line per wrong key."""
        section = config.get(SECTION, {})
        if not isinstance(section, Mapping):
            raise SettingsError(f"{SECTION}: {section!r} is not a section of settings")
        try:
            return cls.model_validate(dict(section))
        except ValidationError as error:
            raise SettingsError(explained(error, cls)) from None

    def with_values(self, changes: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return these settings with some values replaced, all bounds checked again."""
        data = self.model_dump()
        for section, values in changes.items():
            known = data.get(section, {})
            data[section] = {**known, **values} if isinstance(known, dict) else values
        try:
            return type(self).model_validate(data)
        except ValidationError as error:
            raise SettingsError(explained(error, type(self))) from None


def explained(error: ValidationError, model: type[BaseModel]) -> str:
    """One line per wrong key: the key, the value, what is allowed."""
    return "; ".join(_explained_one(item, model) for item in error.errors())


def _explained_one(item: Any, model: type[BaseModel]) -> str:
    path = [str(part) for part in item["loc"]]
    key = ".".join([SECTION, *path])
    if item["type"] == "extra_forbidden":
        return f"{key} is no setting of gridkit{_nearest(path, model)}"
    message = item["msg"].removeprefix("Value error, ")
    given = "" if isinstance(item["input"], dict) else f" = {item['input']!r}"
    return f"{key}{given}: {message}"


def _nearest(path: list[str], model: type[BaseModel]) -> str:
    """Name the key that was meant: in the same section, of the same name elsewhere, or alike."""
    *parents, name = path
    section = _section(parents, model)
    keys = {key: key.split(".")[-1] for key in map(".".join, _keys(model))}
    prefix = "".join(f"{parent}." for parent in parents)
    close = [f"{prefix}{found}" for found in get_close_matches(name, section.model_fields, n=1)]
    close += [key for key, last in keys.items() if last == name]
    close += [key for key, last in keys.items() if get_close_matches(name, [last], cutoff=0.7)]
    if close:
        return f". Did you mean {SECTION}.{close[0]}?"
    return f". Allowed here: {', '.join(sorted(section.model_fields))}"


def _keys(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        yield (*prefix, name)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _keys(inner, (*prefix, name))


def _section(path: list[str], model: type[BaseModel]) -> type[BaseModel]:
    for part in path:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return model

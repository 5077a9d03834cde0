"""Settings of the directional strategy: entries, exits, portfolio (SPEC J to N)."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gridkit import candles
from gridkit.settings.section import Section

Share = Annotated[float, Field(ge=0, le=1)]
Multiple = Annotated[float, Field(gt=0, le=50)]  # of the ATR at entry

# What Confluence takes where the config says nothing: it trades on these modules.
CONFLUENCE_DEFAULTS: dict[str, dict[str, Any]] = {
    "profile": {"enabled": True},
    "confluence": {"enabled": True},
    "thresholds": {"enabled": True},
}


def confluence_defaults(trading_mode: str | None) -> dict[str, Any]:
    """Return what Confluence takes where the config says nothing: in futures, both directions."""
    both = {"direction": "auto"} if trading_mode == "futures" else {}
    return {**CONFLUENCE_DEFAULTS, **both}


class EntrySettings(Section):
    """When Confluence enters (SPEC I, J, K, M)."""

    trend: bool = Field(default=True, description="follow trends in trending regimes")
    reversion: bool = Field(
        default=True, description="fade the edges of the value area, and the POC, in ranging ones"
    )
    threshold: float = Field(
        default=0.25,
        gt=0,
        le=1,
        description="score from which an entry is taken, before volatility and regime adapt it",
    )
    key_level_bonus: Share = Field(
        default=0.1, description="added to the confidence near POC, VAH or VAL (profile.near)"
    )
    low_volume_factor: float = Field(
        default=0.7, gt=0, le=1, description="factor on the size in a low-volume area"
    )
    flow_bonus: Share = Field(
        default=0.1, description="added to the confidence where order flow confirms"
    )
    flow_veto: bool = Field(
        default=True, description="no entry into order flow that is one-sided against it"
    )
    funding_factor: float = Field(
        default=0.7, gt=0, le=1, description="futures: factor on the size where funding is extreme"
    )
    thin_factor: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="factor on the size in the brakes' illiquid hours",
    )
    least_reward: float = Field(
        default=8.0,
        ge=0,
        le=100,
        description="distance to the first target over the fees of both sides, at least; 0: off",
    )
    most_per_hour: int = Field(
        default=3, ge=1, le=100, description="entries an hour, over all pairs"
    )
    timeout_minutes: float = Field(
        default=10.0, ge=1, le=1_440, description="an entry unfilled for so long is taken back"
    )


class ExitSettings(Section):
    """When Confluence leaves (SPEC M). ATR is that of `timeframe` at the entry."""

    timeframe: str = Field(default="1h", description="candles of ATR, RSI and MACD")
    atr_period: int = Field(default=14, ge=2, le=100, description="period of the ATR, candles")
    parts: tuple[Share, Share] = Field(
        default=(0.33, 0.33),
        description="shares of what was entered that leave at the first and second target; "
        "the rest at the third, or by trail",
    )
    targets: tuple[Multiple, Multiple, Multiple] = Field(
        default=(1.5, 3.0, 5.0), description="targets, ATR from the entry"
    )
    rest: Literal["target", "trail"] = Field(
        default="target", description="what becomes of the rest after the second target"
    )
    trail: Multiple = Field(
        default=2.0, description="rest trail: distance of the stop from the best price, ATR"
    )
    stop_enabled: bool = Field(
        default=True, description="stop at the regime's ATR multiple (regime.*.stop_atr_multiple)"
    )
    break_even_enabled: bool = Field(
        default=True, description="move the stop to break-even, fees included"
    )
    break_even: Multiple = Field(
        default=2.0, description="profit from which the stop is at break-even, ATR"
    )
    reversal_enabled: bool = Field(
        default=True, description="tighten the stop once RSI and MACD turn against the position"
    )
    reversal: Multiple = Field(
        default=0.5, description="distance of the stop from price after that, ATR"
    )
    max_hours: float = Field(default=24.0, gt=0, le=720, description="time exit, hours")
    time_exit: Literal["no_first_target", "always", "off"] = Field(
        default="no_first_target",
        description="whom the time exit ends: positions that sold no part yet, or all",
    )
    flow_candles: int = Field(
        default=3,
        ge=0,
        le=100,
        description="leave after so many candles of one-sided order flow against it; 0: off",
    )
    regime_exit: bool = Field(
        default=True,
        description="leave when the regime has turned against it (regime.stable_minutes)",
    )
    timeout_minutes: float = Field(
        default=5.0, ge=1, le=1_440, description="an exit unfilled for so long is placed anew"
    )

    @field_validator("timeframe")
    @classmethod
    def _is_timeframe(cls, value: str) -> str:
        candles.seconds_of(value)
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if sum(self.parts) >= 1:
            raise ValueError(f"parts {self.parts} must leave a rest: allowed is a sum below 1")
        if not self.targets[0] < self.targets[1] < self.targets[2]:
            raise ValueError(f"targets {self.targets} must ascend")
        return self


class PortfolioSettings(Section):
    """How the pairs of Confluence share one account (SPEC N). Shares are of capital."""

    enabled: bool = Field(
        default=True, description="keep the pairs together within limits; off: caps.exposure alone"
    )
    symbols: int = Field(default=5, ge=1, le=100, description="most positions held at a time")
    risk_per_trade: float = Field(
        default=0.01,
        ge=0.0005,
        le=0.05,
        description="share of capital a position of full confidence loses at its stop",
    )
    total_risk: float = Field(
        default=0.06,
        ge=0.001,
        le=0.5,
        description="distance to stop times size, over all positions together",
    )
    single: float = Field(default=0.40, gt=0, le=1, description="most in one symbol, a share")
    correlated: float = Field(
        default=0.50, gt=0, le=1, description="most in pairs correlated above `correlation`"
    )
    correlation: Share = Field(
        default=0.7, description="correlation of 30 days above which pairs count together"
    )
    rebalance_hours: float = Field(
        default=6.0, ge=0.25, le=168, description="hours between two looks at the limits"
    )
    tolerance: float = Field(
        default=0.10,
        ge=0,
        le=1,
        description="what is above its limit by more than this share of it is shrunk",
    )
    correlation_rise: Share = Field(
        default=0.2,
        description="rise of the mean correlation over that of 30 days which cuts exposure",
    )
    rise_hours: int = Field(
        default=72, ge=24, le=336, description="hours the risen correlation is measured over"
    )
    rise_factor: float = Field(
        default=0.5, gt=0, le=1, description="factor on the limits while it stands"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.risk_per_trade > self.total_risk:
            raise ValueError(
                f"risk_per_trade {self.risk_per_trade} is above total_risk {self.total_risk}"
            )
        return self

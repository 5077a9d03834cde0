"""Settings of risk: stakes, recovery of stuck lots, breakers, hours, checks (SPEC A, E, F, L)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gridkit.settings.section import Section

Rung = Annotated[float, Field(gt=0, le=0.2)]


class SizingSettings(Section):
    """What a line costs (SPEC A). Never more than the caps leave, never less than the minimum."""

    mode: Literal["fixed", "dynamic", "kelly"] = Field(
        default="dynamic",
        description="fixed: the same for each line; dynamic: by risk and how lots have done; "
        "kelly: by their odds, never above dynamic",
    )
    stake: float | None = Field(
        default=None,
        gt=0,
        description="mode fixed: stake of a line; unset: the pair's share over its lines",
    )
    risk: float = Field(
        default=0.02, ge=0.001, le=0.05, description="dynamic: share of capital in a line"
    )
    least_risk: float = Field(
        default=0.01, ge=0.001, le=0.05, description="dynamic: smallest share, whatever the factors"
    )
    most_risk: float = Field(
        default=0.05, ge=0.001, le=0.2, description="dynamic: largest share, likewise"
    )
    kelly_fraction: float = Field(
        default=0.25, gt=0, le=1, description="kelly: part of the full Kelly stake"
    )
    volatility_target: float | None = Field(
        default=None,
        gt=0,
        le=5,
        description="annual volatility above which stakes shrink in proportion; unset: off",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.least_risk <= self.risk <= self.most_risk:
            raise ValueError(
                f"risk {self.risk} must be from least_risk {self.least_risk} to "
                f"most_risk {self.most_risk}"
            )
        return self


class RecoverySettings(Section):
    """What becomes of lots that are stuck (SPEC E.2, E.3, E.5)."""

    mode: Literal["ladder", "aggressive", "hedge", "none"] = Field(
        default="ladder",
        description="ladder: in parts on the way up; aggressive: at market beyond the lot stop; "
        "hedge: publish a request; none: wait",
    )
    position_timeout_minutes: float = Field(
        default=60.0, ge=5, le=1_440, description="a lot older than this may be stuck"
    )
    away: float = Field(
        default=0.03, gt=0, le=0.5, description="... whose target is this far away, a fraction"
    )
    check_minutes: float = Field(
        default=5.0, gt=0, le=60, description="time between two looks for stuck lots"
    )
    ladder: tuple[Rung, Rung, Rung] = Field(
        default=(0.015, 0.03, 0.045),
        description="ladder: thirds leave this far above the price at which the lot became stuck",
    )
    rungs: Literal["always", "losing", "against"] = Field(
        default="against",
        description="ladder: a rung sells always, a lot that loses there, or such a lot while the "
        "market trends against the grid",
    )
    alert_minutes: float = Field(
        default=120.0, ge=0, le=10_080, description="one message once a lot is stuck this long"
    )
    budget: float = Field(
        default=0.02, ge=0, le=0.5, description="recovery may lose this share of capital ..."
    )
    budget_of_profit: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="... or this share of the most profit there was, if that is more",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.ladder[0] < self.ladder[1] < self.ladder[2]:
            raise ValueError(f"ladder {self.ladder} must ascend")
        return self


class BreakerSettings(Section):
    """When risk is taken back whatever the grid says (SPEC F). Drawdowns are of marked equity."""

    enabled: bool = Field(default=True, description="heed the breakers")
    yellow: float = Field(
        default=0.05, gt=0, lt=1, description="drawdown, a fraction: no new cycles"
    )
    orange: float = Field(default=0.08, gt=0, lt=1, description="drawdown, a fraction: exits only")
    red: float = Field(
        default=0.12, gt=0, lt=1, description="drawdown, a fraction: everything is sold"
    )
    black: float = Field(
        default=0.20, gt=0, lt=1, description="drawdown, a fraction: no restart beyond it"
    )
    cooldown_hours: float = Field(
        default=12.0, ge=0, le=720, description="nothing is opened for so long after red"
    )
    most_restarts: int = Field(
        default=2, ge=0, le=10, description="restarts after red within restart_days"
    )
    restart_days: float = Field(default=7.0, gt=0, le=365, description="... counted over this time")
    market: bool = Field(default=True, description="heed the breakers on a pair's market, too")
    pause_minutes: float = Field(
        default=15.0, ge=0, le=10_080, description="market: nothing is added for so long"
    )
    move: float = Field(default=0.05, gt=0, le=1, description="market: a move of this fraction ...")
    move_minutes: float = Field(default=15.0, ge=1, le=240, description="... within this time")
    volume: float = Field(
        default=10.0, gt=1, le=1_000, description="market: a candle's volume in medians of 24 hours"
    )
    volatility: float = Field(
        default=3.0, gt=1, le=100, description="market: volatility in medians of 24 hours"
    )
    correlation_from: float = Field(
        default=0.7, ge=0, le=1, description="market: pairs correlated from this score on"
    )
    correlation_to: float = Field(
        default=0.3, ge=-1, lt=1, description="... whose correlation score falls below this one"
    )
    depth: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="live, with orderflow.enabled: book's depth, a share of its mean of an hour",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        lines = (self.yellow, self.orange, self.red, self.black)
        if not lines[0] <= lines[1] <= lines[2] <= lines[3]:
            raise ValueError(f"yellow, orange, red, black must ascend: {lines}")
        if self.correlation_to >= self.correlation_from:
            raise ValueError(
                f"correlation_to {self.correlation_to} must be below "
                f"correlation_from {self.correlation_from}"
            )
        return self


class BrakeSettings(Section):
    """Moments at which less is added: one-sided flow, illiquid hours, a wide spread (SPEC L)."""

    orderflow: bool = Field(
        default=True, description="add nothing into one-sided flow, where flow is analysed"
    )
    illiquid: Literal["thin", "pause", "ignore"] = Field(
        default="thin",
        description="illiquid hours: thin: every second line waits; pause: all; ignore: none",
    )
    illiquid_from: int = Field(default=3, ge=0, le=23, description="first illiquid hour, UTC")
    illiquid_to: int = Field(default=7, ge=0, le=24, description="hour UTC at which they end")
    max_spread: float = Field(
        default=0.002,
        gt=0,
        le=0.1,
        description="live: nothing is added at a wider spread, a fraction of price",
    )


class MessageSettings(Section):
    """What the bot says to people: Telegram and its log."""

    enabled: bool = Field(default=True, description="send messages")
    least_seconds: float = Field(
        default=60.0, ge=0, le=86_400, description="shortest time between two of one kind and pair"
    )
    most_per_hour: int = Field(
        default=30, ge=1, le=1_000, description="messages in an hour; alerts are always sent"
    )
    block_minutes: float = Field(
        default=30.0, ge=0, le=10_080, description="a reason to wait is sent once it lasted so long"
    )


class ReconcileSettings(Section):
    """Comparing what the grid believes with what the exchange says (live)."""

    enabled: bool = Field(default=True, description="compare lots with the wallet or position")
    minutes: float = Field(default=5.0, ge=0.5, le=1_440, description="time between two looks")
    tolerance: float = Field(
        default=0.01, ge=0, le=0.5, description="difference that is explained away, a fraction"
    )

"""Every setting of gridkit: type, unit, bounds, default.

They live in the `gridkit` section of freqtrade's config. Fractions are 0.01 for 1 %; capital,
stakes and prices are in stake currency. A misspelt key or a value out of bounds stops the bot at
start.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError

from gridkit.settings.directional import (
    CONFLUENCE_DEFAULTS,
    EntrySettings,
    ExitSettings,
    PortfolioSettings,
    confluence_defaults,
)
from gridkit.settings.grid import (
    CapSettings,
    CostSettings,
    DensitySettings,
    GridSettings,
    SpacingSettings,
    StopSettings,
    VolumeLineSettings,
)
from gridkit.settings.market import (
    BasketSettings,
    ConfluenceSettings,
    CorrelationSettings,
    GarchSettings,
    ImpliedSettings,
    OrderflowSettings,
    ProfileSettings,
    RegimeParameters,
    RegimeSettings,
    StressSettings,
    ThresholdSettings,
    VolatilitySettings,
    VolatilityWeights,
)
from gridkit.settings.prediction import DriftSettings, GateSettings, PredictionSettings
from gridkit.settings.risk import (
    BrakeSettings,
    BreakerSettings,
    MessageSettings,
    ReconcileSettings,
    RecoverySettings,
    SizingSettings,
)
from gridkit.settings.section import SECTION, Section, SettingsError, explained

__all__ = [
    "CONFLUENCE_DEFAULTS",
    "SECTION",
    "BasketSettings",
    "BrakeSettings",
    "BreakerSettings",
    "CapSettings",
    "ConfluenceSettings",
    "CorrelationSettings",
    "CostSettings",
    "DensitySettings",
    "DriftSettings",
    "EntrySettings",
    "ExitSettings",
    "GarchSettings",
    "GateSettings",
    "GridSettings",
    "ImpliedSettings",
    "MessageSettings",
    "OrderflowSettings",
    "PortfolioSettings",
    "PredictionSettings",
    "ProfileSettings",
    "ReconcileSettings",
    "RecoverySettings",
    "RegimeParameters",
    "RegimeSettings",
    "Section",
    "Settings",
    "SettingsError",
    "SizingSettings",
    "SpacingSettings",
    "StopSettings",
    "StressSettings",
    "ThresholdSettings",
    "VolatilitySettings",
    "VolatilityWeights",
    "VolumeLineSettings",
    "confluence_defaults",
]


class Settings(Section):
    """All of them; `config["gridkit"]`."""

    direction: Literal["long", "short", "auto"] = Field(
        default="long", description="auto (futures): chosen per cycle by the regime"
    )
    leverage: float = Field(default=1.0, ge=1, le=20, description="futures only")
    read_only_trades_live: bool = Field(
        default=True, description="live too, callbacks read the trade itself and not a copy"
    )
    spacing: SpacingSettings = Field(default=SpacingSettings(), description="gap between lines")
    grid: GridSettings = Field(default=GridSettings(), description="lines, targets, cycles")
    density: DensitySettings = Field(
        default=DensitySettings(), description="closer lines at support and resistance"
    )
    volume_lines: VolumeLineSettings = Field(
        default=VolumeLineSettings(), description="lines move to volume"
    )
    sizing: SizingSettings = Field(default=SizingSettings(), description="what a line costs")
    stops: StopSettings = Field(default=StopSettings(), description="when a loss is taken")
    recovery: RecoverySettings = Field(
        default=RecoverySettings(), description="what becomes of stuck lots"
    )
    breakers: BreakerSettings = Field(
        default=BreakerSettings(), description="when risk is taken back"
    )
    brakes: BrakeSettings = Field(
        default=BrakeSettings(), description="moments at which less is added"
    )
    caps: CapSettings = Field(default=CapSettings(), description="the most that may be held")
    volatility: VolatilitySettings = Field(
        default=VolatilitySettings(), description="what sets the gap"
    )
    stress: StressSettings = Field(default=StressSettings(), description="danger beside volatility")
    regime: RegimeSettings = Field(default=RegimeSettings(), description="the gate on new risk")
    profile: ProfileSettings = Field(default=ProfileSettings(), description="volume by price")
    confluence: ConfluenceSettings = Field(
        default=ConfluenceSettings(), description="agreement of the timeframes"
    )
    thresholds: ThresholdSettings = Field(
        default=ThresholdSettings(), description="thresholds that follow volatility"
    )
    orderflow: OrderflowSettings = Field(
        default=OrderflowSettings(), description="trades and order books"
    )
    correlation: CorrelationSettings = Field(
        default=CorrelationSettings(), description="pairs that move together"
    )
    entries: EntrySettings = Field(
        default=EntrySettings(), description="Confluence: when it enters"
    )
    exits: ExitSettings = Field(default=ExitSettings(), description="Confluence: when it leaves")
    portfolio: PortfolioSettings = Field(
        default=PortfolioSettings(), description="Confluence: pairs together"
    )
    prediction: PredictionSettings = Field(
        default=PredictionSettings(), description="what is predicted, and what that changes"
    )
    costs: CostSettings = Field(default=CostSettings(), description="fees and spread")
    messages: MessageSettings = Field(
        default=MessageSettings(), description="what is said to people"
    )
    reconcile: ReconcileSettings = Field(
        default=ReconcileSettings(), description="lots against the exchange"
    )

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> Self:
        """Read freqtrade's config. Raises SettingsError with one line per wrong key.

        `defaults` are a strategy's own, by section: the config goes before them.
        """
        section = config.get(SECTION, {})
        if not isinstance(section, Mapping):
            raise SettingsError(f"{SECTION}: {section!r} is not a section of settings")
        try:
            return cls.model_validate(_over(defaults or {}, section))
        except ValidationError as error:
            raise explained(error, cls) from None

    def with_values(self, changes: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return these settings with some values replaced, all bounds checked again."""
        data = self.model_dump()
        for section, values in changes.items():
            known = data.get(section, {})
            data[section] = {**known, **values} if isinstance(known, dict) else values
        try:
            return type(self).model_validate(data)
        except ValidationError as error:
            raise explained(error, type(self)) from None


def _over(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, section by section; what is given goes before the defaults."""
    merged = {**defaults, **given}
    for name in defaults.keys() & given.keys():
        if isinstance(defaults[name], Mapping) and isinstance(given[name], Mapping):
            merged[name] = _over(defaults[name], given[name])
    return merged

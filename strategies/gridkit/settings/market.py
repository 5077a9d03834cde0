"""Settings of the analytics: what is measured of the market, and how (SPEC G to L)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gridkit import candles
from gridkit.settings.section import Section

Weight = Annotated[float, Field(ge=0, le=1)]
Score = Annotated[float, Field(ge=0, le=1)]
Percentile = Annotated[float, Field(ge=0, le=100)]
Span = Annotated[int, Field(ge=2, le=400)]


def _timeframe(value: str) -> str:
    candles.seconds_of(value)
    return value


class GarchSettings(Section):
    """GARCH(1,1) on hourly returns (SPEC G.2)."""

    enabled: bool = Field(default=True, description="forecast by GARCH")
    window_hours: int = Field(
        default=2_160, ge=500, le=4_500, description="hours a fit is made from"
    )
    refit_hours: int = Field(default=168, ge=1, le=2_160, description="hours between two fits")


class BasketSettings(Section):
    """Volatility of the whitelist's liquid pairs together (SPEC G.3)."""

    enabled: bool = Field(default=True, description="use the basket's volatility")
    window_hours: int = Field(
        default=24, ge=4, le=720, description="window of each pair's volatility, hours"
    )
    volume_hours: int = Field(
        default=168, ge=24, le=720, description="quote volume of this time is a pair's weight"
    )
    least_share: float = Field(
        default=0.01, ge=0, lt=1, description="pairs below this share of the volume are left out"
    )


class ImpliedSettings(Section):
    """Volatility index of an options exchange, from a file (SPEC G.3)."""

    enabled: bool = Field(default=True, description="use the file, where one is named")
    file: str | None = Field(
        default=None, description="CSV with the columns date and close (a day's close, percent)"
    )
    asset: str = Field(default="BTC", description="coin the index is of")
    max_age_days: float = Field(
        default=3.0, gt=0, le=30, description="an older value is no longer known"
    )


class VolatilityWeights(Section):
    """Share of each estimate in the composite; renormalised over what is known."""

    implied: Weight = Field(default=0.30, description="option market")
    basket: Weight = Field(default=0.25, description="the whitelist together")
    garch: Weight = Field(default=0.25, description="GARCH forecast")
    realised: Weight = Field(default=0.20, description="the pair's own past")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.implied + self.basket + self.garch + self.realised > 0:
            raise ValueError("at least one weight must be above 0")
        return self


class VolatilitySettings(Section):
    """How volatile the market is, and will be (SPEC G). Annual figures unless they say per day."""

    method: Literal["composite", "realised"] = Field(
        default="composite", description="forecast: several estimates together, or the past alone"
    )
    estimator: Literal[
        "close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang", "ewma", "atr"
    ] = Field(default="close", description="how realised volatility is estimated")
    window_hours: int = Field(
        default=24, ge=4, le=96, description="window of the realised volatility, hours"
    )
    ewma_half_life_hours: float = Field(
        default=12.0, ge=0.5, le=96, description="estimator ewma: age at which a return counts half"
    )
    atr_period: int = Field(default=14, ge=2, le=200, description="estimator atr: candles")
    atr_multiple: float = Field(
        default=2.0, gt=0, le=10, description="estimator atr: gap between lines in ATR"
    )
    garch: GarchSettings = Field(default=GarchSettings(), description="GARCH(1,1)")
    basket: BasketSettings = Field(default=BasketSettings(), description="the whitelist together")
    implied: ImpliedSettings = Field(default=ImpliedSettings(), description="the option market")
    weights: VolatilityWeights = Field(
        default=VolatilityWeights(), description="shares of the composite"
    )
    regimes: tuple[float, float, float, float] = Field(
        default=(0.15, 0.25, 0.50, 0.75),
        description="annual volatility where low, normal, high and extreme begin",
    )

    @field_validator("regimes")
    @classmethod
    def _ascending(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not 0 < value[0] < value[1] < value[2] < value[3]:
            raise ValueError("allowed are four ascending numbers above 0")
        return value


class StressSettings(Section):
    """What makes a market dangerous beside its volatility (SPEC G.6)."""

    enabled: bool = Field(default=True, description="widen the regime grid under stress")
    window_days: int = Field(default=30, ge=7, le=90, description="window of the percentiles")
    percentile: float = Field(
        default=80.0, ge=50, lt=100, description="stress begins above this percentile"
    )
    most_liquidity_factor: float = Field(
        default=1.5, ge=1, le=3, description="factor on the gap in the thinnest market"
    )


class ProfileSettings(Section):
    """At which prices volume changed hands (SPEC H)."""

    enabled: bool = Field(default=False, description="compute the volume profile")
    days: float = Field(default=7.0, ge=0.25, le=30, description="window")
    bin_width: float = Field(
        default=0.001, ge=0.0002, le=0.02, description="width of a bin, log price"
    )
    bins: int | None = Field(
        default=None, ge=10, le=500, description="instead: so many equal bins over the window"
    )
    value_area: float = Field(
        default=0.70, ge=0.5, le=0.95, description="share of the volume inside the value area"
    )
    node_high: float = Field(
        default=0.7, gt=0, le=1, description="high-volume node: share of the POC's volume"
    )
    node_low: float = Field(
        default=0.3, gt=0, le=1, description="low-volume node: share of the mean volume of a bin"
    )
    near: float = Field(
        default=0.005, gt=0, le=0.05, description="distance that is near a key level"
    )


class RegimeParameters(Section):
    """What a regime means for a strategy; AdaptiveGrid reads `new_cycles`."""

    stop_atr_multiple: float = Field(gt=0, le=10, description="distance of a stop in ATR")
    threshold_factor: float = Field(gt=0, le=5, description="factor on entry thresholds")
    size_factor: float = Field(gt=0, le=2, description="factor on stakes")
    new_cycles: bool = Field(description="whether a grid may start a cycle")


def _parameters(
    stop: float, threshold: float, size: float, *, new_cycles: bool = True
) -> RegimeParameters:
    return RegimeParameters(
        stop_atr_multiple=stop, threshold_factor=threshold, size_factor=size, new_cycles=new_cycles
    )


class RegimeSettings(Section):
    """Which kind of market it is (SPEC I), read from candles of `timeframe`."""

    enabled: bool = Field(default=True, description="heed the regime")
    method: Literal["adx", "composite"] = Field(
        default="adx", description="adx: trend strength; composite: several scores together"
    )
    timeframe: str = Field(default="1h", description="candles the regime is read from")
    adx_period: int = Field(default=14, ge=5, le=100, description="smoothing of the ADX, candles")
    adx_strong: Percentile = Field(default=25.0, description="ADX of a trend, from here on")
    adx_calm: Percentile = Field(default=20.0, description="ADX of a range, below")
    ema_fast: int = Field(default=50, ge=2, le=400, description="span of the fast average, candles")
    ema_slow: int = Field(
        default=200, ge=3, le=400, description="span of the slow average, candles"
    )
    atr_period: int = Field(default=14, ge=2, le=100, description="period of the ATR, candles")
    bollinger_period: int = Field(default=20, ge=5, le=100, description="Bollinger bands, candles")
    window_days: int = Field(default=30, ge=2, le=90, description="window of the percentiles")
    volatile_atr_percentile: Percentile = Field(
        default=80.0, description="volatile from this ATR percentile on"
    )
    volatile_width_percentile: Percentile = Field(
        default=90.0, description="... or from this percentile of the Bollinger width on"
    )
    ranging_width_percentile: Percentile = Field(
        default=50.0, description="ranging below this percentile of the Bollinger width"
    )
    volatile_above: float = Field(
        default=0.75, gt=0, le=5, description="composite: volatile above this annual volatility"
    )
    tight_below: float = Field(
        default=0.25, gt=0, le=5, description="composite: tight below this annual volatility"
    )
    trend_cut: Score = Field(
        default=0.6, description="composite: trend strength that splits volatile markets"
    )
    trend_score: Score = Field(default=0.4, description="composite: score of a trend, above")
    trend_confidence: Score = Field(
        default=0.7, description="composite: confidence of a trend, above"
    )
    stable_minutes: float = Field(
        default=15.0, ge=0, le=1_440, description="a change counts after so long unchanged"
    )
    bullish: RegimeParameters = Field(
        default=_parameters(2.5, 0.9, 1.0), description="in a rising trend"
    )
    bearish: RegimeParameters = Field(
        default=_parameters(2.5, 0.9, 1.0), description="in a falling trend"
    )
    ranging: RegimeParameters = Field(default=_parameters(2.0, 1.0, 1.0), description="in a range")
    volatile: RegimeParameters = Field(
        default=_parameters(3.0, 1.3, 0.5), description="in a volatile market"
    )
    uncertain: RegimeParameters = Field(
        default=_parameters(2.0, 1.2, 0.7, new_cycles=False), description="in any other market"
    )

    _check_timeframe = field_validator("timeframe")(_timeframe)

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: Any) -> Any:
        """Let one parameter of a regime be given, and the others stay at their defaults."""
        if not isinstance(given, Mapping):
            return given
        partly = {
            name: {**field.default.model_dump(), **given[name]}
            for name, field in cls.model_fields.items()
            if isinstance(field.default, RegimeParameters) and isinstance(given.get(name), Mapping)
        }
        return {**given, **partly}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ema_fast >= self.ema_slow:
            raise ValueError(f"ema_fast {self.ema_fast} must be below ema_slow {self.ema_slow}")
        if self.adx_calm > self.adx_strong:
            raise ValueError(f"adx_calm {self.adx_calm} is above adx_strong {self.adx_strong}")
        if self.tight_below > self.volatile_above:
            raise ValueError(
                f"tight_below {self.tight_below} is above volatile_above {self.volatile_above}"
            )
        return self


class ConfluenceWeights(Section):
    """Share of each kind of evidence in a timeframe's score; renormalised over what is known."""

    trend: Weight = Field(default=0.30, description="averages and their slopes")
    momentum: Weight = Field(default=0.25, description="oscillators")
    volume: Weight = Field(default=0.20, description="volume and money flow")
    volatility: Weight = Field(default=0.15, description="position within bands")
    crypto: Weight = Field(default=0.10, description="funding and open interest")

    @model_validator(mode="after")
    def _some(self) -> Self:
        shares = (self.trend, self.momentum, self.volume, self.volatility, self.crypto)
        if not sum(shares) > 0:
            raise ValueError("at least one weight must be above 0")
        return self


class ConfluencePeriods(Section):
    """Windows and spans of one timeframe's score, in candles of that timeframe."""

    averages: tuple[Span, Span, Span] = Field(
        default=(20, 50, 200), description="spans of the three moving averages, candles"
    )
    smooth: int = Field(
        default=21, ge=4, le=100, description="span of the TEMA, window of the Hull, candles"
    )
    oscillator: int = Field(
        default=14, ge=2, le=100, description="RSI, stochastic, Williams, CMO and ATR, candles"
    )
    macd: tuple[Span, Span, Span] = Field(
        default=(12, 26, 9), description="MACD: fast, slow and signal span, candles"
    )
    window: int = Field(
        default=20, ge=3, le=200, description="bands, volume and open interest, candles"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        fast, middle, slow = self.averages
        if not fast < middle < slow:
            raise ValueError(f"averages {self.averages} must ascend")
        if self.macd[0] >= self.macd[1]:
            raise ValueError(f"macd: the fast span {self.macd[0]} must be below {self.macd[1]}")
        return self


FOUR_TIMEFRAMES = {"5m": 0.10, "15m": 0.20, "1h": 0.30, "4h": 0.40}
SIX_TIMEFRAMES = {"1m": 0.10, "5m": 0.15, "15m": 0.20, "1h": 0.25, "4h": 0.20, "1d": 0.10}


class ConfluenceSettings(Section):
    """How far the timeframes agree (SPEC J)."""

    enabled: bool = Field(default=False, description="compute confluence")
    timeframes: dict[str, Annotated[float, Field(gt=0, le=1)]] | None = Field(
        default=None,
        description="timeframe: weight; unset: 5m, 15m, 1h, 4h, and on a 1m base 1m and 1d too",
    )
    weights: ConfluenceWeights = Field(
        default=ConfluenceWeights(), description="shares of the evidence"
    )
    periods: ConfluencePeriods = Field(
        default=ConfluencePeriods(), description="windows of a timeframe's score, candles"
    )
    neutral_below: Score = Field(
        default=0.05, description="a timeframe whose score is smaller agrees with no direction"
    )
    stale_candles: float = Field(
        default=2.0, ge=1, le=20, description="a timeframe older than so many candles is left out"
    )
    open_interest_timeframe: str | None = Field(
        default=None,
        description="futures: candles of open interest to read, as freqtrade has them",
    )
    funding_days: int = Field(
        default=30, ge=7, le=90, description="window of the funding percentile"
    )
    funding_percentile: Percentile = Field(
        default=95.0, description="funding beyond this percentile of its size counts against it"
    )

    @field_validator("open_interest_timeframe")
    @classmethod
    def _is_timeframe(cls, value: str | None) -> str | None:
        return value if value is None else _timeframe(value)

    @field_validator("timeframes")
    @classmethod
    def _are_timeframes(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        for name in value or {}:
            candles.seconds_of(name)
        if value is not None and not 3 <= len(value) <= 7:  # noqa: PLR2004 (fewer never signal)
            raise ValueError("allowed are three to seven timeframes")
        return value

    def weights_for(self, base: str) -> dict[str, float]:
        """Return timeframe: weight for a strategy whose own candles are `base`."""
        if self.timeframes is not None:
            return dict(self.timeframes)
        return dict(SIX_TIMEFRAMES if base == "1m" else FOUR_TIMEFRAMES)


class ThresholdSettings(Section):
    """Entry thresholds that rise with volatility (SPEC K), read from hourly candles."""

    enabled: bool = Field(default=False, description="compute adaptive thresholds")
    atr_hours: int = Field(default=24, ge=2, le=168, description="window of the ATR, hours")
    window_days: int = Field(default=30, ge=7, le=90, description="window of its percentile")
    at_lowest: float = Field(default=0.7, ge=0.1, le=1, description="multiplier at percentile 0")
    at_median: float = Field(default=1.0, ge=0.1, le=5, description="multiplier at percentile 50")
    at_highest: float = Field(default=1.5, ge=1, le=5, description="multiplier at percentile 100")
    least: float = Field(default=0.5, gt=0, le=1, description="smallest multiplier")
    most: float = Field(default=2.0, ge=1, le=5, description="largest multiplier")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.at_lowest <= self.at_median <= self.at_highest:
            raise ValueError(
                f"multipliers must rise: {self.at_lowest}, {self.at_median}, {self.at_highest}"
            )
        return self


class OrderflowSettings(Section):
    """Who trades, and what rests in the book (SPEC L, D)."""

    enabled: bool = Field(default=False, description="analyse trades and books")
    lookback_candles: int = Field(
        default=20, ge=1, le=500, description="candles an analysis looks back"
    )
    tape_seconds: float = Field(
        default=300.0, ge=10, le=3_600, description="seconds of trades an analysis looks back"
    )
    depth: int = Field(
        default=20, ge=5, le=1_000, description="levels of a book that are asked for"
    )
    imbalance_depth: int = Field(
        default=10, ge=1, le=1_000, description="levels the imbalance is measured over"
    )
    significant: Score = Field(default=0.2, description="imbalance of depth that says something")
    one_sided: Score = Field(default=0.7, description="imbalance of a one-sided market")
    whale_quantile: float = Field(
        default=0.995, ge=0.9, lt=1, description="trades above this quantile of size are whales"
    )
    whale_trades: int = Field(
        default=2_000, ge=200, le=100_000, description="trades the quantile is taken over"
    )
    action_threshold: float = Field(
        default=0.4, ge=0.3, le=0.6, description="strength from which flow has a direction"
    )
    footprint_bin: float = Field(
        default=0.0005, ge=0.0001, le=0.02, description="footprint: width of a bin, log price"
    )
    footprint_ratio: float = Field(
        default=3.0, gt=1, le=100, description="footprint: one side is so many times the other"
    )
    footprint_share: float = Field(
        default=0.02, ge=0, lt=1, description="footprint: ... and this share of all volume"
    )
    footprint_stack: int = Field(
        default=3, ge=2, le=50, description="footprint: imbalances at so many prices in a row"
    )
    bucket: float = Field(
        default=0.001, gt=0, le=0.02, description="book levels: width of a bucket, a fraction"
    )
    reach: float = Field(
        default=0.05, gt=0, le=0.5, description="book levels: how far from the middle, a fraction"
    )
    strong: Score = Field(default=0.1, description="book levels: strength of a strong one, above")
    wall_multiple: float = Field(
        default=5.0, gt=1, le=100, description="a wall is so many times its neighbours' size"
    )
    snapshots: int = Field(
        default=720, ge=2, le=10_000, description="successive books that are kept (one a loop)"
    )
    max_age_seconds: float = Field(
        default=30.0, gt=0, le=600, description="an older book is not available"
    )
    loop_seconds: float = Field(
        default=1.0, gt=0, le=30, description="live: time a bot loop may spend asking for books"
    )
    impact_quote: float = Field(
        default=1_000.0,
        ge=0.0001,
        le=10_000_000,
        description="quote currency of the order whose effect on price is measured",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.imbalance_depth > self.depth:
            raise ValueError(
                f"imbalance_depth {self.imbalance_depth} is above depth {self.depth}: "
                "allowed are as many levels as are asked for, or fewer"
            )
        if self.significant > self.one_sided:
            raise ValueError(
                f"significant {self.significant} is above one_sided {self.one_sided}: "
                "allowed is one_sided or less"
            )
        return self


class CorrelationSettings(Section):
    """Which pairs move together: returns of hourly candles."""

    enabled: bool = Field(default=True, description="compute correlations over the whitelist")
    window_days: int = Field(default=30, ge=2, le=90, description="window")
    cluster: float = Field(
        default=0.7, ge=0, le=1, description="pairs correlated above this form a cluster"
    )

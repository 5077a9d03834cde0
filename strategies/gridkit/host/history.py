"""How much history the analytics need, and how much an exchange gives at a start (DESIGN 2.18)."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import ccxt
from freqtrade import exchange as exchanges
from freqtrade.enums import CandleType, TradingMode
from freqtrade.exchange.common import MAP_EXCHANGE_CHILDCLASS
from freqtrade.misc import deep_merge_dicts

from gridkit import candles
from gridkit.analytics import (
    basket,
    correlation,
    garch,
    orderflow,
    profile,
    regime,
    scores,
    shocks,
    smoothing,
    stress,
    supports,
    thresholds,
    turns,
    volatility,
)
from gridkit.host import forecasts
from gridkit.host.prediction import section
from gridkit.prediction import features
from gridkit.settings import GarchSettings, Settings

logger = logging.getLogger(__name__)

MOST_REQUESTS = 5
COARSER = ("5m", "15m", "30m", "1h")
HOUR = candles.SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class History:
    """What can be had: the settings fitted to it, and the candles to ask for, of all timeframes."""

    settings: Settings
    profile_timeframe: str
    candles: int


def fitted(
    config: Mapping[str, Any], settings: Settings, timeframe: str, *, directional: bool = False
) -> History:
    """Fit the analytics to what the exchange gives at a start, and say what that costs them.

    `directional`: of the directional strategy, which lays no lines.
    """
    most = longest(config, timeframe)
    settings = _with_garch(settings, most)
    coarse = profile_timeframe(settings, timeframe, most)
    own = _needs_of_positions(settings) if directional else _needs_of_grid(settings, timeframe)
    needs = dict(_needs(config, settings, timeframe, coarse, own))
    unmet = {name: count for name, count in needs.items() if count > most}
    if unmet:
        logger.warning(
            "The exchange gives %d candles at a start; more are wanted by %s, whose first numbers "
            "come late or not at all",
            most,
            ", ".join(f"{name} ({count})" for name, count in unmet.items()),
        )
    return History(settings, coarse, min(max(needs.values()), most))


def _needs(
    config: Mapping[str, Any],
    settings: Settings,
    timeframe: str,
    coarse: str,
    of_strategy: Iterator[tuple[str, int]],
) -> Iterator[tuple[str, int]]:
    """Yield what each module that is switched on needs, in candles of its own timeframe."""
    own = candles.seconds_of(timeframe)
    yield "volatility", volatility.warmup(settings, own)
    yield from _needs_of_forecasts(settings)
    if settings.regime.enabled:
        yield "regime", regime.warmup(settings, candles.seconds_of(settings.regime.timeframe))
    yield from of_strategy
    if settings.breakers.enabled and settings.breakers.market:
        yield "shocks", shocks.warmup(settings, own)
    if settings.profile.enabled:
        yield "profile", profile.warmup(settings, candles.seconds_of(coarse))
    if settings.confluence.enabled:
        yield "confluence", scores.warmup(settings, own)
    if settings.thresholds.enabled:
        yield "thresholds", thresholds.warmup(settings, HOUR)
    if settings.orderflow.enabled:
        yield "orderflow", orderflow.warmup(settings, own)
    if section.is_on(config):
        yield "prediction", features.warmup(settings, own)


def _needs_of_grid(settings: Settings, timeframe: str) -> Iterator[tuple[str, int]]:
    own = candles.seconds_of(timeframe)
    if settings.spacing.method in ("auto", "micro"):
        settled = smoothing.SETTLED_HOURS * HOUR // own
        yield "smoothed volatility", volatility.warmup(settings, own) + settled
    if settings.density.enabled or settings.volume_lines.enabled:
        yield "supports", supports.warmup(settings, own)
    if settings.stress.enabled and settings.spacing.method == "regime":
        yield "stress", stress.warmup(settings, HOUR) + correlation.warmup(settings, HOUR)


def _needs_of_positions(settings: Settings) -> Iterator[tuple[str, int]]:
    yield "turns", turns.warmup(settings, candles.seconds_of(settings.exits.timeframe))


def _needs_of_forecasts(settings: Settings) -> Iterator[tuple[str, int]]:
    measured = settings.volatility
    if measured.method != "composite":
        return
    if measured.garch.enabled:
        yield "garch", garch.warmup(settings, HOUR)
    if measured.basket.enabled:
        yield "basket", basket.warmup(settings, HOUR)
    if measured.implied.enabled and measured.implied.file is not None:
        yield "implied", forecasts.RATIO_SECONDS // HOUR + 1


def longest(config: Mapping[str, Any], timeframe: str) -> int:
    """Return the most candles freqtrade lets a strategy ask for at a start, on this exchange."""
    limits = _limits(config)
    requests = MOST_REQUESTS if limits.get_option("ohlcv_has_history") else 1
    return requests * int(limits.ohlcv_candle_limit(timeframe, _candle_type(config))) - 1


def profile_timeframe(settings: Settings, timeframe: str, most: int) -> str:
    """Return the finest timeframe whose candles reach back as far as the volume profile does."""
    own = candles.seconds_of(timeframe)
    choice = [timeframe, *(one for one in COARSER if candles.seconds_of(one) > own)]
    reaching = [one for one in choice if profile.warmup(settings, candles.seconds_of(one)) <= most]
    found = reaching[0] if reaching else choice[-1]
    if settings.profile.enabled and found != timeframe:
        logger.warning(
            "The volume profile is made of %s candles: the exchange gives %d candles at a start, "
            "and %g days of %s are more",
            found,
            most,
            settings.profile.days,
            timeframe,
        )
    return found


def _with_garch(settings: Settings, most: int) -> Settings:
    """Shorten what GARCH is fitted to, or leave it out where too little is left."""
    rule = settings.volatility.garch
    if not rule.enabled or settings.volatility.method != "composite":
        return settings
    if find_spec("arch") is None:
        logger.warning("GARCH is left out: the package arch is not installed (pip install arch)")
        return _with_rule(settings, {"enabled": False})
    missing = garch.warmup(settings, HOUR) - most
    if missing <= 0:
        return settings
    window = rule.window_hours - missing
    possible = window >= _least_window()
    logger.warning(
        "The exchange gives %d candles at a start: GARCH is %s",
        most,
        f"fitted to {window} hours, not {rule.window_hours}" if possible else "left out",
    )
    return _with_rule(settings, {"window_hours": window} if possible else {"enabled": False})


def _with_rule(settings: Settings, changed: dict[str, Any]) -> Settings:
    rule = {**settings.volatility.garch.model_dump(), **changed}
    return settings.with_values({"volatility": {"garch": rule}})


def _least_window() -> int:
    bounds = GarchSettings.model_fields["window_hours"].metadata
    return next(bound.ge for bound in bounds if hasattr(bound, "ge"))


def _candle_type(config: Mapping[str, Any]) -> CandleType:
    return CandleType.FUTURES if _futures(config) else CandleType.SPOT


def _futures(config: Mapping[str, Any]) -> bool:
    return config.get("trading_mode") == TradingMode.FUTURES


def _limits(config: Mapping[str, Any]) -> Any:
    """Return freqtrade's own class for the exchange, knowing its limits but not connected."""
    given = config["exchange"]
    name = MAP_EXCHANGE_CHILDCLASS.get(given["name"], given["name"])
    parent = getattr(exchanges, name.title(), exchanges.Exchange)
    # Its own start connects, and its own end would close what was never opened.
    unconnected = {"__init__": lambda self: None, "__del__": lambda self: None}
    limits = type("Limits", (parent,), unconnected)()
    limits.trading_mode = TradingMode.FUTURES if _futures(config) else TradingMode.SPOT
    own = limits.combine_ft_has(include_futures=_futures(config))
    limits._ft_has = deep_merge_dicts(given.get("_ft_has_params", {}), own)
    limits._api = limits._api_async = getattr(ccxt, given["name"], ccxt.Exchange)()
    return limits

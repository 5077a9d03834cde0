"""How much history is asked for, how much an exchange gives, and what is said of the difference."""

import pytest
from freqtrade.enums import CandleType
from freqtrade.exceptions import ConfigurationError
from freqtrade.resolvers import ExchangeResolver

from gridkit.analytics import garch
from gridkit.host import forecasts, history
from gridkit.settings import Settings

HOUR = 3_600
BINANCE, OKX = 4_999, 1_499
LIMITED = {"binance": BINANCE, "okx": OKX}
FEW = {"exchange": {"name": "kraken"}}  # 720 candles, and no older ones


def config_of(exchange, mode="spot", **params):
    section = {"name": exchange, "pair_whitelist": [], "_ft_has_params": params}
    return {"exchange": section, "trading_mode": mode}


# Lines that go by volatility alone, so that a module's own need is seen.
PLAIN = {
    "density": {"enabled": False},
    "volume_lines": {"enabled": False},
    "spacing": {"method": "volatility"},
}


def settings_of(**sections):
    return Settings.from_config({"gridkit": {**PLAIN, **sections}})


@pytest.fixture
def said(caplog):
    caplog.set_level("INFO", logger="gridkit")
    return lambda: [one.getMessage() for one in caplog.records if one.name.startswith("gridkit")]


# -- what an exchange gives -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exchange", "mode", "expected"),
    [
        ("binance", "spot", 4_999),
        ("binance", "futures", 2_494),
        ("okx", "spot", 1_499),
        ("okx", "futures", 1_499),
        ("bybit", "spot", 4_999),
        ("bybit", "futures", 4_999),
        ("gate", "spot", 4_999),
        ("kucoin", "spot", 7_499),
        ("kraken", "spot", 719),
        ("hyperliquid", "futures", 4_999),
    ],
)
def test_the_longest_history_is_the_one_freqtrade_still_accepts(exchange, mode, expected):
    config = config_of(exchange, mode)
    assert history.longest(config, "5m") == expected
    accepts = accepting(exchange, mode)
    assert accepts(expected)
    assert not accepts(expected + 1)


def accepting(exchange, mode):
    """freqtrade's own exchange object, not connected: whether it starts with so many candles."""
    kind = CandleType.FUTURES if mode == "futures" else CandleType.SPOT
    config = {
        **config_of(exchange, mode), "candle_type_def": kind, "margin_mode": "isolated",
        "stake_currency": "USDT", "dry_run": True, "runmode": None,
    }  # fmt: skip
    unconnected = ExchangeResolver.load_exchange(config, validate=False)

    def accepts(count):
        try:
            unconnected.validate_required_startup_candles(count, "5m")
        except ConfigurationError:
            return False
        return True

    return accepts


def test_an_exchange_freqtrade_has_no_class_of_its_own_for_is_like_any():
    assert history.longest(config_of("bitfinex"), "5m") > 0


def test_a_users_own_limit_is_heeded():
    assert history.longest(config_of("binance", ohlcv_candle_limit=300), "5m") == 1_499
    assert history.longest(config_of("binance", ohlcv_has_history=False), "5m") == 999


# -- what the analytics need ------------------------------------------------------------------


def test_by_default_the_supports_of_the_lines_look_back_furthest(said):
    known = history.fitted(config_of("binance"), Settings(), "5m")
    assert known.candles == 200 * 12  # the average of 200 hours
    assert known.settings == Settings()
    assert said() == []


def test_after_them_the_fits_of_garch_do(said):
    plain = settings_of()
    known = history.fitted(config_of("binance"), plain, "5m")
    assert known.candles == garch.warmup(plain, HOUR) == 2_160 + 168
    assert said() == []


def test_the_volatility_of_a_small_accounts_grid_is_smoothed_over_hours():
    off = {"method": "realised"}, {"enabled": False}, {"market": False}
    micro = settings_of(
        volatility=off[0], regime=off[1], breakers=off[2], spacing={"method": "auto"}
    )
    assert history.fitted(config_of("binance"), micro, "5m").candles == 289 + 40 * 12


def test_the_directional_strategy_lays_no_lines_but_reads_turns_of_momentum():
    off = {"enabled": False}
    asked = settings_of(
        volatility={"method": "realised"}, regime=off, breakers={"market": False},
        spacing={"method": "auto"}, density={"enabled": True}, exits={"atr_period": 90},
    )  # fmt: skip
    found = {
        directional: history.fitted(config_of("binance"), asked, "5m", directional=directional)
        for directional in (False, True)
    }
    assert found[False].candles == 200 * 12
    assert found[True].candles == 4 * 179


@pytest.mark.parametrize(
    ("changes", "candles"),
    [
        ({"volatility": {"method": "realised"}}, 800),  # the regime's slow average
        (
            {
                "volatility": {"method": "realised"}, "regime": {"enabled": False},
                "breakers": {"market": False},
            },
            289,  # a day
        ),
        (
            {"volatility": {"method": "realised"}, "regime": {"enabled": False}},
            301,  # the market's breakers: a day of the volatilities of an hour
        ),
        ({"volatility": {"garch": {"enabled": False}}}, 800),
        (
            {"volatility": {"method": "realised"}, "spacing": {"method": "regime"}},
            720 + 721,  # stress among 30 days of correlations, each of 30 days
        ),
        (
            {
                "volatility": {"garch": {"enabled": False}, "implied": {"file": "index.csv"}},
                "regime": {"enabled": False},
            },
            30 * 24 + 1,  # a coin's own month, to scale the index of another one
        ),
        (
            {"volatility": {"method": "realised"}, "thresholds": {"enabled": True}},
            800,
        ),
        (
            {
                "volatility": {"method": "realised"}, "regime": {"enabled": False},
                "thresholds": {"enabled": True},
            },
            24 + 720,
        ),
        (
            {
                "volatility": {"method": "realised"}, "regime": {"enabled": False},
                "profile": {"enabled": True},
            },
            7 * 288,
        ),
        (
            {
                "volatility": {"method": "realised", "window_hours": 4},
                "regime": {"enabled": False},
                "orderflow": {"enabled": True, "lookback_candles": 500},
            },
            500,
        ),
    ],
)  # fmt: skip
def test_each_module_that_is_switched_on_is_counted(said, changes, candles):
    known = history.fitted(config_of("binance"), settings_of(**changes), "5m")
    assert known.candles == candles
    assert said() == []


def test_the_month_of_the_ratio_is_that_of_the_option_market():
    assert forecasts.RATIO_SECONDS == 30 * 24 * HOUR


# -- when the exchange gives less -------------------------------------------------------------


def test_garch_is_fitted_to_what_is_left(said):
    known = history.fitted(config_of("okx"), settings_of(), "5m")
    window = OKX - 168
    assert known.settings.volatility.garch.window_hours == window
    assert known.candles == OKX
    assert said() == [
        f"The exchange gives {OKX} candles at a start: GARCH is fitted to {window} hours, not 2160"
    ]


def test_garch_is_left_out_where_too_little_is_left(said):
    settings = settings_of(volatility={"garch": {"refit_hours": 300}})
    known = history.fitted(FEW, settings, "5m")
    assert not known.settings.volatility.garch.enabled
    assert said()[0] == "The exchange gives 719 candles at a start: GARCH is left out"


def test_a_window_on_its_bound_is_still_a_fit(said):
    exact = settings_of(volatility={"garch": {"refit_hours": 219}})
    known = history.fitted(FEW, exact, "5m")
    assert known.settings.volatility.garch.window_hours == 500
    below = settings_of(volatility={"garch": {"refit_hours": 220}})
    assert not history.fitted(FEW, below, "5m").settings.volatility.garch.enabled


def test_garch_that_is_not_wanted_is_not_spoken_of(said):
    for volatility in ({"method": "realised"}, {"garch": {"enabled": False}}):
        settings = settings_of(volatility=volatility, regime={"enabled": False})
        assert history.fitted(config_of("okx"), settings, "5m").settings == settings
    assert said() == []


@pytest.mark.parametrize(
    ("exchange", "timeframe", "days", "coarser"),
    [
        ("binance", "5m", 7, "5m"),
        ("binance", "5m", 30, "15m"),
        ("binance", "1m", 3, "1m"),
        ("binance", "1m", 7, "5m"),
        ("okx", "5m", 7, "15m"),
        ("okx", "5m", 30, "30m"),
        ("kraken", "5m", 30, "1h"),  # the last choice, although it gives 719 of 720
        ("kraken", "1h", 30, "1h"),
        ("binance", "4h", 30, "4h"),
    ],
)
def test_the_volume_profile_takes_the_finest_candles_that_reach_back(
    said, exchange, timeframe, days, coarser
):
    settings = settings_of(
        profile={"enabled": True, "days": days},
        regime={"enabled": False},
        volatility={"method": "realised"},
    )
    most = history.longest(config_of(exchange), timeframe)
    assert history.fitted(config_of(exchange), settings, timeframe).profile_timeframe == coarser
    told = (
        f"The volume profile is made of {coarser} candles: the exchange gives {most} candles at a "
        f"start, and {days} days of {timeframe} are more"
    )
    assert (told in said()) == (coarser != timeframe)


def test_no_profile_no_word_of_it(said):
    settings = settings_of(
        profile={"days": 30}, regime={"enabled": False}, volatility={"method": "realised"}
    )
    history.fitted(config_of("okx"), settings, "5m")
    assert said() == []


def test_what_the_exchange_cannot_give_is_named_with_its_need(said):
    settings = settings_of(volatility={"garch": {"enabled": False}})
    known = history.fitted(FEW, settings, "5m")
    assert known.candles == 719
    assert said() == [
        "The exchange gives 719 candles at a start; more are wanted by regime (800), whose first "
        "numbers come late or not at all"
    ]


def test_all_that_want_more_are_named(said):
    settings = settings_of(
        volatility={"garch": {"enabled": False}},
        spacing={"method": "regime"},
        thresholds={"enabled": True},
    )
    history.fitted(FEW, settings, "5m")
    assert said()[-1] == (
        "The exchange gives 719 candles at a start; more are wanted by regime (800), stress "
        "(1441), thresholds (744), whose first numbers come late or not at all"
    )


def test_nothing_is_asked_for_that_freqtrade_would_refuse():
    for exchange in ("binance", "okx", "kraken", "bybit"):
        for timeframe in ("1m", "5m", "1h"):
            config = config_of(exchange)
            known = history.fitted(config, Settings(), timeframe)
            assert known.candles <= history.longest(config, timeframe)

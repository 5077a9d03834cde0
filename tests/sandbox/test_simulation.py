"""The simulated market: one function of (seed, pair, time), read in several ways."""

import json
from itertools import combinations
from pathlib import Path

import freqtrade
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from sandbox import candles, timeframes
from sandbox.candles import CLOSE, HIGH, LOW, OPEN, TIME, VOLUME, Window
from sandbox.simulation import paths
from sandbox.simulation.cycle import EPOCH_MS
from sandbox.simulation.market import SimulatedMarket
from sandbox.simulation.profiles import COINS, DRAWN_TOGETHER, PROFILES
from sandbox.timeframes import DAY_MS, HOUR_MS, MINUTE_MS

NOW = 1_772_619_083_500
YEAR = Window(NOW - 365 * DAY_MS, None, 10_000)
MARKET = SimulatedMarket(seed=7)
MARKETS = ("spot", "futures")
ROOT = Path(__file__).resolve().parents[2]

moments = st.integers(EPOCH_MS + 2 * DAY_MS, NOW)
symbols = st.sampled_from(list(MARKET.instruments("spot")))
listed = st.sampled_from(
    [(market, each) for market in MARKETS for each in MARKET.instruments(market)]
)
LATER = [coin.name + "USDT" for coin in COINS[DRAWN_TOGETHER:]]
few = settings(max_examples=20, deadline=None)


def last(source, market, symbol, timeframe, window, now=NOW):
    return source.candles(market, symbol, "last", timeframe, window, now)


def test_the_same_seed_pair_and_time_give_the_same_prices_in_a_new_market():
    window = Window(NOW - 3 * HOUR_MS, None, 100)
    first = last(MARKET, "spot", "ETHUSDT", "5m", window)
    second = last(SimulatedMarket(seed=7), "spot", "ETHUSDT", "5m", window)
    np.testing.assert_array_equal(first, second)


# Daily closes of 1 January 2021 on spot and futures, as they were before further coins came.
CLOSES = {
    "BTCUSDT": (44882.95, 44877.5),
    "ETHUSDT": (2558.22, 2558.22),
    "SOLUSDT": (116.49, 116.50),
    "XRPUSDT": (0.5243, 0.5243),
    "ADAUSDT": (0.4469, 0.4469),
    "DOGEUSDT": (0.08633, 0.08633),
    "BNBUSDT": (350.74, 350.67),
    "AVAXUSDT": (19.49, 19.496),
    "LINKUSDT": (11.65, 11.648),
    "LTCUSDT": (55.67, 55.68),
}


@pytest.mark.parametrize("symbol", CLOSES)
def test_a_further_coin_changes_no_price(symbol):
    window = Window(1_609_459_200_000, None, 1)
    closes = [last(MARKET, market, symbol, "1d", window)[0, CLOSE] for market in MARKETS]
    assert closes == pytest.approx(CLOSES[symbol], rel=1e-12)


def test_a_coin_that_came_later_moves_with_the_market_but_is_no_copy():
    closes = [last(MARKET, "spot", each, "1d", YEAR)[:, CLOSE] for each in ("BTCUSDT", *LATER)]
    correlations = np.corrcoef(np.diff(np.log(closes), axis=1))
    different = correlations[np.triu_indices(len(closes), 1)]
    assert np.all((different > 0.4) & (different < 0.95))


def test_a_perpetual_of_a_thousand_coins_costs_a_thousand_times_as_much():
    window = Window(NOW - HOUR_MS, NOW - MINUTE_MS, 100)
    single = last(MARKET, "spot", "PEPEUSDT", "1m", window)[:, CLOSE]
    for kind in ("last", "mark", "index"):
        rows = MARKET.candles("futures", "1000PEPEUSDT", kind, "1m", window, NOW)
        np.testing.assert_allclose(rows[:, CLOSE], 1000 * single, rtol=0.005)
    assert "PEPEUSDT" not in MARKET.instruments("futures")
    assert "1000PEPEUSDT" not in MARKET.instruments("spot")


def configured_pairs():
    """Every pair written out in the project's configurations."""
    overlays = [ROOT / "config.json", *sorted((ROOT / "user_data" / "configs").glob("*.json"))]
    return [
        (overlay.name, pair)
        for overlay in overlays
        for pair in json.loads(overlay.read_text()).get("exchange", {}).get("pair_whitelist", [])
    ]


@pytest.mark.parametrize(("overlay", "pair"), configured_pairs())
def test_every_configured_pair_is_listed(overlay, pair):
    market = "futures" if ":" in pair else "spot"
    assert pair.partition(":")[0].replace("/", "") in MARKET.instruments(market)


def test_the_configurations_name_pairs_of_both_markets():
    assert {":" in pair for _, pair in configured_pairs()} == {False, True}


def test_freqtrade_knows_the_leverage_tiers_of_every_perpetual():
    tiers = json.loads(
        (Path(freqtrade.__file__).parent / "exchange/binance_leverage_tiers.json").read_text()
    )
    perpetuals = MARKET.instruments("futures").values()
    assert {f"{one.base}/{one.quote}:{one.quote}" for one in perpetuals} <= set(tiers)


def test_another_seed_or_pair_gives_other_prices():
    window = Window(NOW - 3 * HOUR_MS, None, 100)
    first = last(MARKET, "spot", "ETHUSDT", "5m", window)[:, CLOSE]
    other_seed = last(SimulatedMarket(seed=8), "spot", "ETHUSDT", "5m", window)[:, CLOSE]
    other_pair = last(MARKET, "spot", "SOLUSDT", "5m", window)[:, CLOSE]
    assert np.abs(first - other_seed).max() > 1
    assert np.corrcoef(np.diff(first), np.diff(other_pair))[0, 1] < 0.99


@settings(max_examples=8, deadline=None)
@given(symbol=symbols, moment=moments)
def test_what_was_asked_before_does_not_change_the_answer(symbol, moment):
    window = Window(moment - HOUR_MS, moment, 100)
    fresh = SimulatedMarket(seed=7)
    np.testing.assert_array_equal(
        last(fresh, "spot", symbol, "1m", window), last(MARKET, "spot", symbol, "1m", window)
    )


@few
@given(
    one=listed,
    moment=moments,
    timeframe=st.sampled_from(["3m", "5m", "15m", "30m", "1h", "4h", "8h", "12h", "1d"]),
)
def test_a_candle_is_the_aggregation_of_its_minutes(one, moment, timeframe):
    market, symbol = one
    opened = timeframes.open_of(moment, timeframe)
    end = timeframes.close_of(opened, timeframe) - 1
    coarse = last(MARKET, market, symbol, timeframe, Window(opened, end, 1))
    fine = last(MARKET, market, symbol, "1m", Window(opened, min(end, NOW), 2000))
    assert coarse[0, OPEN] == fine[0, OPEN]
    assert coarse[0, HIGH] == fine[:, HIGH].max()
    assert coarse[0, LOW] == fine[:, LOW].min()
    assert coarse[0, CLOSE] == fine[-1, CLOSE]
    np.testing.assert_allclose(coarse[0, VOLUME:], fine[:, VOLUME:].sum(axis=0), rtol=1e-12)


def test_weeks_open_on_monday_and_months_on_the_first():
    week = last(MARKET, "spot", "BTCUSDT", "1w", Window(None, None, 3))[:, TIME]
    month = last(MARKET, "spot", "BTCUSDT", "1M", Window(None, None, 3))[:, TIME]
    assert [timeframes.iso(int(each)) for each in week[-2:]] == [
        "2026-02-23 00:00",
        "2026-03-02 00:00",
    ]
    assert [timeframes.iso(int(each)) for each in month] == [
        "2026-01-01 00:00",
        "2026-02-01 00:00",
        "2026-03-01 00:00",
    ]


@few
@given(one=listed, moment=moments)
def test_the_running_minute_agrees_with_the_finished_one(one, moment):
    market, symbol = one
    opened = timeframes.open_of(moment, "1m")
    window = Window(opened, None, 1)
    running = last(MARKET, market, symbol, "1m", window, now=moment)[0]
    final = last(MARKET, market, symbol, "1m", window, now=opened + MINUTE_MS)[0]
    price = MARKET.trades(market, symbol, Window(None, None, 1), None, moment).prices[-1]
    assert running[OPEN] == final[OPEN]
    assert final[LOW] <= running[LOW] <= running[HIGH] <= final[HIGH]
    assert running[CLOSE] == pytest.approx(price, rel=1e-12)
    assert running[VOLUME] <= final[VOLUME]


@few
@given(symbol=symbols, moment=moments, timeframe=st.sampled_from(["5m", "1h", "1d"]))
def test_nothing_later_than_now_is_returned(symbol, moment, timeframe):
    rows = last(MARKET, "spot", symbol, timeframe, Window(moment - DAY_MS, None, 1000), now=moment)
    assert rows[-1, TIME] <= moment < rows[-1, TIME] + timeframes.LENGTH_MS[timeframe]


@few
@given(one=listed, moment=moments)
def test_the_tape_of_a_minute_is_its_candle(one, moment):
    market, symbol = one
    opened = timeframes.open_of(moment, "1m")
    window = Window(opened, opened + MINUTE_MS - 1, 1000)
    candle = last(MARKET, market, symbol, "1m", window, now=opened + DAY_MS)[0]
    tape = MARKET.trades(market, symbol, window, None, opened + DAY_MS)
    lot = MARKET.instruments(market)[symbol].lot
    assert tape.prices[0] == candle[OPEN]
    assert tape.prices[-1] == candle[CLOSE]
    assert tape.prices.max() == candle[HIGH]
    assert tape.prices.min() == candle[LOW]
    assert tape.amounts.sum() == pytest.approx(candle[VOLUME], abs=lot / 2)
    bought = tape.amounts[~tape.sold].sum()
    assert bought == pytest.approx(candle[candles.TAKER], abs=lot / 2)
    assert (tape.prices * tape.amounts).sum() == pytest.approx(candle[candles.QUOTE], rel=1e-9)


def test_prices_stand_on_ticks_and_volumes_on_lots():
    for market in MARKETS:
        for symbol, instrument in MARKET.instruments(market).items():
            rows = last(MARKET, market, symbol, "1m", Window(None, None, 200))
            in_ticks = rows[:, OPEN:VOLUME] / instrument.tick
            in_lots = rows[:, VOLUME] / instrument.lot
            np.testing.assert_allclose(in_ticks, np.rint(in_ticks), atol=1e-4)
            np.testing.assert_allclose(in_lots, np.rint(in_lots), atol=1e-4)
            assert np.all(in_lots >= 1)


def test_there_is_no_seam_at_midnight():
    midnight = timeframes.open_of(NOW, "1d")
    for symbol in MARKET.instruments("spot"):
        rows = last(MARKET, "spot", symbol, "1m", Window(midnight - 5 * MINUTE_MS, None, 10))
        gaps = np.abs(np.log(rows[1:, OPEN] / rows[:-1, CLOSE]))
        assert gaps.max() < 0.003


def test_the_book_straddles_the_last_trade_with_a_thousand_levels_a_side():
    for market in MARKETS:
        for symbol, instrument in MARKET.instruments(market).items():
            book = MARKET.book(market, symbol, 1000, NOW)
            tape = MARKET.trades(market, symbol, Window(None, None, 1), None, NOW)
            bids, asks = book.bids[:, 0], book.asks[:, 0]
            assert len(asks) == 1000
            assert len(bids) == 1000 or bids[-1] == instrument.tick  # nothing below one tick
            assert bids[0] < asks[0]
            assert np.all(np.diff(bids) < 0)
            assert np.all(np.diff(asks) > 0)
            assert (bids if tape.sold[0] else asks)[0] == pytest.approx(tape.prices[0])
            in_ticks = np.r_[bids, asks] / instrument.tick
            np.testing.assert_allclose(in_ticks, np.rint(in_ticks), atol=1e-4)
            assert bids[-1] < 0.99 * bids[0]


def test_two_looks_at_the_book_within_one_trade_are_equal():
    step = NOW // paths.STEP_MS * paths.STEP_MS
    first, second = (MARKET.book("spot", "BTCUSDT", 50, step + later) for later in (0, 1900))
    np.testing.assert_array_equal(first.bids, second.bids)


def daily_returns():
    some = list(MARKET.instruments("spot"))[:5]
    closes = [last(MARKET, "spot", symbol, "1d", YEAR)[:, CLOSE] for symbol in some]
    return np.diff(np.log(closes), axis=1)


def test_pairs_are_correlated_as_coins_are():
    correlations = np.corrcoef(daily_returns())
    pairs = [correlations[one, two] for one, two in combinations(range(len(correlations)), 2)]
    assert 0.5 < np.mean(pairs) < 0.85
    assert min(pairs) > 0.3


def test_annual_volatility_is_a_coins():
    volatility = daily_returns().std(axis=1) * np.sqrt(365)
    wanted = np.array([coin.volatility for coin in COINS[: len(volatility)]])
    assert np.all((wanted > 0.4) & (wanted < 1.1))
    assert np.all(np.abs(np.log(volatility / wanted)) < np.log(1.6))


def test_volatility_clusters_and_volume_follows_it():
    rows = last(MARKET, "spot", "ETHUSDT", "1h", YEAR)
    size = np.abs(np.log(rows[1:, CLOSE] / rows[:-1, CLOSE]))
    returns = np.log(rows[1:, CLOSE] / rows[:-1, CLOSE])
    assert np.corrcoef(size[:-1], size[1:])[0, 1] > 0.15
    assert np.corrcoef(size[:-24], size[24:])[0, 1] > 0.1
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.1
    spread = np.log(rows[:, HIGH] / rows[:, LOW])
    assert np.corrcoef(spread, rows[:, VOLUME])[0, 1] > 0.5


def test_returns_have_fat_tails():
    rows = last(MARKET, "spot", "BTCUSDT", "5m", Window(NOW - 90 * DAY_MS, None, 30_000))
    returns = np.diff(np.log(rows[:, CLOSE]))
    standard = (returns - returns.mean()) / returns.std()
    assert (standard**4).mean() > 6
    assert np.abs(standard).max() > 8


def test_some_minutes_jump_out_of_the_hour_around_them():
    rows = last(MARKET, "spot", "BTCUSDT", "1m", Window(NOW - 60 * DAY_MS, None, 90_000))
    size = np.abs(np.diff(np.log(rows[:, CLOSE])))
    hour = np.median(sliding_window_view(size, 61), axis=1)
    assert np.sum(size[30:-30] > 15 * hour) >= 5


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_prices_neither_vanish_nor_explode_over_decades(seed):
    log_price = SimulatedMarket(seed).cycle.log_price
    usual = np.log([coin.price for coin in COINS])[:, None]
    assert np.all(np.abs(log_price - usual) < np.log(25))


def grid_result(rows, spacing=0.02, levels=10):
    """Return, marked to market, of a static grid below the first price: buy a line, sell one up."""
    anchor, cash, held = rows[0, CLOSE], 1.0, {}
    for price in rows[:, CLOSE]:
        for level in range(1, levels + 1):
            line = anchor * (1 - spacing * level)
            if level not in held and price <= line:
                held[level] = 1 / levels / line
                cash -= 1 / levels
            elif level in held and price >= line * (1 + spacing):
                cash += held.pop(level) * line * (1 + spacing)
    return cash + sum(held.values()) * rows[-1, CLOSE] - 1


def test_a_grid_loses_in_the_deepest_trend_and_the_fall_is_a_third_or_more():
    closes = last(MARKET, "spot", "ETHUSDT", "1d", Window(NOW - 900 * DAY_MS, None, 1000))
    falls = closes[45:, CLOSE] / closes[:-45, CLOSE] - 1
    worst = int(falls.argmin())
    start = int(closes[worst, TIME])
    rows = last(MARKET, "spot", "ETHUSDT", "1h", Window(start, start + 45 * DAY_MS, 5000))
    assert falls[worst] < -0.33
    assert grid_result(rows) < -0.1


def test_downtrends_last_weeks_and_take_a_fifth_or_more_off_the_price():
    log_price = MARKET.cycle.log_price[0]
    spells = [each for each in MARKET.cycle.spells if each.regime.name == "downtrend"][:-1]
    falls = [np.exp(log_price[each.after] - log_price[each.first]) - 1 for each in spells]
    assert min(each.after - each.first for each in spells) >= 18
    assert np.median(falls) < -0.2


def test_a_grid_loses_in_several_months_of_the_steady_profile_and_in_none_of_the_flat_one():
    def losses(profile):
        source = SimulatedMarket(7, profile)
        rows = last(source, "spot", "SOLUSDT", "1h", Window(NOW - 720 * DAY_MS, None, 20_000))
        return sum(grid_result(month) < -0.05 for month in np.array_split(rows, 24))

    assert losses("steady") >= 4
    assert losses("flat") == 0


def test_every_regime_occurs_and_crashes_are_rough():
    names = {spell.regime.name for spell in MARKET.cycle.spells}
    assert names == {"range", "quiet", "uptrend", "downtrend", "crash"}
    rough = {
        name: np.mean(
            [
                MARKET.cycle.volatility[0, spell.first : spell.after].mean()
                for spell in MARKET.cycle.spells
                if spell.regime.name == name
            ]
        )
        for name in ("quiet", "crash")
    }
    assert rough["crash"] > 3 * rough["quiet"]


def turns(prices, share):
    """Moves of at least `share` against the last one: what a grid of that spacing trades on."""
    count, way, extreme = 0, 0, prices[0]
    for price in prices:
        move = price / extreme - 1
        if (way >= 0 and move <= -share) or (way <= 0 and move >= share):
            count, way, extreme = count + 1, int(np.sign(move)), price
        elif (move > 0) == (way > 0):
            extreme = price
    return count


@pytest.mark.parametrize("market", MARKETS)
def test_the_lively_profile_turns_by_a_grids_spacing_several_times_a_minute(market):
    lively = SimulatedMarket(7, "lively")
    for symbol in lively.instruments(market):
        tape = lively.trades(market, symbol, Window(NOW - 1_800_000, None, 900), None, NOW)
        assert turns(tape.prices, 0.003) / 30 > 4


def test_every_profile_says_what_it_is_for():
    assert set(PROFILES) == {"steady", "lively", "flat"}
    assert all(profile.meaning for profile in PROFILES.values())


def settled(source, days=200):
    return source.funding("BTCUSDT", Window(NOW - days * DAY_MS, None, 1000), NOW)


def test_funding_is_binances_formula_over_the_premium_that_was_served():
    time, rate, _mark = settled(MARKET)[-1]
    window = Window(int(time) - 8 * HOUR_MS, int(time) - 1, 1000)
    rows = MARKET.candles("futures", "BTCUSDT", "premium", "1m", window, NOW)
    average = rows[:, OPEN].mean()
    expected = average + np.clip(0.0001 - average, -0.0005, 0.0005)
    assert len(rows) == 480
    assert rate == pytest.approx(expected, abs=2e-8)


def test_funding_has_the_sign_of_a_premium_beyond_the_clamp():
    for time, rate, _mark in settled(MARKET)[::5]:
        window = Window(int(time) - 8 * HOUR_MS, int(time) - 1, 1000)
        average = MARKET.candles("futures", "BTCUSDT", "premium", "1h", window, NOW)[:, OPEN].mean()
        if abs(average) > 0.0007:
            assert np.sign(rate) == np.sign(average)


def test_longs_pay_in_uptrends_and_are_paid_in_crashes():
    def average(name):
        spells = [s for s in MARKET.cycle.spells if s.regime.name == name][5:9]
        spans = [(first, after) for _name, first, after in (s.as_text() for s in spells)]
        rates = [MARKET.funding("ETHUSDT", Window(*span, 300), NOW)[:, 1] for span in spans]
        return np.concatenate(rates).mean()

    assert average("uptrend") > 0.0001 > average("crash")


def test_the_mark_price_is_the_index_plus_the_premium_and_the_contract_trades_at_it():
    window = Window(NOW - HOUR_MS, NOW - MINUTE_MS, 100)
    mark, index, premium, traded = (
        MARKET.candles("futures", "BTCUSDT", kind, "1m", window, NOW)[:, OPEN]
        for kind in ("mark", "index", "premium", "last")
    )
    np.testing.assert_allclose(mark, index * (1 + premium), rtol=1e-6)
    np.testing.assert_allclose(mark, traded, atol=0.051)


def test_open_interest_is_positive_and_its_value_is_amount_times_price():
    rows = MARKET.open_interest("BTCUSDT", "1h", Window(None, None, 100), NOW)
    price = last(MARKET, "futures", "BTCUSDT", "1h", Window(None, None, 100))[:, OPEN]
    turnovers = rows[:, 2] / COINS[0].daily_turnover
    assert np.all((turnovers > 0.5) & (turnovers < 8))
    np.testing.assert_allclose(rows[:, 2], rows[:, 1] * price)

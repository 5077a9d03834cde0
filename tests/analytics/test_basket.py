import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridkit import candles
from gridkit.analytics import basket
from gridkit.analytics.estimators import close_to_close
from gridkit.settings import BasketSettings, Settings, VolatilitySettings
from strategies import START, any_market

HOUR = candles.SECONDS_PER_HOUR


def configured(**values: float) -> Settings:
    quick = {"window_hours": 4, "volume_hours": 24, **values}
    return Settings(volatility=VolatilitySettings(basket=BasketSettings(**quick)))


QUICK = configured()


def market(seed: int, rows: int = 100, sigma: float = 0.01, volume: float = 1.0) -> pd.DataFrame:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, sigma, rows)))
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    dates = START + pd.Timedelta("1h") * np.arange(rows)
    return pd.DataFrame({"date": dates, **prices, "volume": volume})


def markets() -> st.SearchStrategy[dict[str, pd.DataFrame]]:
    """Up to four pairs, some of which start later than others."""

    def started_late(frame: pd.DataFrame, hours: int) -> pd.DataFrame:
        return frame.assign(date=frame["date"] + pd.Timedelta(hours=hours))

    one = any_market(most=120, timeframe="1h")
    late = st.builds(started_late, one, st.sampled_from((0, 0, 5, 60)))
    names = st.sampled_from("ABCD")
    return st.dictionaries(names, late, min_size=1, max_size=4)


def by_hand(frames: dict[str, pd.DataFrame], chosen: BasketSettings) -> tuple[dict, dict]:
    """The readable twin: hour by hour, pair by pair, from the rows that count."""
    volatility, shares = {}, {}
    realised = {
        pair: dict(
            zip(
                frame["date"],
                close_to_close(
                    frame["close"].to_numpy(), candles.times(frame), chosen.window_hours * HOUR
                ),
                strict=True,
            )
        )
        for pair, frame in frames.items()
    }
    first = min(frame["date"].iloc[0] for frame in frames.values())
    last = max(frame["date"].iloc[-1] for frame in frames.values())
    for now in pd.date_range(first, last, freq="1h"):
        begin = now - pd.Timedelta(hours=chosen.volume_hours)
        traded = {}
        for pair, frame in frames.items():
            priced = frame[frame["close"] > 0]
            is_old = len(priced) and priced["date"].iloc[0] <= begin + pd.Timedelta("1h")
            if not is_old or math.isnan(realised[pair].get(now, math.nan)):
                continue
            window = priced[(priced["date"] > begin) & (priced["date"] <= now)]
            traded[pair] = sum(window["close"] * window["volume"])
        whole = sum(traded.values())
        kept = {
            pair: amount
            for pair, amount in traded.items()
            if whole > 0 and amount / whole >= chosen.least_share
        }
        total = sum(kept.values())
        shares[now] = {pair: kept.get(pair, 0.0) / total if total else math.nan for pair in frames}
        volatility[now] = (
            sum(realised[pair][now] * amount / total for pair, amount in kept.items())
            if total
            else math.nan
        )
    return volatility, shares


@given(markets(), st.sampled_from((0.0, 0.01, 0.4)))
@settings(max_examples=40)
def test_volatility_and_weights_equal_those_of_each_hour_by_itself(frames, least_share):
    chosen = configured(least_share=least_share)
    volatility, shares = by_hand(frames, chosen.volatility.basket)
    found = basket.volatility(frames, chosen)
    assert list(found.index) == list(volatility)
    np.testing.assert_allclose(found["basket_volatility"], list(volatility.values()), rtol=1e-5)
    expected = pd.DataFrame.from_dict(shares, orient="index")
    np.testing.assert_allclose(basket.weights(frames, chosen), expected, rtol=1e-9)


@given(markets())
@settings(max_examples=30)
def test_weights_are_shares_of_one(frames):
    shares = basket.weights(frames, QUICK)
    sums = shares.sum(axis=1, min_count=1).dropna()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)
    assert ((shares >= 0) & (shares <= 1 + 1e-12) | shares.isna()).all(axis=None)
    assert (shares.isna().any(axis=1) == shares.isna().all(axis=1)).all()


@given(markets())
@settings(max_examples=30)
def test_the_basket_is_within_its_pairs(frames):
    """Between the smallest and the largest volatility of the pairs that have a weight."""
    together = basket.volatility(frames, QUICK)["basket_volatility"]
    measured = basket._volatilities(frames, QUICK.volatility.basket)
    counted = measured.where(basket.weights(frames, QUICK) > 0)
    known = together.notna()
    assert (together >= counted.min(axis=1) * (1 - 1e-6))[known].all()
    assert (together <= counted.max(axis=1) * (1 + 1e-6))[known].all()


@given(markets(), st.integers(0, 200))
@settings(max_examples=40)
def test_the_past_does_not_change_when_the_future_arrives(frames, hours):
    """Save that the hours since, in which no pair had a candle, then have rows."""
    now = START + pd.Timedelta(hours=hours)
    past = {pair: frame[frame["date"] <= now] for pair, frame in frames.items()}
    for function in (basket.volatility, basket.weights):
        then, later = function(past, QUICK), function(frames, QUICK)
        earlier = later[later.index <= now]
        pd.testing.assert_frame_equal(then, earlier.iloc[: len(then)], check_freq=False, rtol=1e-9)
        assert earlier.iloc[len(then) :].isna().all(axis=None)  # hours without any candle


def test_one_pair_alone_is_the_basket():
    frame = market(1)
    found = basket.volatility({"A": frame}, QUICK)["basket_volatility"].to_numpy()
    own = close_to_close(frame["close"].to_numpy(), candles.times(frame), 4 * HOUR)
    np.testing.assert_allclose(found[23:], own[23:], rtol=1e-6)
    assert np.isnan(found[:23]).all()


def test_pairs_weigh_by_the_quote_volume_of_the_last_hours():
    """Three to one, as the one pair's price is three times the other's; then one to one."""
    cheap, dear = market(1), market(1)
    dear["close"] *= 3
    dear.loc[60:, "volume"] = 1 / 3
    shares = basket.weights({"cheap": cheap, "dear": dear}, QUICK)["dear"].to_numpy()
    np.testing.assert_allclose(shares[23:60], 0.75, rtol=1e-9)
    np.testing.assert_allclose(shares[60 + 23 :], 0.5, rtol=1e-9)
    assert 0.5 < shares[70] < 0.75


def test_the_basket_is_the_weighted_mean_of_volatilities():
    frames = {"calm": market(1, sigma=0.001), "wild": market(2, sigma=0.02)}
    shares = basket.weights(frames, QUICK)
    own = {
        pair: close_to_close(frame["close"].to_numpy(), candles.times(frame), 4 * HOUR)
        for pair, frame in frames.items()
    }
    expected = sum(shares[pair] * own[pair] for pair in frames)
    found = basket.volatility(frames, QUICK)["basket_volatility"]
    np.testing.assert_allclose(found[30:], expected[30:], rtol=1e-6)


def test_pairs_that_hardly_trade_are_left_out():
    frames = {"A": market(1), "B": market(2), "dust": market(3, sigma=0.2, volume=0.001)}
    assert (basket.weights(frames, QUICK)["dust"][23:] == 0).all()
    counted = basket.weights(frames, configured(least_share=0.0))["dust"]
    assert (counted[23:] > 0).all()
    two = {"A": frames["A"], "B": frames["B"]}
    found, expected = basket.volatility(frames, QUICK), basket.volatility(two, QUICK)
    pd.testing.assert_frame_equal(found, expected)


def test_a_pair_without_a_candle_in_an_hour_does_not_count_then():
    one, other = market(1), market(2)
    shares = basket.weights({"A": one, "B": other.drop(index=50)}, QUICK)
    assert shares.iloc[50].tolist() == [1.0, 0.0]
    assert 0.3 < shares.iloc[51]["A"] < 0.7


def test_a_new_pair_counts_once_it_is_as_old_as_the_window_of_volume():
    late = market(2).iloc[40:]
    shares = basket.weights({"A": market(1), "late": late}, QUICK)["late"]
    assert (shares[23 : 40 + 23] == 0).all()
    assert (shares[40 + 23 :] > 0).all()


def test_candles_without_a_price_do_not_make_a_new_pair_older():
    late = market(2)
    late.loc[:39, "close"] = np.nan
    shares = basket.weights({"A": market(1), "late": late}, QUICK)["late"]
    assert (shares[23 : 40 + 23] == 0).all()
    assert (shares[40 + 23 :] > 0).all()


@pytest.mark.parametrize(("window", "volume"), [(4, 24), (48, 24), (24, 168)])
def test_the_basket_is_unknown_exactly_until_its_warmup(window, volume):
    chosen = configured(window_hours=window, volume_hours=volume)
    needed = basket.warmup(chosen, HOUR)
    frames = {"A": market(1, rows=needed + 5), "B": market(2, rows=needed + 5)}
    known = basket.volatility(frames, chosen)["basket_volatility"].notna()
    assert known.tolist() == [False] * (needed - 1) + [True] * 6


def test_where_no_pair_is_large_enough_the_basket_is_unknown():
    frames = {"A": market(1), "B": market(2)}
    chosen = configured(least_share=0.9)
    assert basket.volatility(frames, chosen).isna().all(axis=None)
    assert basket.weights(frames, chosen).isna().all(axis=None)


def test_where_nothing_trades_the_basket_is_unknown():
    assert basket.volatility({"A": market(1, volume=0.0)}, QUICK).isna().all(axis=None)


@pytest.mark.parametrize("frames", [{}, {"A": market(1, rows=0)}, {"A": market(1, rows=1)}])
def test_hardly_any_candles_are_unknown_and_no_error(frames):
    found = basket.volatility(frames, QUICK)
    assert len(found) == sum(map(len, frames.values()))
    assert found["basket_volatility"].isna().all()
    assert found["basket_volatility"].dtype == "float32"
    assert list(basket.weights(frames, QUICK)) == list(frames)


def test_candles_between_the_hours_are_an_error():
    frame = market(1)
    wrong = frame.assign(date=frame["date"] + pd.Timedelta("5min"))
    with pytest.raises(ValueError, match="not hourly candles"):
        basket.volatility({"A": frame, "B": wrong}, QUICK)


@pytest.mark.real
def test_the_basket_of_real_pairs_is_between_bitcoin_and_the_wildest(real_data):
    folder = real_data / "spot_5m_2022-08_2023-09" / "binance"
    frames = {path.name[:3]: pd.read_feather(path) for path in sorted(folder.glob("*-1h.feather"))}
    shares = basket.weights(frames, Settings()).dropna()
    assert len(frames) == 10
    assert shares.mean().idxmax() == "BTC"
    found = basket.volatility(frames, Settings())["basket_volatility"]
    bitcoin = basket.volatility({"BTC": frames["BTC"]}, Settings())["basket_volatility"]
    assert 1.0 < (found / bitcoin).median() < 1.5

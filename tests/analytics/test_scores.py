from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from gridkit.analytics import scores
from gridkit.settings import ConfluenceSettings, Settings
from gridkit.settings.market import ConfluencePeriods, ConfluenceWeights
from strategies import START, any_market

SHORTEST = ConfluencePeriods(averages=(2, 3, 4), smooth=4, oscillator=2, macd=(2, 3, 2), window=3)
GROUPS = ["trend", "momentum", "volume", "volatility", "crypto"]
FROM_CANDLES = [f"scores_{name}" for name in (*GROUPS[:4], "score")]


def quick(**changes: Any) -> Settings:
    periods = ConfluencePeriods(**{**SHORTEST.model_dump(), **changes})
    return Settings(confluence=ConfluenceSettings(periods=periods, funding_days=7))


QUICK = quick()
fewer = effort(max_examples=40)  # each example computes five groups
NEEDED = scores.warmup(QUICK, 300)


def random_market(rows: int, seed: int = 5, minutes: int = 5) -> pd.DataFrame:
    noise = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.004, rows)))
    return candles_of(close, noise.lognormal(2, 1, rows), minutes)


def candles_of(close: np.ndarray, volume: np.ndarray, minutes: int = 5) -> pd.DataFrame:
    opened = np.concatenate([close[:1], close[:-1]])
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta(minutes=minutes) * np.arange(len(close)),
            "open": opened,
            "high": np.maximum(opened, close) * 1.0005,
            "low": np.minimum(opened, close) * 0.9996,
            "close": close,
            "volume": volume,
        }
    )


def extras_for(frame: pd.DataFrame, seed: int = 9) -> scores.Extras:
    """Funding of ten days before the frame and through it, open interest, a profile."""
    noise = np.random.default_rng(seed)
    hours = START + pd.Timedelta("1h") * np.arange(-240, 60)
    funding = pd.Series(noise.normal(0, 1e-4, 300), index=hours)
    opened = START + pd.Timedelta("5min") * np.arange(400)
    held = pd.Series(1e5 * np.exp(np.cumsum(noise.normal(0, 0.01, 400))), index=opened)
    middle = frame["close"].median()
    profile = pd.DataFrame(
        {"profile_val": 0.99 * middle, "profile_poc": middle, "profile_vah": 1.01 * middle},
        index=frame.index,
    )
    return scores.Extras(funding, held, profile)


def check_equal(found: pd.DataFrame, expected: pd.DataFrame, atol: float = 1e-12) -> None:
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=atol)


# -- the contract of a module of analytics ----------------------------------------------------


@fewer
@given(market=any_market(least=2, most=140), cut=st.floats(0.0, 1.0), known=st.booleans())
def test_the_past_does_not_change_when_the_future_arrives(market, cut, known):
    now = round(cut * len(market))
    then, later = market.iloc[:now], market
    if known:
        extras = extras_for(market)
        profile = extras.profile
        cut_off = scores.Extras(extras.funding, extras.open_interest, profile.iloc[:now])
        check_equal(
            scores.compute(then, QUICK, cut_off), scores.compute(later, QUICK, extras).iloc[:now]
        )
    check_equal(scores.compute(then, QUICK), scores.compute(later, QUICK).iloc[:now])


def test_no_candle_changes_by_those_after_it():
    market = random_market(NEEDED + 40).drop(index=[3, NEEDED + 9]).reset_index(drop=True)
    later = scores.compute(market, QUICK)
    for now in range(1, len(market)):
        check_equal(scores.compute(market.iloc[:now], QUICK), later.iloc[:now])


def test_extras_that_become_known_later_change_nothing_before():
    market = random_market(NEEDED + 60)
    extras = extras_for(market)
    moment = market["date"].iloc[NEEDED + 30]
    early = scores.Extras(
        extras.funding[extras.funding.index <= moment],
        extras.open_interest[extras.open_interest.index <= moment],
        extras.profile,
    )
    then, later = (scores.compute(market, QUICK, one) for one in (early, extras))
    check_equal(then[: NEEDED + 30], later[: NEEDED + 30])
    assert not then.equals(later)


@fewer
@given(market=any_market(most=140))
def test_the_answer_is_new_columns_on_the_same_index_and_the_input_is_left_alone(market):
    market.index = market.index + 7
    before = market.copy(deep=True)
    columns = scores.compute(market, QUICK, extras_for(market))
    pd.testing.assert_frame_equal(market, before)
    assert columns.index.equals(market.index)
    assert list(columns) == [f"scores_{name}" for name in (*GROUPS, "score")]
    assert (columns.dtypes == "float32").all()


@fewer
@given(market=any_market(least=60, most=160))
def test_all_numbers_are_within_their_bounds_or_unknown(market):
    columns = scores.compute(market, QUICK, extras_for(market))
    assert (columns.isna() | (columns.abs() <= 1)).all(axis=None)
    assert columns[market["close"].isna()].isna().all(axis=None)


@pytest.mark.parametrize("rows", [0, 1, 2, 30])
def test_hardly_any_candles_are_unknown_and_no_error(rows):
    market = random_market(rows)
    columns = scores.compute(market, Settings(), extras_for(market))
    assert len(columns) == rows
    assert columns.isna().all(axis=None)


def test_candles_without_any_price_are_unknown_and_no_error():
    market = random_market(NEEDED + 5)
    market[["open", "high", "low", "close"]] = np.nan
    assert scores.compute(market, QUICK).isna().all(axis=None)


@pytest.mark.parametrize("settings", [QUICK, Settings()])
def test_all_that_candles_tell_is_unknown_exactly_until_the_warmup(settings):
    needed = scores.warmup(settings, 300)
    known = scores.compute(random_market(needed + 5), settings)[FROM_CANDLES].notna()
    assert (known.all(axis=1) == known.any(axis=1)).all()
    assert known["scores_score"].tolist() == [False] * (needed - 1) + [True] * 6


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 4 * 10),
        ({"averages": (2, 3, 90)}, 4 * 90),
        ({"smooth": 50}, 4 * 2 * 50),
        ({"oscillator": 30}, 4 * 2 * 30),
        ({"macd": (2, 40, 30)}, 4 * 70),
        ({"window": 60}, 4 * 60),
    ],
)
def test_the_warmup_is_four_times_the_longest_memory(changes, expected):
    assert scores.warmup(quick(**changes), 300) == scores.warmup(quick(**changes), 14_400)
    assert scores.warmup(quick(**changes), 300) == expected


def test_the_warmup_of_the_specified_windows_is_800_candles():
    assert scores.warmup(Settings(), 3_600) == 800


@pytest.mark.parametrize(
    "changes", [None, {}, {"smooth": 60}, {"macd": (10, 60, 60)}, {"oscillator": 80}]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_the_warmup_the_start_of_the_history_no_longer_shows(changes, seed):
    settings = Settings() if changes is None else quick(**changes)
    frame = random_market(3_000, seed)
    late = frame.iloc[3_000 - scores.warmup(settings, 300) :]
    now, always = (scores.compute(one, settings).iloc[-1] for one in (late, frame))
    np.testing.assert_allclose(now, always, atol=1e-3)


@fewer
@given(market=any_market(least=80, most=150, gaps=False))
def test_candles_without_prices_are_left_out_as_if_they_had_not_been(market):
    kept = market.dropna()
    check_equal(scores.compute(market, QUICK).loc[kept.index], scores.compute(kept, QUICK))


def test_a_candle_of_unknown_volume_is_left_out_too():
    market = random_market(NEEDED + 9)
    market.loc[NEEDED, "volume"] = np.nan
    found = scores.compute(market, QUICK)
    assert found.loc[NEEDED].isna().all()
    rest = market.drop(index=NEEDED)
    check_equal(found.loc[rest.index], scores.compute(rest, QUICK))


@pytest.mark.parametrize("wrong", [[1, 0], [0, 0]])
def test_candles_out_of_order_or_twice_are_an_error(wrong):
    with pytest.raises(ValueError, match="ascending"):
        scores.compute(random_market(3).iloc[wrong], QUICK)


# -- what the numbers mean --------------------------------------------------------------------


@fewer
@given(
    market=any_market(least=60, most=150),
    prices=st.sampled_from((1e-6, 0.37, 2.0, 1e5)),
    volumes=st.sampled_from((1e-6, 3.0, 1e9)),
)
def test_neither_a_factor_on_prices_nor_one_on_volumes_changes_a_score(market, prices, volumes):
    other = market.copy()
    other[["open", "high", "low", "close"]] *= prices
    other["volume"] *= volumes
    check_equal(scores.compute(other, QUICK), scores.compute(market, QUICK), atol=1e-6)


@fewer
@given(market=any_market(least=60, most=150))
def test_the_opposite_market_has_the_opposite_score(market):
    opposite = market.copy()
    opposite["close"], opposite["open"] = 1e4 / market["close"], 1e4 / market["open"]
    opposite["high"], opposite["low"] = 1e4 / market["low"], 1e4 / market["high"]
    check_equal(scores.compute(opposite, QUICK), -scores.compute(market, QUICK), atol=1e-6)


@pytest.mark.parametrize(("step", "sign"), [(0.002, 1), (-0.002, -1)])
def test_a_steady_rise_is_bullish_and_a_steady_fall_bearish_in_every_group(step, sign):
    noise = np.random.default_rng(4).normal(0, 0.002, 1_000)
    close = 100 * np.exp(np.cumsum(step + noise))
    columns = scores.compute(candles_of(close, np.ones(1_000)), Settings())
    assert (sign * columns[FROM_CANDLES].iloc[-200:].mean() > 0.3).all()


def test_a_price_that_never_moves_has_no_direction():
    market = candles_of(np.full(900, 50.0), np.ones(900))
    market[["high", "low"]] = 50.0
    columns = scores.compute(market, Settings()).iloc[799:]
    assert (columns[["scores_volume", "scores_score"]] == 0).all(axis=None)
    assert columns[["scores_trend", "scores_momentum", "scores_volatility"]].isna().all(axis=None)


def test_in_a_random_walk_the_score_favours_neither_side():
    found = scores.compute(random_market(60_000), Settings())["scores_score"]
    assert abs(found.mean()) < 0.03
    assert 0.25 < found.std() < 0.5


def test_the_score_is_the_mean_of_the_groups_by_their_weights():
    market = random_market(NEEDED + 50)
    columns = scores.compute(market, QUICK, extras_for(market)).dropna()
    assert len(columns) > 20
    weights = [0.30, 0.25, 0.20, 0.15, 0.10]
    expected = columns[[f"scores_{name}" for name in GROUPS]] @ weights
    np.testing.assert_allclose(columns["scores_score"], expected, atol=1e-6)


def test_without_extras_the_other_groups_share_their_weight():
    columns = scores.compute(random_market(NEEDED + 50), QUICK).iloc[NEEDED:]
    assert columns["scores_crypto"].isna().all()
    expected = columns[[f"scores_{name}" for name in GROUPS[:4]]] @ [0.30, 0.25, 0.20, 0.15] / 0.9
    np.testing.assert_allclose(columns["scores_score"], expected, atol=1e-6)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_that_has_all_the_weight_is_the_score(group):
    shares = {name: float(name == group) for name in GROUPS}
    confluence = QUICK.confluence.model_copy(update={"weights": ConfluenceWeights(**shares)})
    market = random_market(NEEDED + 50)
    columns = scores.compute(
        market, QUICK.model_copy(update={"confluence": confluence}), extras_for(market)
    )
    assert columns[f"scores_{group}"].notna().any()
    pd.testing.assert_series_equal(
        columns["scores_score"], columns[f"scores_{group}"], check_names=False
    )


def moved_by(before: Mapping[str, pd.Series], after: Mapping[str, pd.Series]) -> set[str]:
    return {name for name in GROUPS if not before[f"scores_{name}"].equals(after[f"scores_{name}"])}


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"averages": (3, 4, 5)}, {"trend", "momentum", "volume", "crypto"}),
        ({"smooth": 9}, {"trend"}),
        ({"oscillator": 5}, {"momentum", "volatility"}),
        ({"macd": (3, 5, 4)}, {"momentum"}),
        ({"window": 6}, {"volume", "volatility", "crypto"}),
    ],
)
def test_each_window_changes_its_groups_and_no_others(changes, moved):
    market = random_market(200)
    extras = extras_for(market)
    before, after = (
        scores.compute(market, one, extras).iloc[100:] for one in (QUICK, quick(**changes))
    )
    assert moved_by(before, after) == moved


@pytest.mark.parametrize("missing", ["funding", "open_interest", "profile"])
def test_each_extra_changes_its_group(missing):
    market = random_market(NEEDED + 200)
    extras = extras_for(market)
    given_all = {name: getattr(extras, name) for name in extras.__slots__}
    fewer = scores.Extras(**{**given_all, missing: None})
    before, after = (scores.compute(market, QUICK, one) for one in (extras, fewer))
    assert moved_by(before, after) == {"volume" if missing == "profile" else "crypto"}

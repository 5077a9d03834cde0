"""The columns of a pair's frame: what they hold, by whom they are switched on, no look-ahead."""

import numpy as np
import pandas as pd
import pytest

from backtests.runs import QUICK, QUICK_REGIME, UNGATED, disagreements, run, until
from gridkit.analytics import profile
from gridkit.settings import Settings
from host import analysed
from host.analysed import EVERYTHING, everything, frames_of, known_until, ours
from host.twin import expected_at, seen_codes, settled_codes

pytestmark = pytest.mark.slow

BEGIN = "20251210"
RANGE = f"{BEGIN}-20251214"
MOMENTS = [pd.Timestamp(one, tz="UTC") for one in ("2025-12-11 10:35", "2025-12-13 08:00")]
SPOILT = [pd.Timestamp(one, tz="UTC") for one in ("2025-12-09", "2025-12-10 12:00")]
FIVE_MINUTES = pd.Timedelta("5min")
MOST_COLUMNS = 50


@pytest.fixture(params=["rich_spot", "rich_futures"])
def rich(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def known():
    return {}


@pytest.fixture
def whole(rich, known, tmp_path):
    """The frames of a market with everything switched on, analysed once."""
    if rich.datadir not in known:
        known[rich.datadir] = frames_of(tmp_path, rich, everything(rich), timerange=RANGE)
    return known[rich.datadir]


# -- no look-ahead ----------------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS, ids=["within an hour", "at a whole hour"])
@pytest.mark.parametrize("change", [analysed.cut, analysed.wild], ids=["cut", "changed"])
def test_nothing_in_a_frame_depends_on_what_came_to_be_known_later(
    rich, whole, tmp_path, change, moment
):
    """All pairs, timeframes, trades, funding and the index, cut or changed after the moment."""
    market = known_until(rich, tmp_path / "data", moment, change)
    settings = everything(market)
    frames = frames_of(tmp_path, market, settings, timerange=f"{BEGIN}-")
    for pair, frame in frames.items():
        then = frame[frame["date"] + FIVE_MINUTES <= moment]
        before = whole[pair][whole[pair]["date"].isin(then["date"])].reset_index(drop=True)
        assert len(before) == len(then) > 288
        pd.testing.assert_frame_equal(before, then, rtol=1e-9, atol=1e-12)


def only(market, kind):
    """Change the tables of one kind alone, a little before the end of what is compared."""
    names = {
        "others": lambda path: path.stem.startswith("SOL") and "-1h" in path.stem,
        "hours": lambda path: path.stem.startswith("ETH") and "-1h" in path.stem,
        "coarse": lambda path: path.stem.startswith("ETH") and "-4h" in path.stem,
        "trades": lambda path: path.stem.startswith("ETH") and "trades" in path.stem,
    }
    return names[kind]


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("others", {"volatility_basket", "stress_factor"}),
        ("hours", {"volatility_garch", "regime_adx", "thresholds_percentile", "confluence_score"}),
        ("coarse", {"confluence_score"}),
        ("trades", {"orderflow_delta", "orderflow_whale"}),
    ],
)
def test_what_was_known_before_does_show(rich_spot, tmp_path, known, kind, columns):
    """Or the test above would show nothing."""
    if rich_spot.datadir not in known:
        known[rich_spot.datadir] = frames_of(
            tmp_path, rich_spot, everything(rich_spot), timerange=RANGE
        )
    chosen = only(rich_spot, kind)
    target = tmp_path / "data"
    for path in sorted(rich_spot.datadir.rglob("*")):
        into = target / path.relative_to(rich_spot.datadir)
        into.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".feather" or not chosen(path):
            into.write_bytes(path.read_bytes())
            continue
        frame = pd.read_feather(path)
        day = analysed.known_from(frame, path.stem).between(*SPOILT)
        analysed.wild(frame, day).to_feather(into)
    market = analysed.replaced(rich_spot, target)
    frames = frames_of(tmp_path, market, everything(market), timerange=RANGE)
    first, second = known[rich_spot.datadir]["ETH/USDT"], frames["ETH/USDT"]
    different = {name for name in ours(first) if not first[name].equals(second[name])}
    assert columns <= different


# -- each column is what its module says ------------------------------------------------------


@pytest.mark.parametrize("moment", ["2025-12-10 14:35", "2025-12-12 00:00", "2025-12-13 19:55"])
def test_every_column_is_what_its_module_says_of_what_was_known(rich, whole, moment):
    moment = pd.Timestamp(moment, tz="UTC")
    settings = Settings.from_config({"gridkit": everything(rich)})
    first = next(iter(whole.values()))["date"].iloc[0]
    begin = pd.Timestamp(BEGIN, tz="UTC")
    startup = (begin - first) // FIVE_MINUTES
    lengths = {"5m": 5, "15m": 15, "1h": 60, "4h": 240, "8h": 480}
    starts = {name: begin - startup * pd.Timedelta(f"{one}min") for name, one in lengths.items()}
    for pair, frame in whole.items():
        expected = expected_at(rich, pair, moment, frame, settings, starts)
        row = frame[frame["date"] + FIVE_MINUTES == moment].iloc[-1]
        assert set(expected) == set(ours(frame))
        found = {name: float(row[name]) for name in expected}
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-9, nan_ok=True)
        unknown = {name for name, value in expected.items() if np.isnan(value)}
        seldom = {"orderflow_vwap_deviation", "shocks_value"}
        assert unknown <= seldom | {"profile_node_above", "profile_node_below"}


def test_a_profile_of_coarser_candles_is_seen_once_each_has_closed(rich_spot, tmp_path):
    """Thirty days of 5m candles are more than the exchange gives, those of 15m are not."""
    asked = {**UNGATED, "profile": {"enabled": True, "days": 30}}
    frame = frames_of(tmp_path, rich_spot, asked, timerange=RANGE)["ETH/USDT"]
    coarse = pd.read_feather(analysed.candles_file(rich_spot, "ETH/USDT", "15m"))
    coarse = coarse[coarse["date"] >= pd.Timestamp(BEGIN, tz="UTC") - pd.Timedelta("30D")]
    made = profile.compute(coarse, Settings.from_config({"gridkit": asked}))
    made.index = coarse["date"] + pd.Timedelta("15min")
    closes = frame["date"] + FIVE_MINUTES
    expected = made.reindex(closes, method="ffill").reset_index(drop=True)
    assert expected["profile_poc"].iloc[-600:].notna().all()
    found = frame[list(made.columns)]
    pd.testing.assert_frame_equal(found.iloc[-600:], expected.iloc[-600:], check_dtype=False)
    assert expected.iloc[-600:].nunique().max() > 3, "or nothing is shown"


@pytest.mark.parametrize("minutes", [0, 15, 60])
def test_a_regime_counts_once_it_was_the_same_for_so_long(rich_spot, tmp_path, minutes):
    asked = {**QUICK, "regime": {**QUICK_REGIME, "stable_minutes": minutes}}
    frame = frames_of(tmp_path, rich_spot, asked, timerange=RANGE)["ETH/USDT"]
    begin = pd.Timestamp(BEGIN, tz="UTC")
    startup = (begin - frame["date"].iloc[0]) // FIVE_MINUTES
    hours = pd.read_feather(analysed.candles_file(rich_spot, "ETH/USDT", "1h"))
    hours = hours[hours["date"] >= begin - startup * pd.Timedelta("1h")]
    seen = seen_codes(hours, frame, Settings.from_config({"gridkit": asked}))
    expected = settled_codes(seen, minutes)
    assert frame["regime_code"].tolist() == expected
    assert (seen.tolist() != expected) == (minutes > 0), "or nothing is shown"


# -- switches ---------------------------------------------------------------------------------

VOLATILITY = {"volatility_realised", "volatility_forecast", "volatility_class", "volatility_daily"}
NONE = {
    "volatility": {"method": "realised"}, "regime": {"enabled": False},
    "spacing": {"method": "volatility"},
    "profile": None, "confluence": None, "thresholds": None, "orderflow": None,
    "breakers": {"market": False},
}  # fmt: skip
# A module, the sections that switch it on, and its columns.
COMPOSITE = {"method": "composite", "basket": {"enabled": False}, "garch": {"enabled": False}}
MODULES = {
    "garch": (
        {"volatility": {**COMPOSITE, "garch": EVERYTHING["volatility"]["garch"]}},
        {"volatility_garch"},
    ),
    "basket": ({"volatility": {**COMPOSITE, "basket": {}}}, {"volatility_basket"}),
    "regime": (
        {"regime": {**QUICK_REGIME, "enabled": True}},
        {"regime_code", "regime_adx", "regime_side", "regime_distance"},
    ),
    "smoothing": ({"spacing": {"method": "micro"}}, {"volatility_smooth"}),
    "stress": (
        {"spacing": EVERYTHING["spacing"]},
        {"stress_factor", "stress_gap_factor"},
    ),
    "shocks": (
        {"breakers": {"market": True}},
        {"shocks_kind", "shocks_value"},
    ),
    "profile": (
        {"profile": EVERYTHING["profile"]},
        {f"profile_{name}" for name in ("poc", "vah", "val", "node_above", "node_below", "bias",
                                        "low_volume", "near")},
    ),
    "confluence": (
        {"confluence": EVERYTHING["confluence"]},
        {f"confluence_{name}" for name in ("score", "confidence", "direction", "excluded")},
    ),
    "thresholds": (
        {"thresholds": EVERYTHING["thresholds"]},
        {"thresholds_percentile", "thresholds_multiplier"},
    ),
    "orderflow": (
        {"orderflow": EVERYTHING["orderflow"]},
        {f"orderflow_{name}" for name in ("delta", "trades", "buy_pressure", "cvd", "imbalance",
                                          "vwap_deviation", "whale")},
    ),
}  # fmt: skip

each_module = pytest.mark.parametrize("module", list(MODULES))


def columns_with(folder, market, *modules):
    settings = dict(NONE)
    for module in modules:
        for section, values in MODULES[module][0].items():
            settings[section] = analysed.merged(settings[section] or {}, values)
    asked = {name: one for name, one in settings.items() if one is not None}
    frames = frames_of(folder, market, asked, timerange="20251212-20251214")
    return ours(next(iter(frames.values())))


def test_with_nothing_switched_on_there_is_the_volatility_alone(rich_spot, tmp_path):
    assert set(columns_with(tmp_path, rich_spot)) == VOLATILITY


@each_module
def test_each_module_alone_adds_exactly_its_columns(rich_spot, tmp_path, module):
    columns = columns_with(tmp_path, rich_spot, module)
    assert len(columns) == len(set(columns))
    assert set(columns) - VOLATILITY == MODULES[module][1]


def test_everything_together_has_the_columns_of_each_once_and_no_more_than_fifty(whole):
    expected = VOLATILITY.union({"volatility_implied"}, *(own for _, own in MODULES.values()))
    expected.remove("volatility_smooth")  # of another grid than the one that heeds stress
    for frame in whole.values():
        assert set(ours(frame)) == expected
        assert frame.columns.is_unique
        assert len(frame.columns) <= MOST_COLUMNS, "freqtrade's own ones included"


PRICES = {f"profile_{name}" for name in ("poc", "vah", "val", "node_above", "node_below")}
# Prices, sums that must add up, what a gap is made from, and 0.7, which no float32 is.
EXACT = PRICES | {
    "orderflow_delta", "orderflow_cvd", "volatility_daily", "confluence_confidence",
}  # fmt: skip
CODES = {
    "regime_code", "volatility_class", "shocks_kind", "confluence_direction", "confluence_excluded",
    "profile_bias", "profile_low_volume", "profile_near",
}  # fmt: skip


def test_columns_are_as_small_as_their_numbers_allow(whole):
    for frame in whole.values():
        types = {name: str(frame[name].dtype) for name in ours(frame)}
        assert {name for name, one in types.items() if one == "int8"} == CODES
        assert {name for name, one in types.items() if one == "float64"} <= EXACT
        assert set(types.values()) == {"int8", "float32", "float64"}


def test_no_number_is_infinite_and_all_are_known_in_the_end(whole):
    for frame in whole.values():
        assert not np.isinf(frame[ours(frame)].to_numpy("float64")).any()
        late = frame.iloc[-288:][ours(frame)]
        seldom = {"profile_node_above", "profile_node_below", "shocks_value"}
        assert {name for name in late if late[name].isna().any()} <= seldom


# -- what is drawn ----------------------------------------------------------------------------


def drawn(config):
    plots = [config["main_plot"], *config["subplots"].values()]
    return {name for plot in plots for name in plot}


@pytest.mark.parametrize("modules", [(), *((one,) for one in MODULES), tuple(MODULES)])
def test_the_chart_names_only_columns_that_are_there(rich_spot, tmp_path, modules):
    settings = dict(NONE)
    for module in modules:
        for section, values in MODULES[module][0].items():
            settings[section] = analysed.merged(settings[section] or {}, values)
    asked = {name: one for name, one in settings.items() if one is not None}
    with analysed.loaded(tmp_path, rich_spot, asked, timerange="20251212-20251214") as recording:
        config = recording.strategy.plot_config
        frame = analysed.analysed(recording)["ETH/USDT"]
    assert {"volatility_forecast", "volatility_realised"} <= drawn(config) <= set(ours(frame))


# -- and the orders they lead to --------------------------------------------------------------


def trading(market):
    """Everything on, and lines that are filled often."""
    return everything(market, spacing={"method": "volatility", "volatility_factor": 0.2})


@pytest.mark.parametrize("settings_of", [everything, trading], ids=["by regime", "by volatility"])
def test_orders_up_to_a_cut_are_those_of_a_backtest_whose_data_ends_there(
    rich_spot, tmp_path, settings_of
):
    run_whole = run(tmp_path, rich_spot, settings_of(rich_spot), timerange=RANGE)
    assert len(run_whole.placed) >= 30
    for number, moment in enumerate(MOMENTS):
        market = known_until(
            rich_spot, tmp_path / f"data{number}", moment + 2 * FIVE_MINUTES, analysed.cut
        )
        part = run(tmp_path, market, settings_of(market), timerange=f"{BEGIN}-")
        now = moment.to_pydatetime()
        assert until(part, now)
        assert disagreements(run_whole, part, now) == []

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from gridkit import candles
from studies import analytics, correlation, regime, scoring, stress, thresholds
from studies.analytics import STUDIES, main, picture_name
from studies.document import figures, renewed
from studies.estimators import REAL
from studies.simulation import ANNUAL, walk
from studies.tables import Table, number, percent, table

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "analytics.md"
PICTURES = ROOT / "docs" / "pictures"
HOURS = 1_700
SPOT = "spot_5m_2022-08_2023-09/binance"

QUICK = ("basket", "profile", "regime", "confluence", "thresholds", "orderflow", "correlation")

each_study = pytest.mark.parametrize("name", STUDIES)


# -- the document -----------------------------------------------------------------------------


@each_study
def test_every_study_has_its_command_its_figures_and_its_picture_in_the_document(name: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    command = f"python -m studies.analytics --data DATA --module {name}\n"
    figures_of = re.search(f"<!-- figures: {name} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert text.count(command) == 1
    assert figures_of
    assert "| --- |" in figures_of[1]
    assert f"](pictures/{picture_name(name)})" in text


@each_study
def test_every_picture_is_1200_wide_and_small(name: str) -> None:
    path = PICTURES / picture_name(name)
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert picture.width == 1_200


@pytest.mark.real
@pytest.mark.parametrize("name", QUICK)
def test_the_document_has_what_the_study_measures(real_data: Path, name: str) -> None:
    measured = figures(STUDIES[name].tables(real_data))
    assert measured in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.real
def test_a_picture_of_real_candles_is_the_one_in_the_document(real_data: Path, tmp_path) -> None:
    assert main(["--data", str(real_data), "--module", "books", "--pictures", str(tmp_path)]) == 0
    drawn, kept = (
        np.asarray(Image.open(folder / picture_name("books")).convert("RGB"), "float64")
        for folder in (tmp_path, PICTURES)
    )
    assert drawn.shape == kept.shape
    assert np.abs(drawn - kept).mean() < 5  # another machine has other fonts


def test_figures_are_renewed_between_their_marks_and_nowhere_else() -> None:
    before = "a\n<!-- figures: x -->\nold\n<!-- end -->\nb\n<!-- figures: y -->\n<!-- end -->\n"
    after = renewed(before, "x", "| new \\1 |")
    assert after == before.replace("old", "\n| new \\1 |\n", 1)
    assert renewed(after, "x", "| new \\1 |") == after
    with pytest.raises(ValueError, match="no place for the figures of z"):
        renewed(before, "z", "new")


# -- data that is not there -------------------------------------------------------------------


def test_a_missing_folder_is_one_line_and_status_2(tmp_path: Path, capsys) -> None:
    assert main(["--data", str(tmp_path / "nowhere")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"studies.analytics: no folder {tmp_path / 'nowhere'}\n"


@each_study
def test_a_folder_without_the_data_is_one_line_and_status_2(tmp_path, capsys, name: str) -> None:
    assert main(["--data", str(tmp_path), "--module", name]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert str(tmp_path) in told.err


# -- a small market ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hours of two coins that move as one and of one that does not, as freqtrade stores them."""
    data = tmp_path_factory.mktemp("data")
    folder = data / SPOT
    folder.mkdir(parents=True)
    hours = walk(3_600, 20, HOURS)
    mirrored = 1 / hours[["open", "high", "low", "close"]]
    mirrored = mirrored.rename(columns={"high": "low", "low": "high"})
    other = hours.assign(**mirrored)
    for coin, frame in {"BTC": hours, "ETH": hours, "XRP": other}.items():
        frame.to_feather(folder / f"{coin}_USDT-1h.feather")
    return data


def rows(found: Table) -> dict[str, dict[str, str]]:
    return {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.rows}


def test_thresholds_of_a_small_market_are_measured(small: Path) -> None:
    found = rows(thresholds.tables(small)[0])
    assert list(found) == ["BTC spot 2022-23", "ETH spot 2022-23", "XRP spot 2022-23"]
    row = found["BTC spot 2022-23"]
    assert row["hours"] == f"{HOURS - 24 - 720 + 1:,}"
    assert 0.7 <= float(row["5%"]) <= float(row["50%"]) <= float(row["95%"]) <= 1.5


def test_shares_of_regimes_add_up_to_all_hours(small: Path) -> None:
    found = rows(regime._shares(small))
    kinds = [kind.name.lower().replace("_", " ") for kind in regime.Regime]
    for row in found.values():
        assert sum(float(row[kind].rstrip(" %")) for kind in kinds) == pytest.approx(100, abs=0.5)


def test_a_coin_and_its_mirror_image_are_perfectly_anticorrelated(small: Path) -> None:
    found = rows(correlation._matrix(small))
    assert found["BTC"]["ETH"] == "1.00"
    assert found["BTC"]["XRP"] == found["ETH"]["XRP"] == "-1.00"


def test_stress_on_spot_knows_no_funding(small: Path) -> None:
    found = stress.measured(stress.window(small, "spot 2022-23"), "BTC")
    assert found["funding"].isna().all()
    assert found["factor"].dropna().between(1, 2).all()
    assert len(found["factor"].dropna()) > 900


def test_the_studies_print_markdown_and_renew_a_document(small: Path, tmp_path, capsys) -> None:
    document = tmp_path / "figures.md"
    document.write_text("<!-- figures: thresholds -->\n<!-- end -->\n", encoding="utf-8")
    arguments = ["--data", str(small), "--module", "thresholds", "--docs", str(document)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("## thresholds\n\n**The multiplier")
    found = figures(thresholds.tables(small))
    assert found in printed
    assert found in document.read_text(encoding="utf-8")


def test_what_a_study_is_called_is_a_module_of_its_name() -> None:
    assert {name: study.__name__ for name, study in STUDIES.items()} == {
        name: f"studies.{name}" for name in STUDIES
    }
    assert analytics.MISSING == 2
    assert len({tuple(each) for each in REAL}) == len(REAL)


# -- how things are judged --------------------------------------------------------------------


def test_a_perfect_forecast_has_no_error_and_one_half_as_high_the_known_qlike() -> None:
    truth = np.array([0.2, 0.4, 0.8])
    every = np.ones(3, dtype=bool)
    perfect, half = scoring.quality(truth, truth, every), scoring.quality(truth / 2, truth, every)
    assert (perfect.qlike, perfect.rmse, perfect.bias) == (0.0, 0.0, 0.0)
    assert half.qlike == pytest.approx(4 - np.log(4) - 1)
    assert half.bias == pytest.approx(-truth.mean() / 2)
    assert half.correlation == pytest.approx(1.0)
    assert half.hours == 3


def test_what_is_explained_is_scipys_r_squared_of_what_both_know() -> None:
    noise = np.random.default_rng(1)
    cause = noise.normal(size=50)
    effect = cause + noise.normal(size=50)
    expected = stats.linregress(cause[5:], effect[5:]).rvalue ** 2
    cause[:5] = np.nan
    assert scoring.explained(cause, effect) == pytest.approx(expected)
    assert np.isnan(scoring.explained(np.ones(50), effect))


def test_a_forward_return_is_that_of_the_steps_to_come() -> None:
    found = scoring.forward(np.array([1.0, 2.0, 4.0, 2.0]), 2)
    np.testing.assert_allclose(found, [np.log(4), 0.0, np.nan, np.nan])


def test_outcomes_count_a_moment_once_however_many_coins() -> None:
    hours = pd.date_range("2024-01-01", periods=6, freq="1h", tz="UTC")
    one = pd.DataFrame({"date": hours, "state": [1, 1, 1, 1, 0, 1], "forward": np.arange(6.0) - 1})
    both = pd.concat([one, one.assign(forward=one["forward"] + 2)])
    (found,) = scoring.outcomes(both, [1], 7_200)
    means = np.array([0.0, 2.0])  # at 00:00 and 02:00; 04:00 has another state
    assert found.share == pytest.approx(10 / 12)
    assert found.mean == pytest.approx(both.loc[both["state"] == 1, "forward"].mean())
    assert found.rises == pytest.approx(0.8)
    assert found.t == pytest.approx(means.mean() / (means.std(ddof=1) / 2**0.5))


def test_a_simulated_walk_has_the_volatility_it_says() -> None:
    frame = walk(3_600, 10, 5_000)
    candles.check(frame)
    returns = np.log(frame["close"]).diff()
    assert returns.std() * np.sqrt(365 * 24) == pytest.approx(ANNUAL, rel=0.03)
    assert (frame["low"] <= frame[["open", "close"]].min(axis=1)).all()
    assert (frame["high"] >= frame[["open", "close"]].max(axis=1)).all()


def test_a_table_is_markdown_and_what_is_unknown_a_dash() -> None:
    found = table("Title", ["what", "value"], [["a", number(1_234.5)], ["b", percent(np.nan)]])
    assert found.markdown() == (
        "**Title**\n\n| what | value |\n| --- | ---: |\n| a | 1,234.50 |\n| b | - |"
    )

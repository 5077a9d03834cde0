"""`gridkit models features`: the list, and the count of what a learner is shown."""

import json

import pytest

from gridkit import cli
from gridkit.models import matrix
from gridkit.prediction import context, features
from models.simulated import SETTINGS, longer, market


@pytest.fixture
def told(capsys):
    def told(*words):
        status = cli.main(["models", "features", *map(str, words)])
        return status, *capsys.readouterr()

    return told


def test_each_feature_stands_with_its_family_and_meaning_and_the_count_below(told):
    status, printed, complained = told()
    assert (status, complained) == (0, "")
    for one in (*features.FEATURES, *context.FEATURES):
        assert f"│ {one.name:<21} │ {one.family:<11} │ {one.meaning} " in printed
    assert printed.endswith(
        "54 columns: 17 features x 3 timeframes (5m, 15m, 1h) + 3 of the time\n"
        "and in a strategy up to 9 of its modules, where these are on: profile, regime, "
        "confluence, orderflow, funding, correlation\n"
    )


def test_the_count_follows_timeframes_and_correlated_pairs(told):
    printed = told("--timeframes", "15m", "4h", "--correlated", "BTC/USDT", "ETH/USDT")[1]
    assert (
        "156 columns: 17 features x 3 timeframes (5m, 15m, 4h) x 3 pairs (BTC/USDT, ETH/USDT "
        "beside a pair itself) + 3 of the time"
    ) in printed


def test_json_names_the_columns_as_a_comparison_makes_them(told):
    found = json.loads(told("--timeframes", "5m", "15m", "--json")[1])
    base = market(days=1)
    made = matrix.compute({"5m": base, "15m": longer(base, "15m")}, SETTINGS)
    assert found["columns"] == list(made)
    assert found["count"] == len(made.columns) == 37
    assert found["modules"] == [one._asdict() for one in context.FEATURES]
    assert found["features"][0] == features.FEATURES[0]._asdict()
    assert found["timeframes"] == ["5m", "15m"]


def test_families_and_timeframes_of_the_configuration_are_heeded(told, tmp_path):
    path = tmp_path / "config.json"
    config = {
        "timeframe": "15m",
        "gridkit": {"prediction": {"families": ["trend", "time"]}},
        "freqai": {"feature_parameters": {"include_timeframes": ["15m", "4h"]}},
    }
    path.write_text(json.dumps(config))
    found = json.loads(told("-c", path, "--json")[1])
    assert found["count"] == 3 * 2 + 3
    assert {one["family"] for one in found["features"]} == {"trend", "time"}
    assert found["modules"] == []


def test_what_is_wrong_is_named_in_one_line(told):
    status, printed, complained = told("--timeframes", "1y")
    assert (status, printed) == (2, "")
    assert complained.startswith("gridkit models features: --timeframes: '1y' is no timeframe")

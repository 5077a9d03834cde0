"""The folder of models: another one for whatever predictions depend on, the same for all else."""

import gc
import os
import re
from copy import deepcopy
from pathlib import Path

import pytest
from freqtrade.enums import RunMode

from gridkit.host.prediction import identifier
from gridkit.settings import Settings
from host.analysed import merged
from host.prediction.tiny import PROFILE

NAME = re.compile(r"gridkit-[0-9a-f]{10}")
HOME = Path("/srv/of/the/bot")
BASE = {
    **PROFILE,
    "runmode": RunMode.BACKTEST,
    "exchange": {"name": "binance", "pair_whitelist": ["BTC/USDT", "ETH/USDT"]},
    "user_data_dir": HOME,
    "datadir": HOME / "data" / "binance",
    "trading_mode": "spot",
    "gridkit": {},
}
LIVE = {"runmode": RunMode.DRY_RUN}


class Strategy:
    """Something that can be forgotten."""


def hashed(config, timeframe="5m"):
    return identifier.digest(config, Settings.from_config(config), timeframe)


def with_settings(**sections):
    return {"gridkit": sections}


def of_freqai(**section):
    return {"freqai": section}


def settled(config, timeframe="5m", strategy=None):
    identifier.settle(strategy or Strategy(), config, Settings.from_config(config), timeframe)
    return config["freqai"]["identifier"]


# -- what matters ---------------------------------------------------------------------------------

OTHERS = {
    "learner": with_settings(prediction={"learner": "xgboost"}),
    "horizons": with_settings(prediction={"horizons": ["15m", "4h"]}),
    "families": with_settings(prediction={"families": ["price", "trend"]}),
    "seed": with_settings(prediction={"seed": 2}),
    "calibration": with_settings(prediction={"calibration": "isotonic"}),
    "members": with_settings(prediction={"members": 4}),
    "embargo": with_settings(prediction={"embargo_minutes": 60}),
    "days of drift": with_settings(prediction={"drift": {"days": 3}}),
    "index of drift": with_settings(prediction={"drift": {"most_index": 2}}),
    "no drift": with_settings(prediction={"drift": {"enabled": False}}),
    "fee of ours": with_settings(costs={"fee": 0.0004}),
    "half a spread": with_settings(costs={"half_spread": 0.001}),
    "fee": {"fee": 0.0004},
    "periods": with_settings(confluence={"periods": {"window": 30}}),
    "a module that features are made of": with_settings(confluence={"enabled": True}),
    "its settings": with_settings(regime={"adx_period": 20}),
    "correlation": with_settings(correlation={"window_days": 20}),
    "profile": with_settings(profile={"bin_width": 0.002}),
    "order flow": with_settings(orderflow={"lookback_candles": 30}),
    "train days": of_freqai(train_period_days=30),
    "timeframes": of_freqai(feature_parameters={"include_timeframes": ["5m", "4h"]}),
    "other pairs": of_freqai(feature_parameters={"include_corr_pairlist": ["BTC/USDT"]}),
    "outliers": of_freqai(feature_parameters={"DI_threshold": 0.9}),
    "split": of_freqai(data_split_parameters={"test_size": 0.3}),
    "model parameters": of_freqai(model_training_parameters={"n_estimators": 50}),
    "continual learning": of_freqai(continual_learning=True),
    "exchange": {"exchange": {"name": "kraken"}},
    "futures": {"trading_mode": "futures"},
    "pairs, of which correlation is a feature": {"exchange": {"pair_whitelist": ["BTC/USDT"]}},
    "candles": {"datadir": HOME / "data" / "sandbox" / "steady-7"},
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_what_predictions_depend_on_gives_another_folder(change):
    assert hashed(merged(BASE, change)) != hashed(BASE)


def test_so_do_the_strategys_timeframe_and_the_format_of_what_is_made(monkeypatch):
    usual = hashed(BASE)
    assert hashed(BASE, "15m") != usual
    monkeypatch.setattr(identifier, "FORMAT", identifier.FORMAT + 1)
    assert hashed(BASE) != usual


def test_spot_and_futures_are_told_apart_where_funding_is_no_feature_too():
    alone = merged(BASE, with_settings(prediction={"families": ["price"]}))
    assert hashed({**alone, "trading_mode": "futures"}) != hashed(alone)


def test_no_two_of_them_have_the_same():
    found = [hashed(merged(BASE, change)) for change in OTHERS.values()]
    assert len(set(found)) == len(found)


# -- what does not --------------------------------------------------------------------------------

SAME = {
    "heeding": with_settings(prediction={"enabled": False, "raises": 0.8, "blocks": 0.2}),
    "bonus": with_settings(prediction={"bonus": 0.3}),
    "gate": with_settings(prediction={"gate": {"least_outcomes": 30, "max_age_hours": 24}}),
    "main horizon": with_settings(prediction={"main_horizon": "1h"}),
    "share that may drift": with_settings(prediction={"drift": {"most_drifted": 0.2}}),
    "budget": with_settings(prediction={"retrain_budget": 0.5}),
    "grid": with_settings(grid={"levels": 4}, spacing={"method": "fixed"}),
    "volatility": with_settings(volatility={"method": "realised"}),
    "entries": with_settings(entries={"threshold": 0.5}),
    "how often": of_freqai(live_retrain_hours=1, expiration_hours=5, backtest_period_days=3),
    "what is kept": of_freqai(purge_old_models=5, save_backtest_models=True),
    "threads": of_freqai(data_kitchen_thread_count=2),
    "metrics": of_freqai(write_metrics_to_disk=True, activate_tensorboard=True),
    "reload": of_freqai(wait_for_training_iteration_on_reload=False),
    "days traded": {"timerange": "20250101-20250201"},
    "account": {"dry_run_wallet": 5_000, "max_open_trades": 9, "stake_amount": 20},
    "order of pairs": {"exchange": {"pair_whitelist": ["ETH/USDT", "BTC/USDT"]}},
    "keys": {"exchange": {"key": "k", "secret": "s"}},
    "home": {"user_data_dir": Path("/moved"), "datadir": Path("/moved/data/binance")},
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_changes_no_prediction_leaves_the_folder(change):
    assert hashed(merged(BASE, change)) == hashed(BASE)


def test_volatility_matters_where_the_regime_is_made_of_it():
    composite = merged(BASE, with_settings(regime={"method": "composite"}))
    other = with_settings(volatility={"window_hours": 8})
    assert hashed(merged(composite, other)) != hashed(composite)
    assert hashed(merged(BASE, other)) == hashed(BASE)


def test_pairs_do_not_matter_where_no_feature_is_made_of_all_of_them():
    alone = merged(BASE, with_settings(prediction={"families": ["price"]}))
    assert hashed(merged(alone, OTHERS["pairs, of which correlation is a feature"])) == hashed(
        alone
    )


@pytest.mark.parametrize("mode", [LIVE, {"runmode": RunMode.LIVE}])
@pytest.mark.parametrize("name", ["pairs, of which correlation is a feature", "candles"])
def test_a_bot_that_trades_keeps_its_models_when_a_pair_comes_or_candles_move(mode, name):
    live = merged(BASE, mode)
    assert hashed(merged(live, OTHERS[name])) == hashed(live)


def test_a_backtest_of_what_was_predicted_live_finds_the_folder():
    of_live = {"freqai_backtest_live_models": True, "datadir": Path("/elsewhere")}
    assert hashed(merged(BASE, of_live)) == hashed(merged(BASE, LIVE))


def test_candles_outside_the_home_are_told_by_their_whole_path():
    first, second = (hashed({**BASE, "datadir": Path(one)}) for one in ("/a/data", "/b/data"))
    assert first != second


# -- the name -------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["gridkit", "my own", "2025-run1", "a-b-c"])
def test_the_name_that_is_given_is_kept_and_settling_again_changes_nothing(given):
    config = merged(BASE, of_freqai(identifier=given))
    first = settled(config)
    assert first == f"{given}-{hashed(BASE)}"
    assert settled(config) == first


def test_a_name_settled_before_gets_the_hash_of_what_is_so_now():
    config = deepcopy(BASE)
    first = settled(config)
    config["gridkit"] = {"prediction": {"seed": 2}}
    second = settled(config)
    assert NAME.fullmatch(first)
    assert NAME.fullmatch(second)
    assert first != second


# -- bias analyses --------------------------------------------------------------------------------


@pytest.fixture
def analysis(tmp_path):
    return {**deepcopy(BASE), "runmode": RunMode.UTIL_NO_EXCHANGE, "user_data_dir": tmp_path}


def made(analysis, name):
    folder = analysis["user_data_dir"] / "models" / name
    folder.mkdir(parents=True)
    (folder / "model").write_text("trained")
    return folder


def test_each_run_of_a_bias_analysis_has_a_folder_of_its_own_that_goes_with_it(analysis):
    mine = made(analysis, settled({**deepcopy(analysis), "runmode": RunMode.BACKTEST}))
    first, second = Strategy(), Strategy()
    names = [settled(deepcopy(analysis), strategy=one) for one in (first, second)]
    folders = [made(analysis, name) for name in names]
    assert len({mine.name, *names}) == 3
    assert all(str(os.getpid()) in name for name in names)
    del first
    gc.collect()
    assert [folder.exists() for folder in (*folders, mine)] == [False, True, True]
    del second
    gc.collect()
    assert [folder.exists() for folder in (*folders, mine)] == [False, False, True]


def test_a_run_that_made_no_folder_ends_without_a_word(analysis, recwarn):
    strategy = Strategy()
    settled(analysis, strategy=strategy)
    del strategy
    gc.collect()
    assert not recwarn.list


def test_settled_again_for_an_analysis_it_has_one_suffix(analysis):
    """Its config is copied from one run to the next."""
    keep = [Strategy(), Strategy()]
    names = [settled(analysis, strategy=one) for one in keep]
    assert names[0] != names[1]
    assert [name.count("-run") for name in names] == [1, 1]

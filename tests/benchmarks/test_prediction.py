import pytest
from freqtrade.resolvers import ExchangeResolver

from backtests.runs import others_warnings_ignored
from benchmarks import market, prediction, runs
from benchmarks.runs import Setting
from sandbox.running import running_exchange

pytestmark = [
    pytest.mark.slow,
    # freqtrade's example hands LightGBM its validation rows as it did before 4.7.
    pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated"),
]


def test_ours_and_freqais_example_are_trained_and_asked_on_the_same_days(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction, "TRAIN_DAYS", 6)
    monkeypatch.setattr(prediction, "TEST_DAYS", 2)
    monkeypatch.setattr(prediction, "EXAMPLE_TREES", 10)
    monkeypatch.setattr(prediction, "TIMEFRAMES", ("5m", "1h"))
    with running_exchange() as served, others_warnings_ignored():
        data = market.write(tmp_path, ("BTC/USDT",), 12)
        setting = Setting(data, (served.config_path,))
        exchange = ExchangeResolver.load_exchange(runs.configuration(setting, runs.GRID, 2))
        try:
            found = prediction.measure(Setting(data, setting.overlays, exchange))
        finally:
            exchange.close()
    assert found["ours"]["rows"] == found["example"]["rows"] == 6 * 288
    assert 30 < found["ours"]["columns"] <= 100
    for one in found.values():
        assert all(value > 0 for value in one.values())

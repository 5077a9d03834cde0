"""The report on backtests over real candles, with their gaps, their funding and their jumps."""

import pytest

from gridkit.reports.report import build, trade_charges
from gridkit.reports.result import load_run
from reports.backtests import FREQTRADES_WARNINGS, Market
from reports.conftest import finished

pytestmark = [pytest.mark.real, pytest.mark.slow, FREQTRADES_WARNINGS]


@pytest.mark.parametrize(
    ("strategy", "funding_sign"), [("TaggedGridLeveraged", -1), ("TaggedGridShort", 1)]
)
def test_real_funding_adds_up_to_freqtrades_trade_by_trade(
    strategy, funding_sign, real_data, tmp_path
):
    datadir = real_data / "futures_5m_2023-05_2024-05" / "binance"
    market = Market(datadir, futures=True, pairs=("BTC/USDT:USDT", "ETH/USDT:USDT"))
    # Rates were positive throughout these days: longs paid.
    done = finished(tmp_path, market, strategy, timerange="20240228-20240303")
    run = load_run(done.export, datadir=datadir)
    found = build(run)
    for trade, paid in zip(run.trades, trade_charges(run), strict=True):
        assert paid.amounts.sum() == pytest.approx(trade.funding, abs=1e-9)
    assert found.figures["funding_stake"] * funding_sign > 0
    assert found.equity.equity[-1] == pytest.approx(run.final_balance, abs=1e-6)
    assert found.warnings == ()


def test_the_gap_in_real_candles_is_carried_over_and_said(real_data, tmp_path):
    datadir = real_data / "spot_5m_2022-08_2023-09" / "binance"
    market = Market(datadir, futures=False, pairs=("BTC/USDT", "SOL/USDT"))
    # No exchange trades for 80 minutes on the 24th.
    done = finished(tmp_path, market, "TaggedGrid", timerange="20230323-20230326")
    run = load_run(done.export, datadir=datadir)
    found = build(run)
    assert found.equity.equity[-1] == pytest.approx(run.final_balance, abs=1e-6)
    assert found.equity.carried == {"BTC/USDT": 16, "SOL/USDT": 16}
    assert len(found.warnings) == 2
    assert found.figures["mismatches_count"] == 0

"""Hyperopt loss: minus the Calmar ratio of the marked equity, as `gridkit report` shows it."""

import sys
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from freqtrade.constants import Config
from freqtrade.optimize.hyperopt import IHyperOptLoss
from pandas import DataFrame

# Copied folders: the library lies beside this one. Workers inherit the path.
if find_spec("gridkit") is None:
    sys.path.append(str(Path(__file__).resolve().parent.parent / "strategies"))

from gridkit.reports.loss import marked_calmar_loss


class MarkedCalmarLoss(IHyperOptLoss):
    """Annual return / maximum drawdown of the equity with open lots at their market price."""

    @staticmethod
    def hyperopt_loss_function(
        *,
        results: DataFrame,
        trade_count: int,
        min_date: datetime,
        max_date: datetime,
        config: Config,
        processed: dict[str, DataFrame],
        backtest_stats: dict[str, Any],
        starting_balance: float,
        **kwargs: Any,
    ) -> float:
        """Smaller is better; too few fills are refused with a large finite number."""
        return marked_calmar_loss(backtest_stats, processed, config)

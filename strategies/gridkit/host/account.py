"""The account as the risk layer sees it: marked equity, what is tied, what must stay reserved."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gridkit.analytics.correlation import unit
from gridkit.host.orders import stake_of, working_order
from gridkit.risk.correlation import correlation, share_budget

if TYPE_CHECKING:
    from freqtrade.persistence import LocalTrade
    from freqtrade.wallets import Wallets

    from gridkit.host.context import Context

logger = logging.getLogger(__name__)

CORRELATION_HOURS = 720
Returns = tuple[np.ndarray, np.ndarray | None]  # and what `correlation.unit` makes of them
CORRELATION_STEP = 3_600


def marked_capital(
    wallets: "Wallets",
    trades: Iterable["LocalTrade"],
    mark: Callable[[str], float | None],
    config: Mapping[str, Any],
) -> float:
    """Return freqtrade's available capital where set, else equity at the last closes.

    In dry-run and backtest the stake wallet knows free cash only by leaving out what is in trades;
    live, the exchange's total holds what resting orders have frozen.
    """
    if config.get("available_capital"):
        return float(config["available_capital"])
    open_profit = sum(_open_profit(trade, mark(trade.pair)) for trade in trades if trade.amount)
    stakes = sum(trade.stake_amount for trade in trades)
    currency = config["stake_currency"]
    if config.get("dry_run", True):
        return float(wallets.get_free(currency) + stakes + open_profit)
    in_coins = 0.0 if config.get("trading_mode") == "futures" else stakes
    return float(wallets.get_total(currency) + in_coins + open_profit)


def starting_capital(config: Mapping[str, Any]) -> float:
    """Return the tradable capital a dry-run or backtest begins with; NaN for a real account."""
    wallet = config.get("dry_run_wallet", math.nan)
    if isinstance(wallet, Mapping):
        wallet = wallet.get(config.get("stake_currency"), 0.0)
    given = config.get("available_capital") or wallet
    return float(given) * float(config.get("tradable_balance_ratio", 1.0))


def capital(context: "Context", open_trades: Iterable["LocalTrade"]) -> float:
    """Return tradable capital in stake currency (SPEC A.1): marked, times the tradable ratio.

    Live NaN where it cannot be read, so that exits go on; in a backtest the error is raised.
    """
    config, wallets = context.strategy.config, context.strategy.wallets
    try:
        if wallets is None:
            raise RuntimeError("freqtrade has given the strategy no wallets yet")
        equity = marked_capital(wallets, open_trades, context.mark, config)
    except Exception:
        if not context.live:
            raise
        if not context.capital_failed:
            logger.exception("the capital is unknown, so nothing is added")
        context.capital_failed = True
        return math.nan
    context.capital_failed = False
    return equity * float(config.get("tradable_balance_ratio", 1.0))


def _open_profit(trade: "LocalTrade", mark: float | None) -> float:
    if mark is None or not mark > 0:
        return 0.0
    side = -1 if trade.is_short else 1
    return float(side * trade.amount * (mark - trade.open_rate))


def committed(trade: "LocalTrade") -> float:
    """Stake in a trade and in its resting entry."""
    stake = float(trade.stake_amount)
    order = working_order(trade) if trade.amount else None
    if order is None or order.ft_order_side != trade.entry_side:
        return stake
    return stake + stake_of(order, trade)


def _correlation(first: Returns, second: Returns) -> float:
    if first[1] is None or second[1] is None:
        return correlation(first[0], second[0])
    return float(np.dot(first[1], second[1]))


class Correlations:
    """30-day correlation of hourly returns, from the pairs' own candles, remembered a while.

    `closes` takes a pair, a moment (seconds UTC), a step in seconds and a count, and returns so
    many closes as were known at moments that step apart, the last of them that moment.
    """

    REMEMBERED_SECONDS = 6 * 3_600

    def __init__(self, closes: Callable[[str, float, int, int], np.ndarray]) -> None:
        self._closes = closes
        self.forget()

    def forget(self) -> None:
        """Start anew: another run may bring other candles."""
        self._period = -1
        self._known: dict[tuple[str, str], float] = {}
        self._returns: dict[str, Returns] = {}

    def between(self, first: str, second: str, now: datetime) -> float:
        """Return the correlation by `now`; NaN when unknown."""
        self._begin(int(now.timestamp() // self.REMEMBERED_SECONDS))
        return self._between(first, second)

    def _begin(self, period: int) -> None:
        """Drop what was known of another period."""
        if period != self._period:
            self.forget()
            self._period = period

    def _between(self, first: str, second: str) -> float:
        known = self._known.get((first, second))
        if known is None:
            known = _correlation(*map(self._returns_of, sorted((first, second))))
            self._known[first, second] = self._known[second, first] = known
        return known

    def _returns_of(self, pair: str) -> Returns:
        known = self._returns.get(pair)
        if known is None:
            end = self._period * self.REMEMBERED_SECONDS
            closes = self._closes(pair, end, CORRELATION_STEP, CORRELATION_HOURS + 1)
            returns = np.diff(np.log(closes))
            known = self._returns[pair] = returns, unit(returns)
        return known

    def stake_with_correlates(
        self, pair: str, stakes: Mapping[str, float], now: datetime, threshold: float
    ) -> float:
        """Stake in this pair's asset and in all that move with it."""
        self._begin(int(now.timestamp() // self.REMEMBERED_SECONDS))
        return sum(
            stake
            for other, stake in stakes.items()
            if other == pair or share_budget(self._between(pair, other), threshold)
        )

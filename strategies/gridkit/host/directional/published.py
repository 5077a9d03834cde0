"""What people see of an open position in freqtrade's custom data: targets, stop, portfolio."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import Trade
from sqlalchemy import case, func, select

from gridkit.host.context import Context
from gridkit.host.directional.positions import Positions
from gridkit.host.plan_store import REFRESH_SECONDS, finite

if TYPE_CHECKING:
    from gridkit.host.breakers import Breakers
    from gridkit.host.directional.portfolio_desk import PortfolioDesk
    from gridkit.host.prediction.beliefs import Beliefs

KEY = "confluencestate"  # `_` and `%` are wildcards in freqtrade's look-up of keys


@dataclass(frozen=True, slots=True)
class Published:
    """What was last written of a trade, and when, seconds UTC."""

    state: dict[str, Any]
    at: float


class Publisher:
    """Writes at once when parts, targets or stop changed, else once a minute."""

    def __init__(
        self,
        context: Context,
        positions: Positions,
        portfolio: "PortfolioDesk",
        breakers: "Breakers",
        beliefs: "Beliefs",
    ) -> None:
        self._context = context
        self._positions = positions
        self._portfolio = portfolio
        self._breakers = breakers
        self._beliefs = beliefs
        self._known: dict[int, Published] = {}

    def forget_closed(self, open_trades: set[int]) -> None:
        """Let go of trades that are gone."""
        for number in self._known.keys() - open_trades:
            del self._known[number]

    def publish(self, trade: "Trade", now: datetime) -> None:
        """Write a position's state, if there is news. What is told comes after what is done."""
        publish = partial(self._publish, trade, now)
        self._context.features.run("state", trade.pair, publish, lambda: None)

    def _publish(self, trade: "Trade", now: datetime) -> None:
        features = self._context.features
        state, before = self._state(trade), self._known.get(trade.id)
        state["features"] = features.documents(trade.pair)
        time = now.timestamp()
        if before and before.state == state and time - before.at < REFRESH_SECONDS:
            return
        self._known[trade.id] = Published(state, time)
        up = self._breakers.up
        document = {
            **state,
            "breakers": [] if up is None else [str(up.block)],
            "portfolio": features.run(
                "portfolio_metrics", trade.pair, partial(self._metrics, now), lambda: None
            ),
            "prediction": self._beliefs.document(trade.pair),
            "updated": now.isoformat(timespec="seconds"),
        }
        trade.set_custom_data(KEY, document)

    def _metrics(self, now: datetime) -> dict[str, Any] | None:
        realised = realised_by_pair(self._context.strategy.get_strategy_name())
        return self._portfolio.metrics(now, realised).document()

    def _state(self, trade: "Trade") -> dict[str, Any]:
        held, rule = self._positions.held(trade), self._context.settings.exits
        targets = [
            {
                "part": number,
                "price": trade.open_rate + held.side * multiple * held.entry.atr,
                "share": share,
                "sold": number in held.parts,
            }
            for number, (multiple, share) in enumerate(
                zip(rule.targets, (*rule.parts, 1 - sum(rule.parts)), strict=True), 1
            )
        ]
        return {
            "side": "short" if held.side < 0 else "long",
            "entry": trade.open_rate,
            "held": trade.amount,
            "entered": held.bought,
            "targets": [finite(target) for target in targets],
            "rest": rule.rest,
            **finite({"atr": held.entry.atr, "stop": trade.stop_loss}),
            "stop_rule": held.stop_rule,
        }


def realised_by_pair(strategy: str) -> dict[str, float]:
    """Return what a strategy realised on each pair, parts of open positions included, in stake.

    The `close_profit_abs` of an open trade is freqtrade's word for what its last part made.
    """
    realised = case((Trade.is_open, Trade.realized_profit), else_=Trade.close_profit_abs)
    made = func.sum(func.coalesce(realised, 0.0))
    query = select(Trade.pair, made).where(Trade.strategy == strategy).group_by(Trade.pair)
    return {pair: float(profit) for pair, profit in Trade.session.execute(query)}

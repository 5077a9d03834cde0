"""Freqtrade's questions about an open position: its stop, what leaves in parts, and its end."""

import logging
import math
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from freqtrade.enums import ExitType
from freqtrade.strategy import stoploss_from_absolute

from gridkit.host import orders
from gridkit.host.context import Context
from gridkit.host.directional.positions import Held, Positions, working_order
from gridkit.host.pair_rules import PairRules
from gridkit.host.requests import part_stake
from gridkit.risk import exits, stops
from gridkit.risk.exits import Market

if TYPE_CHECKING:
    from freqtrade.persistence import Trade

    from gridkit.host.breakers import Breakers
    from gridkit.host.directional.portfolio_desk import PortfolioDesk
    from gridkit.host.market_data import PairSeries

logger = logging.getLogger(__name__)

FLATTEN = "flatten"
# A backtest pays the stop in a candle that opens beyond it, up to that candle's best price.
PASSED = ExitType.TRAILING_STOP_LOSS.value
AT_THE_PRICE = 1e-9  # 0 would tell freqtrade that there is no stop


class Leaving:
    """One per strategy object."""

    def __init__(
        self,
        context: Context,
        rules: PairRules,
        positions: Positions,
        portfolio: "PortfolioDesk",
        breakers: "Breakers",
    ) -> None:
        self._context = context
        self._rules = rules
        self._positions = positions
        self._portfolio = portfolio
        self._breakers = breakers

    def stop(self, trade: "Trade", now: datetime, rate: float) -> float | None:
        """Return the stop as freqtrade wants it, relative to `rate`; None leaves it where it is.

        It follows the last close: `rate` is in a backtest the best price of a candle that is not
        over (DESIGN 2.11), and live each tick would bring a stop nearer than a backtest has it.
        """
        held = self._positions.held(trade)
        if now.timestamp() < held.settled_until:
            return None
        series, index = self._candle(trade.pair, now)
        if series is None:
            return None
        price = series.close.item(index)
        market = self._positions.market(
            series, trade.pair, index, held.side, price, now.timestamp()
        )
        position = self._positions.position(trade, held, index)
        if not self._context.live:
            self._positions.settle(trade.pair, held, position, index)
        stop, rule = exits.stop_price(position, market, self._context.settings)
        if rule in (stops.KEPT, stops.NO_STOP):
            if self._context.live and not held.stop_rule:  # after a restart
                unset = replace(position, stop=math.nan)
                held.stop_rule = exits.stop_price(unset, market, self._context.settings)[1]
            return None
        self._tell_stop(trade, held, stop, rule)
        leverage = float(trade.leverage or 1.0)
        found = stoploss_from_absolute(stop, rate, is_short=trade.is_short, leverage=leverage)
        return max(found, AT_THE_PRICE)

    def exit(self, trade: "Trade", now: datetime, rate: float) -> str | None:
        """Return why all of a position is sold now, as the tag of the order; None: it stays."""
        held = self._positions.held(trade)
        flatten = self._breakers.up and self._breakers.flatten_reason(trade.pair)
        passed = not self._context.live and held.side * (rate - trade.stop_loss) <= 0
        if not flatten and not passed and now.timestamp() < held.stays_until:
            return None
        if self._fills_now(held, now):
            return None
        if flatten:
            return self._leaves(trade, FLATTEN, flatten, rate)
        if passed:
            return PASSED
        series, index = self._candle(trade.pair, now)
        position = self._positions.position(trade, held, index)
        market = self._market(series, index, trade.pair, held, rate, now)
        due = exits.exit_due(position, market, self._context.settings)
        if due is not None:
            return self._leaves(trade, due.tag, due.reason, rate)
        if not self._context.live and series is not None:
            self._positions.stay(trade.pair, held, index)
        return None

    def part(self, trade: "Trade", now: datetime, rate: float) -> tuple[float, str] | None:
        """Return stake (negative) and tag of a part to sell now; None: nothing."""
        if not trade.amount:
            return None
        held = self._positions.held(trade)
        at_target = held.side * (rate - held.target) >= 0
        shrink = None
        if not at_target and self._portfolio.is_to_look(now):
            look = partial(self._portfolio.shrinks, trade.pair, now)
            shrink = self._context.features.run("rebalancing", trade.pair, look, lambda: None)
            shrink = None if _would_end(trade, held.side, rate) else shrink
        if not (at_target or shrink) or self._fills_now(held, now) or working_order(trade):
            return None
        if shrink is not None:
            self._portfolio.was_asked(trade.pair)
            share = min(shrink.stake * float(trade.leverage or 1.0) / rate, float(trade.amount))
            return self._request(trade, share, shrink.tag, shrink.reason)
        _, index = self._candle(trade.pair, now)
        position = self._positions.position(trade, held, index)
        due = exits.part_due(position, rate, self._context.settings.exits, self._least(trade, rate))
        return self._request(trade, due.amount, due.tag, due.reason) if due else None

    def _tell_stop(self, trade: "Trade", held: Held, stop: float, rule: str) -> None:
        """Log a stop that another rule set; one that trails moves with every price."""
        if rule.partition(" ")[0] != held.stop_rule.partition(" ")[0]:
            self._log("%s: stop at %.8g: %s", trade.pair, stop, rule)
        held.stop_rule = rule

    def _request(self, trade: "Trade", amount: float, tag: str, reason: str) -> tuple[float, str]:
        self._log("%s: %s: %s", trade.pair, tag, reason)
        return part_stake(amount, trade, orders.amount_step(trade)), tag

    def _leaves(self, trade: "Trade", tag: str, reason: str, rate: float) -> str:
        self._log("%s: %s at %.8g: %s", trade.pair, tag, rate, reason)
        return tag

    def _log(self, text: str, *values: object) -> None:
        logger.log(logging.INFO if self._context.live else logging.DEBUG, text, *values)

    def _least(self, trade: "Trade", rate: float) -> float:
        """Return the smallest amount that may leave, or be left over, in base currency."""
        limits = self._rules.limits(trade.pair)
        return max(limits.left_value / rate, limits.left_amount)

    def _fills_now(self, held: Held, now: datetime) -> bool:
        """Whether a backtest filled the entry in this candle, of which the rates are older."""
        return not self._context.live and held.entered >= now.timestamp()

    def _candle(self, pair: str, now: datetime) -> "tuple[PairSeries | None, int]":
        series = self._context.market.series.get(pair)
        index = series.index_at(now.timestamp()) if series else -1
        known = series is not None and index >= 0 and series.close.item(index) > 0
        return (series, index) if known else (None, -1)

    def _market(
        self,
        series: "PairSeries | None",
        index: int,
        pair: str,
        held: Held,
        rate: float,
        now: datetime,
    ) -> Market:
        if series is None:
            return self._positions.blind_market(rate, now.timestamp())
        return self._positions.market(series, pair, index, held.side, rate, now.timestamp())


def _would_end(trade: "Trade", side: int, rate: float) -> bool:
    """Whether selling a little would end a position, by the stop as freqtrade then has it.

    With each part that left it reckons the stop anew: as far from the entry as it was from the
    price when it was set. Of one set at a loss that is nearer, or beyond the price.
    """
    away = abs(trade.stop_loss_pct or 1.0) / float(trade.leverage or 1.0)
    return side * (rate - trade.open_rate * (1 - side * away)) <= 0

"""What holds at every step of any run: lots, caps, cash, fees, tags."""

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from freqtrade.persistence import LocalTrade

from backtests import runs
from backtests.runs import QUICK
from gridkit.grid import tags
from gridkit.risk.sizing import exposure_fraction

pytestmark = pytest.mark.slow

DENSE = {"method": "fixed", "grid_step": 0.004}
DEAR = {"risk": 0.05, "most_risk": 0.1}  # so that caps are reached, and not stakes small
CANDLE = timedelta(minutes=5)
TAG = re.compile(r"((sell|cover|stop|flatten|end|trim|recover) )?L\d+(-\d+)?(,\d+(-\d+)?)*")
TIGHT = {"exposure": 0.3, "inventory": 0.2, "max_orders_per_cycle": 20, "max_lots": 6}
NO_STOPS = {"lot_stop_enabled": False, "cycle_stop_enabled": False}
SOON_STUCK = {
    "rungs": "always", "position_timeout_minutes": 15, "away": 0.004,
    "ladder": [0.001, 0.002, 0.003], "budget": 0.001,
}  # fmt: skip
KINDS = {
    "long spot": ("spot", {"direction": "long"}),
    "long futures": ("futures", {"direction": "long", "leverage": 2}),
    "short futures": ("futures", {"direction": "short"}),
    "auto futures": ("futures", {"direction": "auto"}),
    "long spot under tight caps": ("spot", {"caps": TIGHT}),
    "short futures under tight caps": ("futures", {"direction": "short", "caps": TIGHT}),
    "long spot under tight caps, where stakes are raised": ("spot", {"caps": TIGHT}, "Predicted"),
    "long spot of assets that count as one": (
        "spot",
        {"direction": "long", "caps": {"inventory": 0.2, "correlation": 0.0}},
    ),
    "long spot with lines closer than the fees": (
        "spot",
        {"direction": "long", "spacing": {"method": "fixed", "grid_step": 0.002}},
    ),
    "long spot starting with inventory": ("spot", {"grid": {"initial_inventory": 0.5}}),
    "long spot whose lots are stuck soon": (
        "spot",
        {
            "spacing": {"method": "fixed", "grid_step": 0.002},
            "stops": NO_STOPS,
            "recovery": SOON_STUCK,
        },
    ),
    "short futures whose lots are stuck soon, sold at market": (
        "futures",
        {
            "direction": "short",
            "stops": {**NO_STOPS, "lot_stop": 0.01},
            "recovery": {**SOON_STUCK, "mode": "aggressive"},
        },
    ),
}
EACH_KIND = pytest.mark.parametrize("kind", list(KINDS))


class Auditor:
    """Looks at the books after every candle of every pair; remembers what is wrong."""

    def __init__(self) -> None:
        self.wrong = defaultdict(list)
        self.looked = Counter()
        self.budget = self.lost = 0.0
        self.capital = {}

    def __call__(self, run, pair, now):
        desk = run.strategy.desk
        self.capital[now] = max(self.capital.get(now, 0.0), desk.treasury.capital())
        free = run.wallets.get_free("USDT")
        if free < -1e-6:
            self.wrong["free cash"].append((now, free))
        self._recovery(desk, now)
        for trade in LocalTrade.bt_trades_open_pp[pair]:
            cycle = desk.cycles.get(trade.id)
            if cycle is not None and cycle.book.belongs_to(trade):
                self._books(trade, cycle, now)

    def capital_between(self, placed, filled):
        """The most there was while an order was placed, rested and filled."""
        first = bisect_left(times := list(self.capital), placed - CANDLE)
        return max(self.capital[time] for time in times[first : bisect_right(times, filled)])

    def _recovery(self, desk, now):
        """Since the peak of equity no more is lost than the budget was at any time since then."""
        lost, budget = desk.fortune.recovery_loss(), desk.recovery.budget()
        self.budget = max(self.budget, budget) if lost else budget
        self.lost = max(self.lost, lost)
        if lost > self.budget * (1 + 1e-9):
            self.wrong["recovery budget"].append((now, lost, self.budget))

    def _books(self, trade, cycle, now):
        closed = [one for one in trade.orders if not one.ft_is_open]
        last = trade.orders[-1]
        if last.ft_is_open and last.ft_order_side == trade.entry_side:
            again = set(tags.levels_of(last.ft_order_tag)) & cycle.book.ledger.lots.keys()
            if again:
                self.wrong["a level that is held"].append((now, again))
        if cycle.book.read != len(closed):
            return  # a fill of this candle, which is read in the next
        self.looked["books"] += 1
        step = trade.amount_precision
        ledger = cycle.book.ledger
        if not math.isclose(ledger.amount, trade.amount, abs_tol=step / 2):
            self.wrong["lots"].append((now, ledger.amount, trade.amount))
        if ledger.dust >= step * (1 + 1e-9):  # what one order took for several levels is shared
            self.wrong["dust"].append((now, ledger.dust))


@pytest.fixture(scope="module")
def known(request, tmp_path_factory):
    return {}


@pytest.fixture
def audited(known, kind, request, backtest):
    if kind not in known:
        market, settings, *strategy = KINDS[kind]
        auditor, config = Auditor(), {"strategy": strategy[0] if strategy else "AdaptiveGrid"}
        complete = {**QUICK, "spacing": DENSE, "sizing": DEAR, **settings}
        run = backtest(request.getfixturevalue(market), complete, watch=auditor, **config)
        known[kind] = run, auditor, complete
    return known[kind]


STUCK_KINDS = [kind for kind in KINDS if "stuck" in kind]


@EACH_KIND
def test_a_run_trades_and_its_tags_read_as_documented(audited, kind):
    run, _, settings = audited
    assert len(run.filled) >= 20
    assert [tag for tag in run.tags() if tag != runs.END_OF_RUN and not TAG.fullmatch(tag)] == []
    sides = {bool(trade["is_short"]) for trade in run.trades}
    expected = {"long": {False}, "short": {True}, "auto": {False, True}}
    assert sides == expected[settings.get("direction", "long")]


@EACH_KIND
def test_lots_equal_the_position_and_cash_is_never_negative(audited, kind):
    _, auditor, _ = audited
    assert auditor.looked["books"] > 500
    assert dict(auditor.wrong) == {}


@pytest.mark.parametrize("kind", STUCK_KINDS)
def test_recovery_takes_losses_where_lots_are_stuck_soon_within_its_budget(audited, kind):
    run, auditor, _ = audited
    assert tags.RECOVER in {tags.verb_of(fill.tag) for fill in run.filled}
    assert auditor.lost > 0
    assert "recovery budget" not in auditor.wrong


@EACH_KIND
def test_no_level_is_bought_twice_before_it_is_sold(audited, kind):
    run, _, _ = audited
    held, twice = defaultdict(set), []
    for trade in run.trades:
        held.clear()
        for order in trade["orders"]:
            levels = set(tags.levels_of(order["ft_order_tag"]))
            if order["ft_is_entry"]:
                twice += [(trade["open_date"], levels)] if levels & held[trade["pair"]] else []
                held[trade["pair"]] |= levels
            else:
                held[trade["pair"]] -= levels
    assert twice == []


@EACH_KIND
def test_every_exit_but_a_stop_pays_its_fees(audited, kind):
    run, _, _ = audited
    losses = []
    for trade in run.trades:
        side = -1 if trade["is_short"] else 1
        bought = {}
        for order in trade["orders"]:
            price, levels = order["safe_price"], tags.levels_of(order["ft_order_tag"])
            if order["ft_is_entry"]:
                bought.update(dict.fromkeys(levels, price))
            elif tags.verb_of(order["ft_order_tag"]) in (tags.SELL, tags.COVER, tags.TRIM):
                fees = trade["fee_open"] * price + trade["fee_close"] * price
                losses += [order for lv in levels if side * (price - bought[lv]) <= fees]
    assert losses == []


@EACH_KIND
def test_caps_hold_after_every_fill(audited, kind):
    run, auditor, settings = audited
    caps = run.strategy.desk.settings.caps
    leverage = settings.get("leverage", 1)
    amounts, stakes, lots = defaultdict(float), defaultdict(float), defaultdict(set)
    fullest, broken = 0.0, []
    for fill in run.filled:
        levels = set(tags.levels_of(fill.tag))
        if not levels or tags.verb_of(fill.tag):  # an exit; the end of the run names no level
            kept = max(0.0, 1 - fill.amount / amounts[fill.pair])
            stakes[fill.pair] *= kept
            amounts[fill.pair] *= kept
            lots[fill.pair] = lots[fill.pair] - levels if levels else set()
            continue
        amounts[fill.pair] += fill.amount
        stakes[fill.pair] += fill.price * fill.amount / leverage
        lots[fill.pair] |= levels
        capital = auditor.capital_between(fill.placed, fill.time)
        together = sum(stakes.values()) if caps.correlation == 0 else stakes[fill.pair]
        used = {
            "exposure": sum(stakes.values()) / (exposure_fraction(capital, caps) * capital),
            "inventory": together / (caps.inventory * capital),
            "lots": len(lots[fill.pair]) / caps.max_lots,
        }
        broken += [(name, fill, share) for name, share in used.items() if share > 1 + 1e-6]
        fullest = max(fullest, *used.values())
    assert broken == []
    assert fullest > 0.97, "a cap was reached"


@EACH_KIND
def test_no_level_is_added_to_a_cycle_of_too_many_orders(audited, kind):
    run, _, _ = audited
    most = run.strategy.desk.settings.caps.max_orders_per_cycle
    late = [
        order for trade in run.trades for order in trade["orders"][most:] if order["ft_is_entry"]
    ]
    assert late == []
    if most < 50:
        longest = max(len(trade["orders"]) for trade in run.trades)
        assert longest >= most, "the cap was reached"

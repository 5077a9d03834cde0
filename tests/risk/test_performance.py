import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk.performance import UNKNOWN, Performance, Tally

WON, LOST = (2.0, 100.0), (-1.0, 100.0)


def tally_of(lots):
    tally = Tally()
    for profit, cost in lots:
        tally.add(profit, cost)
    return tally


def twin(lots, open_losing=0):
    """The same from a list of all lots, by its definition."""
    known = [(profit, cost) for profit, cost in lots if not math.isnan(profit) and cost > 0]
    wins = [profit / cost for profit, cost in known if profit > 0]
    losses = [-profit / cost for profit, cost in known if profit <= 0]
    rate = momentum = kelly = math.nan
    if len(known) >= 10:
        rate = len(wins) / (len(known) + open_losing)
    last = [profit > 0 for profit, _ in known[-20:]]
    if len(known) >= 10:
        momentum = 2 * (last.count(True) / len(last) - 0.5)
    if len(known) >= 10 and losses:
        share = len(wins) / len(known)
        mean_loss = sum(losses) / len(losses)
        if not wins:
            kelly = -math.inf
        elif mean_loss == 0:
            kelly = share
        else:
            odds = sum(wins) / len(wins) / mean_loss
            kelly = share - (1 - share) / odds
    return Performance(len(known), rate, momentum, kelly)


def same(first, second):
    return all(
        getattr(first, name) == pytest.approx(getattr(second, name), nan_ok=True, rel=1e-9)
        for name in ("closed", "win_rate", "momentum", "kelly")
    )


LOTS = st.lists(
    st.tuples(
        st.sampled_from((-30.0, -1.0, -0.01, 0.0, 0.01, 0.5, 2.0, math.nan)),
        st.sampled_from((5.0, 100.0, 0.0)),
    ),
    max_size=60,
)


@given(LOTS, st.integers(0, 30))
def test_counting_one_by_one_equals_looking_at_all_lots(lots, open_losing):
    assert same(tally_of(lots).seen(open_losing), twin(lots, open_losing))


@given(LOTS, st.integers(0, 30), st.integers(0, 30))
def test_open_losing_lots_only_ever_lower_the_win_rate(lots, some, more):
    tally = tally_of(lots)
    fewer, rather_more = tally.seen(some), tally.seen(some + more)
    assert not rather_more.win_rate > fewer.win_rate
    assert same(
        Performance(fewer.closed, 0.0, fewer.momentum, fewer.kelly),
        Performance(rather_more.closed, 0.0, rather_more.momentum, rather_more.kelly),
    )


@given(LOTS, st.sampled_from((0.001, 7.0, 1e6)))
def test_the_currency_lots_are_counted_in_changes_nothing(lots, factor):
    scaled = [(profit * factor, cost * factor) for profit, cost in lots]
    assert same(tally_of(scaled).seen(), tally_of(lots).seen())


def test_nothing_closed_is_nothing_known():
    assert same(Tally().seen(5), UNKNOWN)
    assert math.isnan(UNKNOWN.win_rate)


@pytest.mark.parametrize(("closed", "known"), [(9, False), (10, True)])
def test_a_win_rate_and_odds_need_ten_closed_lots(closed, known):
    seen = tally_of([LOST] + [WON] * (closed - 1)).seen()
    assert math.isnan(seen.win_rate) is not known
    assert math.isnan(seen.kelly) is not known


@pytest.mark.parametrize(("closed", "known"), [(9, False), (10, True)])
def test_momentum_needs_ten_closed_lots(closed, known):
    assert math.isnan(tally_of([WON] * closed).seen().momentum) is not known


@pytest.mark.parametrize(
    ("lots", "momentum"),
    [
        ([WON] * 10, 1.0),
        ([LOST] * 10, -1.0),
        ([WON, LOST] * 10, 0.0),
        ([LOST] * 30 + [WON] * 20, 1.0),
        ([WON] * 30 + [LOST] * 5, 0.5),
    ],
)
def test_momentum_looks_at_the_last_twenty(lots, momentum):
    assert tally_of(lots).seen().momentum == pytest.approx(momentum)


def test_open_losing_lots_count_as_losses():
    tally = tally_of([WON] * 8 + [LOST] * 2)
    assert tally.seen().win_rate == pytest.approx(0.8)
    assert tally.seen(6).win_rate == pytest.approx(0.5)


def test_a_lot_that_ends_even_is_no_winner():
    assert tally_of([(0.0, 10.0)] * 10).seen().win_rate == 0.0


def test_kelly_of_two_to_one_odds_at_sixty_percent_is_forty_percent():
    """The textbook: p - (1 - p) / b with p = 0.6 and b = 2."""
    assert tally_of([WON] * 6 + [LOST] * 4).seen().kelly == pytest.approx(0.4)


@given(st.integers(1, 9), st.floats(0.1, 10.0))
def test_kellys_share_is_what_lets_a_repeated_bet_grow_fastest(winners, odds):
    """The outside judge: the largest mean log growth of a stake that is lost or pays its odds."""
    lots = [(odds, 1.0)] * winners + [(-1.0, 1.0)] * (10 - winners)
    kelly, share = tally_of(lots).seen().kelly, winners / 10

    def growth(fraction):
        return share * math.log1p(odds * fraction) + (1 - share) * math.log1p(-fraction)

    best = max((step / 1000 for step in range(1000)), key=growth)
    assert best == pytest.approx(max(0.0, kelly), abs=0.0011)


def test_odds_are_unknown_until_a_lot_has_lost_and_hopeless_until_one_has_won():
    assert math.isnan(tally_of([WON] * 30).seen().kelly)
    assert tally_of([LOST] * 30).seen().kelly == -math.inf


@pytest.mark.parametrize(
    "unknown",
    [(math.nan, 1.0), (1.0, math.nan), (math.inf, 1.0), (1.0, 0.0), (1.0, -5.0)],
)
def test_a_lot_of_unknown_profit_or_cost_says_nothing(unknown):
    lots = [WON] * 7 + [LOST] * 4
    assert same(tally_of([*lots, unknown]).seen(), tally_of(lots).seen())

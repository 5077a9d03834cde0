import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk import caps
from gridkit.risk.caps import Account
from gridkit.settings import CapSettings

# Every cap is far away; each row below brings one near.
WIDE = Account(
    capital=10_000.0,
    free=8_000.0,
    reserved=500.0,
    tied=100.0,
    notional=100.0,
    asset=50.0,
    pairs=4,
    leverage=1.0,
)
LOOSE = CapSettings(inventory=1.0, max_margin=9_900.0, max_position=9_900.0)


@pytest.mark.parametrize(
    ("condition", "account", "settings", "room"),
    [
        (caps.FREE_CASH, {"free": 540.0}, {}, 40.0),
        (caps.EXPOSURE, {"tied": 7_960.0}, {"max_margin": None}, 40.0),
        (caps.EXPOSURE, {}, {"exposure": 0.014}, 40.0),
        (caps.INVENTORY, {"asset": 2_960.0}, {"inventory": 0.3}, 40.0),
        (caps.MAX_MARGIN, {}, {"max_margin": 140.0}, 40.0),
        (caps.MAX_POSITION, {}, {"max_position": 140.0}, 40.0),
        (caps.MAX_POSITION, {"notional": 300.0, "leverage": 3.0}, {"max_position": 420.0}, 40.0),
    ],
)
def test_every_cap_binds_alone(condition, account, settings, room):
    amount, block = caps.room(replace(WIDE, **account), LOOSE.model_copy(update=settings))
    assert amount == pytest.approx(room)
    assert block.condition == condition
    assert condition in caps.CONDITIONS


def test_nothing_binds_a_wide_account_but_its_cash_and_exposure():
    assert caps.room(WIDE, LOOSE)[0] == 7_500.0


@pytest.mark.parametrize(("pairs", "binds"), [(1, False), (2, True)])
def test_inventory_is_no_cap_for_one_pair_alone(pairs, binds):
    account = replace(WIDE, asset=5_000.0, pairs=pairs)
    assert (caps.room(account, CapSettings())[1].condition == caps.INVENTORY) is binds


@pytest.mark.parametrize("change", [{"free": 0.0}, {"tied": 9_000.0}, {"asset": 9_000.0}])
def test_an_account_beyond_a_cap_has_no_room(change):
    assert caps.room(replace(WIDE, **change), CapSettings())[0] == 0.0


MONEY = st.floats(0.0, 1e5)
LIMIT = st.one_of(st.none(), st.floats(1.0, 1e5))


@given(
    st.builds(
        Account, MONEY, MONEY, MONEY, MONEY, MONEY, MONEY, st.integers(1, 9), st.floats(1.0, 20.0)
    ),
    LIMIT,
    LIMIT,
)
def test_the_room_breaks_no_cap_and_the_strictest_wins(account, max_margin, max_position):
    settings = CapSettings(max_margin=max_margin, max_position=max_position)
    amount, _ = caps.room(account, settings)
    slack = 1e-6
    most = {
        "free": account.free - account.reserved,
        "exposure": caps.exposure_fraction(account.capital, settings) * account.capital
        - account.tied,
    }
    if account.pairs > 1:
        most["inventory"] = settings.inventory * account.capital - account.asset
    if max_margin is not None:
        most["margin"] = max_margin - account.tied
    if max_position is not None:
        most["position"] = (max_position - account.notional) / account.leverage
    assert amount == pytest.approx(max(0.0, min(most.values())), abs=slack)


@pytest.mark.parametrize("unknown", ["capital", "free", "reserved", "tied", "notional", "asset"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_unknown_or_infinite_leaves_no_room(unknown, value):
    amount, block = caps.room(replace(WIDE, **{unknown: value}), LOOSE)
    assert amount == 0.0
    assert block.condition in caps.CONDITIONS


def test_an_unknown_leverage_leaves_no_room_where_notional_is_capped():
    assert caps.room(replace(WIDE, leverage=math.nan), LOOSE)[0] == 0.0


class Bot:
    """One of several on an account: sees the cash all share, and only its own trades."""

    def __init__(self, max_margin, max_position, pairs, leverage):
        self.settings = CapSettings(max_margin=max_margin, max_position=max_position)
        self.pairs, self.leverage, self.tied = pairs, leverage, 0.0

    def sees(self, free, equity):
        return Account(
            equity, free, 0.0, self.tied, self.tied * self.leverage, 0.0, self.pairs, self.leverage
        )

    def add(self, wanted, free, equity):
        stake = min(wanted, caps.room(self.sees(free, equity), self.settings)[0])
        self.tied += stake
        return stake

    def release(self, share):
        back = self.tied * share
        self.tied -= back
        return back


MARGINS = st.one_of(st.none(), st.floats(1.0, 2_000.0))
BOTS = st.builds(Bot, MARGINS, MARGINS, st.integers(1, 9), st.floats(1.0, 5.0))
STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0.0, 800.0), st.sampled_from((0.0, 0.0, 0.5, 1.0))),
    max_size=40,
)


@given(BOTS, BOTS, st.floats(50.0, 5_000.0), STEPS)
def test_two_bots_on_one_account_each_keep_to_their_own_caps(first, second, cash, steps):
    free, bots = cash, (first, second)
    for number, wanted, released in steps:
        free += bots[number].release(released)
        free -= bots[number].add(wanted, free, cash)
        assert free >= -1e-6
        for bot in bots:
            settings = bot.settings
            assert bot.tied <= (settings.max_margin or math.inf) + 1e-6
            assert bot.tied * bot.leverage <= (settings.max_position or math.inf) + 1e-6
            assert bot.tied <= caps.exposure_fraction(cash, settings) * cash + 1e-6


@given(st.floats(10.0, 400.0), st.floats(10.0, 400.0), STEPS)
def test_margin_caps_that_fit_into_the_account_leave_each_bot_its_own(one, other, steps):
    """The other bot's trades never take what this one was promised."""
    cash = (one + other) / 0.8
    bots = (Bot(one, None, 1, 1.0), Bot(other, None, 1, 1.0))
    free = cash
    for number, wanted, released in steps:
        free += bots[number].release(released)
        free -= bots[number].add(wanted, free, cash)
        for bot, margin in zip(bots, (one, other), strict=True):
            room, _ = caps.room(bot.sees(free, cash), bot.settings)
            assert room == pytest.approx(margin - bot.tied, abs=1e-6)


def test_an_asset_is_trimmed_above_its_share_and_the_deviation():
    settings = CapSettings(inventory=0.3, inventory_deviation=0.1)
    assert caps.asset_limit(1_000.0, 2, 1.0, settings) == pytest.approx(400.0)
    assert caps.asset_limit(1_000.0, 2, 3.0, settings) == pytest.approx(1_200.0)


def test_the_asset_of_a_single_pair_is_never_trimmed():
    assert caps.asset_limit(1_000.0, 1, 1.0, CapSettings()) == math.inf


@given(st.integers(2, 9), st.floats(1.0, 10.0))
def test_an_asset_is_trimmed_only_beyond_what_may_be_added(pairs, leverage):
    """Else what was trimmed would be bought again."""
    settings = CapSettings()
    allowed = settings.inventory * 1_000.0 * leverage
    assert caps.asset_limit(1_000.0, pairs, leverage, settings) > allowed

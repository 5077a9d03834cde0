"""What settings allow and yet may surprise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.host.worth_knowing import nearest_target, worth_knowing
from gridkit.settings import Settings

FIXED = {"method": "fixed", "grid_step": 0.01}


def settings_of(lot_stop=0.02, away=0.03, direction="long", **sections):
    merged = {"stops": {"lot_stop": lot_stop}, "recovery": {"away": away}, "spacing": FIXED}
    for name, values in sections.items():
        merged[name] = {**merged.get(name, {}), **values}
    return Settings.model_validate({"direction": direction, **merged})


def about_recovery(settings):
    return [one for one in worth_knowing(settings) if "recovery" in one]


def test_the_defaults_hold_no_surprise():
    assert list(worth_knowing(Settings())) == []


@pytest.mark.parametrize(
    ("lot_stop", "away", "step", "told"),
    [
        (0.02, 0.03, 0.005, True),
        (0.02, 0.03, 0.02, False),
        (0.05, 0.03, 0.002, False),
        (0.02, 0.10, 0.02, True),
    ],
)
def test_a_lot_stop_that_comes_before_a_lot_gets_stuck_is_told(lot_stop, away, step, told):
    settings = settings_of(lot_stop, away, spacing={"grid_step": step})
    assert bool(about_recovery(settings)) is told


def test_a_fixed_target_is_what_counts_where_there_is_one():
    far = {"target": "fixed", "take_profit": 0.02}
    near = {"target": "fixed", "take_profit": 0.005}
    assert not about_recovery(settings_of(grid=far, spacing={"grid_step": 0.002}))
    assert about_recovery(settings_of(grid=near, spacing={"grid_step": 0.05}))


@pytest.mark.parametrize(
    "off", [{"stops": {"lot_stop_enabled": False}}, {"recovery": {"mode": "none"}}]
)
def test_nothing_is_told_of_recovery_where_either_is_off(off):
    near = settings_of(spacing={"grid_step": 0.002})
    assert about_recovery(near)
    assert not about_recovery(settings_of(**{"spacing": {"grid_step": 0.002}, **off}))


def test_market_recovery_never_comes_to_act_before_the_lot_stop():
    told = about_recovery(settings_of(0.05, recovery={"mode": "aggressive"}))
    assert told
    assert "never acts" in told[0]
    free = settings_of(recovery={"mode": "aggressive"}, stops={"lot_stop_enabled": False})
    assert not about_recovery(free)


def stuck_before_stopped(distance, lot_stop, away, side):
    """Walk the price away from the entry, step by step, and see what comes first."""
    target = 1 + side * distance
    for step in range(200_000):
        rate = 1 - side * step / 1_000_000
        if side * (target / rate - 1) > away:
            return True
        if side * (rate - 1) <= -lot_stop:
            return False
    raise AssertionError("neither came")


@given(
    st.floats(0.001, 0.05), st.floats(0.005, 0.1), st.floats(0.01, 0.1), st.sampled_from((1, -1))
)
def test_the_nearest_target_divides_lots_that_get_stuck_from_lots_that_are_stopped(
    distance, lot_stop, away, side
):
    needed = nearest_target(settings_of(lot_stop, away, "long" if side > 0 else "short"))
    if abs(distance - needed) > 1e-5:
        assert stuck_before_stopped(distance, lot_stop, away, side) is (distance > needed)


def test_the_worse_side_counts_where_both_are_traded():
    both, one, other = (
        nearest_target(settings_of(direction=name)) for name in ("auto", "long", "short")
    )
    assert both == max(one, other) > min(one, other)


def test_lines_that_are_seldom_held_together_are_told():
    deep = settings_of(0.02, grid={"levels": 10}, recovery={"mode": "none"})
    assert "2 lines deeper" in next(iter(worth_knowing(deep)))
    assert not list(worth_knowing(settings_of(0.02, grid={"levels": 2}, recovery={"mode": "none"})))

"""How long training takes: whom a failure lets rest, and when it is too long."""

import pytest

from gridkit.host.prediction.training_times import REST_SECONDS, TrainingTimes

PAIR, OTHER = "ETH/USDT", "BTC/USDT"


class Watch(TrainingTimes):
    """With a clock of its own."""

    def __init__(self, retrain_hours=1.0, budget=1.0):
        self.now = 1_000.0
        super().__init__(retrain_hours, budget, clock=lambda: self.now)

    def trains(self, pair=PAIR, seconds=60.0, *, fails=False):
        with self.measured(pair):
            self.now += seconds
            if fails:
                raise ArithmeticError("a defect")


def test_a_training_that_fails_is_raised_and_rests_for_ten_minutes():
    times = Watch()
    assert not times.rests(PAIR)
    with pytest.raises(ArithmeticError, match="a defect"):
        times.trains(fails=True)
    assert times.rests(PAIR)
    assert not times.rests(OTHER)
    times.now += REST_SECONDS - 1
    assert times.rests(PAIR)
    times.now += 1
    assert not times.rests(PAIR)


def test_one_that_works_ends_the_rest():
    times = Watch()
    with pytest.raises(ArithmeticError):
        times.trains(fails=True)
    times.trains(seconds=5)
    assert not times.rests(PAIR)


def test_only_trainings_that_worked_are_measured_each_pair_by_its_last():
    times = Watch()
    times.trains(seconds=60)
    times.trains(OTHER, seconds=10)
    times.trains(seconds=20)
    with pytest.raises(ArithmeticError):
        times.trains(OTHER, seconds=999, fails=True)
    assert times.seconds == {PAIR: 20, OTHER: 10}


def test_nothing_is_said_before_anything_was_trained():
    assert Watch().warning(1_000) is None


@pytest.mark.parametrize(
    ("hours", "budget", "pairs", "late"),
    [
        (1.0, 1.0, 60, False),  # exactly an hour
        (1.0, 1.0, 61, True),
        (1.0, 0.5, 31, True),
        (1.0, 0.5, 30, False),
        (2.0, 0.5, 61, True),
    ],
)
def test_it_is_said_when_all_pairs_take_longer_than_their_share_of_the_interval(
    hours, budget, pairs, late
):
    times = Watch(hours, budget)
    times.trains(seconds=60)
    assert (times.warning(pairs) is not None) is late


def test_pairs_that_were_not_trained_yet_take_as_long_as_the_others_on_average():
    times = Watch()
    times.trains(seconds=20)
    times.trains(OTHER, seconds=100)
    assert times.warning(60) is None
    assert times.warning(61)


def test_it_is_said_once_and_again_only_after_they_were_in_time():
    times = Watch()
    times.trains(seconds=60)
    assert [bool(times.warning(pairs)) for pairs in (100, 100, 50, 50, 100, 100)] == [
        True, False, False, False, True, False,
    ]  # fmt: skip


def test_without_an_interval_nothing_is_late():
    times = Watch(retrain_hours=0)
    times.trains(seconds=10_000)
    assert times.warning(100) is None


def test_it_says_how_long_how_many_what_is_allowed_and_what_to_do():
    times = Watch(2.0, 0.5)
    times.trains(seconds=120)
    said = times.warning(40)
    parts = ["40 pairs takes 80 minutes", "120 s each", "allowed are 60"]
    parts += ["freqai.live_retrain_hours", "prediction.retrain_budget", "fewer pairs"]
    assert [part for part in parts if part not in said] == []

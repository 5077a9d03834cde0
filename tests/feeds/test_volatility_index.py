import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.implied import known_at
from gridkit.feeds import volatility_index
from gridkit.settings import SettingsError

HOUR, DAY = 3_600.0, 86_400.0
FIRST = pd.Timestamp("2024-01-01", tz="UTC")


def seconds(date: str) -> float:
    return pd.Timestamp(date, tz="UTC").timestamp()


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes):
        file = tmp_path / "index.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def test_closes_are_fractions_known_from_the_end_of_their_day(written):
    index = volatility_index.read(written("date,close\n2024-01-01,56.7\n2024-01-02,60\n"))
    np.testing.assert_allclose(index.annual, [0.567, 0.6])
    assert index.known_from.tolist() == [seconds("2024-01-02"), seconds("2024-01-03")]


def test_a_day_s_close_is_not_known_one_second_before_its_end(written):
    index = volatility_index.read(written("date,close\n2024-01-01,50\n2024-01-02,60\n"))
    moments = seconds("2024-01-03") + np.array([-1.0, 0.0])
    np.testing.assert_allclose(known_at(index, moments, 3.0), [0.5, 0.6])


def test_days_that_are_missing_delay_nothing(written):
    index = volatility_index.read(written("date,close\n2024-01-01,50\n2024-01-09,60\n"))
    assert index.known_from.tolist() == [seconds("2024-01-02"), seconds("2024-01-10")]


def test_an_hourly_file_is_known_from_the_end_of_each_hour(written):
    """Save the first row, and the first after a hole: they may be of a day."""
    rows = "".join(f"2024-01-01 {hour:02}:00:00+00:00,50\n" for hour in (0, 1, 2, 5, 6))
    index = volatility_index.read(written(f"date,close\n{rows}"))
    late = index.known_from - seconds("2024-01-01")
    assert (late / HOUR).tolist() == [24, 2, 3, 29, 7]


@given(st.lists(st.sampled_from((HOUR / 2, HOUR, 3 * HOUR, DAY, 2 * DAY)), max_size=20))
def test_no_close_is_known_before_an_hour_and_none_later_than_a_day_has_passed(
    tmp_path_factory, steps
):
    dates = FIRST + pd.to_timedelta(np.cumsum([0.0, *steps]), unit="s")
    file = tmp_path_factory.mktemp("index") / "index.csv"
    pd.DataFrame({"date": dates, "close": 50.0}).to_csv(file, index=False)
    index = volatility_index.read(file)
    delay = index.known_from - dates.as_unit("s").asi8
    assert delay[0] == DAY
    assert set(delay) <= {HOUR, DAY}
    assert ((delay == HOUR) == (np.array([DAY, *steps]) <= HOUR)).all()


def test_times_of_other_zones_are_understood_and_further_columns_ignored(written):
    index = volatility_index.read(written("open,date,close\n1,2024-01-01T02:00:00+02:00,50\n"))
    assert index.known_from.tolist() == [seconds("2024-01-02")]


WRONG = {
    "date\n2024-01-01\n": "has no column close",
    "time,value\n1,2\n": "has no column date, close",
    "": "is no table",
    "date,close\n": "has no rows",
    "date,close\nyesterday,50\n": "line 2 has 'yesterday' as date",
    "date,close\n2024-01-01,50\n,51\n": "line 3 has '' as date",
    "date,close\n2024-01-01,50\n2024-01-02,n/a\n": "line 3 has 'n/a' as close",
    "date,close\n2024-01-01,\n": "line 2 has '' as close",
    "date,close\n2024-01-01,nan\n": "line 2 has 'nan' as close",
    "date,close\n2024-01-01,inf\n": "line 2 has 'inf' as close",
    "date,close\n2024-01-01,-5\n": "line 2 has '-5' as close",
    "date,close\n2024-01-01,0.567\n": "line 2 has '0.567' as close",
    "date,close\n2024-01-01,5670\n": "line 2 has '5670' as close",
    "date,close\n2024-01-02,50\n2024-01-01,50\n": "line 3 has '2024-01-01' as date",
    "date,close\n2024-01-01,50\n2024-01-01,50\n": "line 3 has '2024-01-01' as date",
    "date,close\n2024-01-01,50\n1667692800,50\n": "line 3 has '1667692800' as date",
    b"date,close\n2024-01-01,50\xff\n": "is no table",
    'date,close\n"2024-01-01,50\n': "is no table",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_file_is_said_by_key_value_and_what_is_allowed(written, text):
    file = written(text)
    with pytest.raises(SettingsError) as error:
        volatility_index.read(file)
    message = str(error.value)
    assert message.startswith(f"gridkit.volatility.implied.file = {str(file)!r}: {WRONG[text]}")
    assert "; allowed is " in message


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_path_that_is_no_file_is_said(tmp_path, name):
    with pytest.raises(SettingsError, match=r"gridkit\.volatility\.implied\.file.*cannot be read"):
        volatility_index.read(tmp_path / name)


@pytest.mark.real
def test_the_real_index_of_deribit_is_read_as_it_stands(real_data):
    index = volatility_index.read(real_data / "volatility" / "deribit_dvol_BTC_1d.csv")
    assert len(index.annual) == 787
    assert index.known_from[0] == seconds("2022-11-07")
    assert index.annual[3] == pytest.approx(1.1472)
    assert math.isnan(known_at(index, index.known_from[:1] - 1, 3.0)[0])

"""What FreqAI keeps on disk: what is spoilt is set aside, taken from the backup, or made anew."""

import json
import pickle
import sys
import threading
from types import SimpleNamespace

import cloudpickle
import pandas as pd
import pytest
from freqtrade.data.converter import ohlcv_to_dataframe
from freqtrade.data.history import load_pair_history

from backtests.datadirs import written
from backtests.runs import others_warnings_ignored
from gridkit.host.prediction import keeping
from gridkit.host.prediction.keeping import SAVE_SECONDS, Saver

PAIR, OTHER = "ETH/USDT", "BTC/USDT"
PREDICTIONS, BACKUP = "historic_predictions.pkl", "historic_predictions.backup.pkl"
DOCUMENTS = ("pair_dictionary.json", "global_metadata.json", "metric_tracker.json")
GOOD = {PAIR: "predictions"}


class Unknown:
    """A class that is gone when it is read."""


def of_a_class_that_is_gone():
    Unknown.__module__ = "a_module_that_is_gone"
    sys.modules["a_module_that_is_gone"] = SimpleNamespace(Unknown=Unknown)
    try:
        return pickle.dumps(Unknown())
    finally:
        del sys.modules["a_module_that_is_gone"]


SPOILT = {
    "empty": b"",
    "cut off": cloudpickle.dumps(GOOD)[:-5],
    "zeros": b"\0" * 100,
    "no pickle": b"hello",
    "of a class that is gone": of_a_class_that_is_gone(),
}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "models" / "mine"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def look(tmp_path):
    """Look at the folder as a start does."""
    config = {"user_data_dir": tmp_path, "freqai": {"identifier": "mine"}}
    return lambda: keeping.set_aside_unreadable(config)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def read(path):
    return cloudpickle.loads(path.read_bytes())


# -- at a start -----------------------------------------------------------------------------------


def test_what_can_be_read_stays_as_it_is(folder, look, caplog):
    for name in (PREDICTIONS, BACKUP):
        (folder / name).write_bytes(cloudpickle.dumps(GOOD))
    for name in DOCUMENTS:
        (folder / name).write_text("{}")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    look()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert caplog.text == ""


def test_without_a_folder_or_in_an_empty_one_nothing_happens(folder, look, caplog):
    look()
    folder.rmdir()
    look()
    assert caplog.text == ""


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
def test_spoilt_predictions_are_set_aside_and_taken_from_their_backup(folder, look, caplog, spoilt):
    (folder / PREDICTIONS).write_bytes(spoilt)
    (folder / BACKUP).write_bytes(cloudpickle.dumps(GOOD))
    look()
    assert read(folder / PREDICTIONS) == read(folder / BACKUP) == GOOD
    assert (folder / f"{PREDICTIONS}.unreadable").read_bytes() == spoilt
    assert "cannot be read" in caplog.text
    assert "taken from their backup" in caplog.text


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
def test_where_the_backup_is_spoilt_too_predictions_begin_anew(folder, look, caplog, spoilt):
    for name in (PREDICTIONS, BACKUP):
        (folder / name).write_bytes(spoilt)
    look()
    assert names(folder) == sorted(f"{name}.unreadable" for name in (PREDICTIONS, BACKUP))
    assert "taken from" not in caplog.text


def test_a_spoilt_backup_alone_is_set_aside_and_predictions_stay(folder, look):
    (folder / PREDICTIONS).write_bytes(cloudpickle.dumps(GOOD))
    (folder / BACKUP).write_bytes(b"")
    look()
    assert names(folder) == sorted([PREDICTIONS, f"{BACKUP}.unreadable"])
    assert read(folder / PREDICTIONS) == GOOD


@pytest.mark.parametrize("spoilt", ["", '{"ETH/USDT": {"model_fi', "\0\0\0"], ids=repr)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_spoilt_document_is_set_aside(folder, look, name, spoilt, caplog):
    (folder / name).write_text(spoilt)
    look()
    assert names(folder) == [f"{name}.unreadable"]
    assert name in caplog.text


def test_what_is_set_aside_twice_leaves_the_later_one(folder, look):
    for spoilt in ("{", "{{"):
        (folder / DOCUMENTS[0]).write_text(spoilt)
        look()
    assert (folder / f"{DOCUMENTS[0]}.unreadable").read_text() == "{{"


def test_what_other_programs_keep_there_is_left_alone(folder, look):
    (folder / "notes.txt").write_text("{")
    (folder / "sub-train-ETH_1").mkdir()
    look()
    assert names(folder) == ["notes.txt", "sub-train-ETH_1"]


# -- the dates of candles -------------------------------------------------------------------------


def of_the_exchange(first=0, count=3):
    """Candles as freqtrade makes them of what an exchange answers."""
    start = int(pd.Timestamp("2026-01-01", tz="UTC").timestamp()) * 1_000
    rows = [[start + 60_000 * (first + row), 1, 1, 1, 1, 1] for row in range(count)]
    with others_warnings_ignored():
        return ohlcv_to_dataframe(rows, "1m", PAIR, fill_missing=True, drop_incomplete=False)


@pytest.fixture
def of_a_file(tmp_path):
    """The same candles as freqtrade reads them from a file."""
    written(tmp_path, PAIR, {"1m": of_the_exchange()}, futures=False)
    with others_warnings_ignored():
        return load_pair_history(PAIR, "1m", tmp_path)


def joined(first, second):
    """As FreqAI adds what the exchange has new to what it read from a file."""
    return pd.concat([first, second], ignore_index=True, axis=0)["date"]


def held(**frames):
    return SimpleNamespace(historic_data={PAIR: frames}, history_lock=threading.Lock())


def test_without_being_made_even_they_are_no_dates_any_more(of_a_file):
    """The fault that is mended; should this test fail, it is gone, and even_dates with it."""
    assert joined(of_a_file, of_the_exchange(first=3)).dtype == "object"


def test_dates_of_a_file_join_those_of_the_exchange_once_they_are_even(of_a_file):
    drawer = held(**{"1m": of_a_file})
    keeping.even_dates(drawer)
    dates = joined(drawer.historic_data[PAIR]["1m"], of_the_exchange(first=3))
    assert dates.dtype.kind == "M"
    assert dates.tolist() == of_the_exchange(count=6)["date"].tolist()


def test_dates_that_were_joined_already_are_dates_again(of_a_file):
    broken = pd.DataFrame({"date": joined(of_a_file, of_the_exchange(first=3))})
    keeping.even_dates(held(**{"1m": broken}))
    assert broken["date"].dtype.kind == "M"
    assert broken["date"].tolist() == of_the_exchange(count=6)["date"].tolist()


def test_frames_that_are_even_are_not_touched(monkeypatch):
    """It is asked at every candle of every pair."""
    even = of_the_exchange()
    drawer = held(**{"1m": even.copy(), "5m": even.copy()})
    monkeypatch.setattr(pd, "to_datetime", None)
    keeping.even_dates(drawer)
    for frame in drawer.historic_data[PAIR].values():
        pd.testing.assert_frame_equal(frame, even)
    assert not drawer.history_lock.locked()


# -- given up -------------------------------------------------------------------------------------


def test_a_pair_that_is_given_up_is_one_that_was_never_trained_and_others_stay():
    empty = {"model_filename": "", "trained_timestamp": 0, "data_path": "", "extras": {}}
    full = {**empty, "model_filename": "cb_eth_1", "trained_timestamp": 1}
    known = lambda: {PAIR: 1, OTHER: 2}  # noqa: E731
    drawer = SimpleNamespace(
        pair_dict={PAIR: dict(full), OTHER: dict(full)}, empty_pair_dict=empty,
        model_dictionary=known(), meta_data_dictionary=known(), model_return_values=known(),
        historic_predictions=known(),
    )  # fmt: skip
    for _ in range(2):
        keeping.give_up(SimpleNamespace(dd=drawer), PAIR)
        assert drawer.pair_dict == {PAIR: empty, OTHER: full}
        kept = drawer.model_dictionary, drawer.meta_data_dictionary, drawer.model_return_values
        assert kept == ({OTHER: 2}, {OTHER: 2}, {OTHER: 2})
    drawer.pair_dict[PAIR]["trained_timestamp"] = 5
    assert drawer.empty_pair_dict["trained_timestamp"] == 0
    assert drawer.historic_predictions == known()  # the gate's count outlives a model


# -- saved now and then ---------------------------------------------------------------------------


def test_predictions_are_written_every_quarter_of_an_hour():
    now, written = [1_000.0], []
    drawer = SimpleNamespace(save_historic_predictions_to_disk=lambda: written.append(now[0]))
    saver = Saver(clock=lambda: now[0])
    for second in range(0, 4 * SAVE_SECONDS, 60):
        now[0] = 1_000.0 + second
        saver.look(drawer)
    assert written == [1_000.0 + SAVE_SECONDS * times for times in (1, 2, 3)]
    assert SAVE_SECONDS == 900


def test_the_names_are_freqais_own(tmp_path):
    """What it reads at its start, by its own class."""
    from freqtrade.freqai.data_drawer import FreqaiDataDrawer  # noqa: PLC0415 (as FreqAI's start)

    made = FreqaiDataDrawer(tmp_path, {"freqai": {}})
    found = {
        made.historic_predictions_path.name, made.historic_predictions_bkp_path.name,
        made.pair_dictionary_path.name, made.global_metadata_path.name,
        made.metric_tracker_path.name,
    }  # fmt: skip
    assert found == {PREDICTIONS, BACKUP, *DOCUMENTS}
    made.historic_predictions = GOOD
    made.save_historic_predictions_to_disk()
    assert json.dumps(read(tmp_path / BACKUP)) == json.dumps(GOOD)

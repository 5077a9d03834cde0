"""What a failed training, two threads and an unknown candle must not leave in the predictions."""

import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridkit.host.prediction import keeping
from gridkit.host.prediction.learning import Learning
from gridkit.prediction import training
from gridkit.prediction.gate import Why
from host.prediction.tiny import predicted, waves


@pytest.mark.slow
def test_days_whose_training_failed_are_trained_for_again_by_the_next_run(
    spot, tmp_path, monkeypatch
):
    market = waves(tmp_path / "waves", spot)

    def raising(*_args, **_kwargs):
        raise ArithmeticError("a defect of the learner")

    with monkeypatch.context() as broken:
        broken.setattr(training, "train", raising)
        failed = predicted(tmp_path / "models", market)
    again = predicted(tmp_path / "models", market)
    assert (failed.columns("ETH/USDT")["prediction_gate"] == Why.UNKNOWN).all()
    assert failed.folders == again.folders
    assert (again.columns("ETH/USDT")["prediction_gate"] != Why.UNKNOWN).any()


def test_no_two_threads_write_the_predictions_at_once():
    inside, most, begun = [], [], threading.Barrier(4)

    def write():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.02)
        inside.pop()

    drawer = SimpleNamespace(save_historic_predictions_to_disk=write)
    keeping.write_in_turn(drawer)

    def one():
        begun.wait()
        drawer.save_historic_predictions_to_disk()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_a_learner_that_looks_back_is_shown_no_number_for_an_unknown_candle():
    frame = pd.DataFrame({"%-one": [0.1, np.nan, 0.3, np.inf], "%-two": 0.5})
    shown = []

    class Watched:
        names = ("%-one", "%-two")

        def predict(self, features):
            shown.append(features)
            return pd.DataFrame({"up_15m": features["%-one"].to_numpy()})

    dk = SimpleNamespace(
        pair="ETH/USDT",
        training_features_list=list(frame),
        find_features=lambda _: None,
        feature_pipeline=SimpleNamespace(
            steps=[], transform=lambda told, outlier_check: (told, np.ones(len(told)), None)
        ),
    )
    drifts = SimpleNamespace(of=lambda *_: np.zeros(4))
    found, counts = Learning.predict(
        SimpleNamespace(recent={}, drifts=drifts), frame, Watched(), dk
    )
    assert counts.tolist() == [1, 0, 1, 0]
    assert shown[0].isna().all(axis=1).tolist() == [False, True, False, True]
    assert found["&-up_15m"].isna().tolist() == [False, True, False, True]

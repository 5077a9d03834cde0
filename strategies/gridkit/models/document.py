"""A comparison as one JSON document: everything that is printed or drawn, and each training."""

import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gridkit import __version__
from gridkit.models.comparison import Comparison
from gridkit.models.scored import Score
from gridkit.models.walk import BASELINES


def document(found: Comparison) -> dict[str, Any]:
    """Return all of it; what is unknown is null, moments are ISO 8601 in UTC."""
    windows = found.walk.windows
    made = {
        "gridkit": __version__,
        "asked": _asked(found),
        "windows": [
            {"train": _iso(one.train), "start": _iso(one.start), "end": _iso(one.end)}
            for one in windows
        ],
        "scores": [_score(one) for one in found.scores],
        "by_window": [asdict(one) for one in found.windows],
        "trained": [asdict(one) for one in found.answers.trained],
        "skipped": [asdict(one) for one in found.answers.skipped],
    }
    known: dict[str, Any] = _known(made)
    return known


def _asked(found: Comparison) -> dict[str, Any]:
    asked = found.asked
    return {
        "pairs": list(asked.pairs),
        "correlated": list(asked.correlated),
        "timeframes": list(asked.timeframes),
        "train_days": asked.train_days,
        "test_days": asked.test_days,
        "cost_fraction": asked.cost_fraction,
        "weight_factor": asked.weight_factor,
        "seed": asked.seed,
        "features": list(found.walk.markets[0].features.columns),
        "recipes": {name: asdict(recipe) for name, recipe in asked.recipes.items()},
        "baselines": list(BASELINES),
        "prediction": asked.settings.prediction.model_dump(mode="json"),
    }


def _score(score: Score) -> dict[str, Any]:
    figures = score.figures
    told = {
        name: asdict(getattr(figures, name))
        for name in ("accuracy", "brier", "log_loss", "calibration_error")
    }
    return {
        "learner": score.learner,
        "horizon": score.horizon,
        "decided": figures.outcomes,
        "effective": figures.effective,
        **told,
        "decided_brier": asdict(score.decided_brier),
        "table": figures.table.to_dict(orient="records"),
    }


def _known(value: Any) -> Any:
    """Return the same with null for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()

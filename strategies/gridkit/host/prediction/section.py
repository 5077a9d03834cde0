"""FreqAI's section of the config, and the names of what passes between FreqAI and us."""

from collections.abc import Mapping
from typing import Any

FEATURE, LABEL = "%-", "&-"  # how FreqAI tells columns apart
ANSWERS = ("up", "decided", "uncertainty")
DRIFTED = f"{LABEL}drifted"
SHIFT = 1.0  # added to the share of drifted features, as FreqAI fills what it has not with 0
TRAINED = "prediction_trained"  # of FreqAI's `extra_returns_per_train`: seconds UTC


def is_on(config: Mapping[str, Any]) -> bool:
    """Whether FreqAI runs."""
    return bool(config.get("freqai", {}).get("enabled", False))

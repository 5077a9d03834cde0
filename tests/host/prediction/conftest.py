"""A market that a predictor can read, and runs with one that several tests look at."""

from pathlib import Path

import pytest

from backtests.runs import Market
from host.prediction.tiny import CONFLUENCE, WIDE, Predicted, predicted, waves


@pytest.fixture(scope="session")
def swings(spot: Market, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Two pairs whose prices swing so that their direction can be learned."""
    return waves(tmp_path_factory.mktemp("waves"), spot)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs that tests share keep their models."""
    return tmp_path_factory.mktemp("predicted")


@pytest.fixture(scope="session")
def grid(swings: Market, folder: Path) -> Predicted:
    """A grid on these swings, with a predictor."""
    return predicted(folder / "grid", swings)


@pytest.fixture(scope="session")
def confluence(rich_spot: Market, folder: Path) -> Predicted:
    """Confluence on the simulated market, with all modules and a predictor that sees hours."""
    return predicted(folder / "confluence", rich_spot, CONFLUENCE, strategy="Confluence", **WIDE)

"""One run of Confluence that most tests here read."""

from pathlib import Path

import pytest

from backtests import runs
from backtests.runs import Market, Run
from host.directional.quick import QUICK, Life, Lives


@pytest.fixture(scope="session")
def watched(
    rich_futures: Market, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Run, list[Life]]:
    lives, folder = Lives(), tmp_path_factory.mktemp("confluence")
    run = runs.run(Path(folder), rich_futures, QUICK, strategy="Confluence", watch=lives.watch)
    return run, lives.all()


@pytest.fixture(scope="session")
def confluence(watched: tuple[Run, list[Life]]) -> Run:
    """Confluence on futures, both sides."""
    return watched[0]


@pytest.fixture(scope="session")
def lives(watched: tuple[Run, list[Life]]) -> list[Life]:
    """Its trades, with what stood after each candle."""
    return watched[1]

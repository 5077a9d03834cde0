from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from live.bot import Bot
from live.session import FORCE_SECONDS, VENUES, Record, Venue, live_through
from sandbox.running import running_exchange


@pytest.fixture(scope="session")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, "Future[Record]"]]:
    """One bot per venue, all at once: mostly they wait for the market."""
    with running_exchange(profile="lively") as exchange, ThreadPoolExecutor() as pool:
        folder = tmp_path_factory.mktemp("live")
        bots = {
            venue: Bot(folder / venue.name, exchange.config_path, venue.overlays, venue.settings())
            for venue in VENUES
        }
        try:
            yield {
                venue.name: pool.submit(live_through, venue, bot, exchange.url)
                for venue, bot in bots.items()
            }
        finally:  # an interrupted run does not wait for their stories' ends
            for bot in bots.values():
                bot.kill()


@pytest.fixture(scope="session", params=VENUES, ids=lambda venue: venue.name)
def record(request: pytest.FixtureRequest, lives: dict[str, "Future[Record]"]) -> Record:
    """What was seen of one bot's life."""
    venue: Venue = request.param
    return lives[venue.name].result(timeout=6 * FORCE_SECONDS)

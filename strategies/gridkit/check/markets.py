"""The exchange's markets: as it states them, or what is assumed of them without asking."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from freqtrade.enums import RunMode
from freqtrade.exceptions import FreqtradeException
from freqtrade.resolvers import ExchangeResolver

LEAST_ORDER = 5.0
FEES = {"spot": 0.001, "futures": 0.0005}
LIKE_DOLLARS = {"USDT", "USDC", "FDUSD", "BUSD", "TUSD", "DAI", "USD", "EUR"}


class MarketsError(Exception):
    """Why the exchange's markets cannot be had; one line."""


@dataclass(frozen=True, slots=True)
class Markets:
    """Markets by pair, as ccxt states them. `asked` is False while they are assumed."""

    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: bool = False

    def of(self, pair: str, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return a pair's market; None where the exchange has no such pair, or it is unknown."""
        return self.known.get(pair) if self.asked else assumed(config)


def assumed(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a market with usual fees and a usual smallest order; None in an unusual currency."""
    if config.get("stake_currency") not in LIKE_DOLLARS:
        return None
    fee = FEES["futures" if config.get("trading_mode") == "futures" else "spot"]
    return {"taker": fee, "maker": fee, "limits": {"cost": {"min": LEAST_ORDER}}}


def asked(config: Mapping[str, Any]) -> Markets:
    """Ask the exchange, without a key. Raises MarketsError where it cannot be reached."""
    # What it leaves unanswered when it is closed is told once, by MarketsError.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
    unsigned = {"key": "", "secret": "", "password": "", "uid": ""}
    public = {**config["exchange"], **unsigned}
    read = {**config, "exchange": public, "dry_run": True, "runmode": RunMode.UTIL_EXCHANGE}
    try:
        exchange = ExchangeResolver.load_exchange(read, validate=False)
        try:
            exchange.reload_markets(force=True, load_leverage_tiers=False)
            found = dict(exchange.markets)
        finally:
            exchange.close()
    except (FreqtradeException, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise MarketsError(f"--markets: {public['name']} cannot be asked: {reason}") from None
    if not found:  # freqtrade logs why, and goes on
        raise MarketsError(f"--markets: {public['name']} cannot be reached from here")
    return Markets(found, asked=True)

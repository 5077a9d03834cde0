"""`gridkit portfolio`: what the positions of a running Confluence came to, and what binds them."""

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gridkit.host.directional.published import KEY
from gridkit.why.bot import Bot, BotError, access_of
from gridkit.why.command import FAILED, WIDE, add_bot_options
from gridkit.why.rows import must_trade, published

COLUMNS = ("pair", "side", "stake", "share", "open profit", "profit in all", "stop")
NOTHING = "no position is open, so nothing binds: profits are those of closed trades"


@dataclass(frozen=True, slots=True)
class Position:
    """One pair. Money in stake currency, `share` of capital; None is unknown or none.

    `profit` is what was realised on the pair, `open_profit` what is open of it now; `prediction`
    is what is predicted of it, where something is.
    """

    pair: str
    side: str
    stake: float
    share: float | None
    open_profit: float
    profit: float
    stop: float | None
    prediction: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What a bot said. `figures` are those of the strategy's last look, empty without a position.

    They hold, as JSON: `diversification_ratio`, `risk_used` and `risk_left` (stake currency),
    `groups` of correlated pairs, `pairs` and their `correlations`, `correlation_risen`.
    """

    name: str
    currency: str
    positions: tuple[Position, ...]
    total_profit: float
    figures: Mapping[str, Any]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its options."""
    parser = subparsers.add_parser(
        "portfolio",
        help="ask a running Confluence: profits, exposure, correlations and risk of its positions",
        description="Ask a running Confluence over its REST API for profit and exposure by pair, "
        "the diversification ratio, correlations, and how much of the allowed risk is used.",
        epilog="example: gridkit portfolio -c config.json -c user_data/configs/api.json",
        allow_abbrev=False,
    )
    add_bot_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what the bot says; return 0, or 1 after one clear line."""
    try:
        found = asked(
            Bot(access_of(options.config, options.url, options.username, options.password))
        )
    except BotError as error:
        sys.stderr.write(f"gridkit portfolio: {error}\n")
        return FAILED
    if options.json:
        sys.stdout.write(json.dumps(asdict(found), allow_nan=False) + "\n")
        return 0
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(table(found))
    if found.figures:
        console.print(correlations(found.figures))
    for sentence in sentences(found):
        console.print(sentence, markup=False, highlight=False)
    return 0


def asked(bot: Bot) -> Portfolio:
    """Ask a bot for its positions. Raises BotError, also where it runs another strategy."""
    config = bot.ask("show_config")
    must_trade(config, bot.url)
    trades = bot.ask("status")
    trades = trades if isinstance(trades, list) else []
    states = {trade["pair"]: published(bot, trade, KEY) for trade in trades}
    if trades and not any(states.values()):
        raise BotError(f"{config['strategy']} publishes no portfolio: Confluence does")
    latest = max(states.values(), key=lambda state: str(state.get("updated", "")), default={})
    figures = latest.get("portfolio") or {}
    realised = _realised(bot.ask("performance"), trades)
    shares = figures.get("exposures") or {}
    positions = [
        _position(trade, states[trade["pair"]], shares.get(trade["pair"]), realised)
        for trade in trades
    ]
    total = sum(realised.values()) + sum(one.open_profit for one in positions)
    return Portfolio(
        config.get("bot_name") or "freqtrade",
        config.get("stake_currency", ""),
        (*positions, *_closed(realised, {one.pair for one in positions})),
        total,
        figures,
    )


def _realised(performance: Any, trades: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return realised profit by pair: of closed trades, and of the parts of open ones."""
    rows = performance if isinstance(performance, list) else []
    found = {row["pair"]: _finite(row.get("profit_abs")) for row in rows}
    for trade in trades:
        found[trade["pair"]] = found.get(trade["pair"], 0.0) + _finite(trade.get("realized_profit"))
    return found


def _position(
    trade: Mapping[str, Any],
    state: Mapping[str, Any],
    share: float | None,
    realised: Mapping[str, float],
) -> Position:
    return Position(
        trade["pair"],
        "short" if trade.get("is_short") else "long",
        _finite(trade.get("stake_amount")),
        share,
        _finite(trade.get("profit_abs")),
        realised[trade["pair"]] + _finite(trade.get("profit_abs")),
        state.get("stop"),
        state.get("prediction"),
    )


def _closed(realised: Mapping[str, float], held: set[str]) -> list[Position]:
    return [
        Position(pair, "", 0.0, 0.0, 0.0, profit, None)
        for pair, profit in realised.items()
        if pair not in held
    ]


def _finite(value: Any) -> float:
    """Return a number of an answer; 0 where freqtrade has none, as of a trade without a fill."""
    return float(value) if value is not None and math.isfinite(value) else 0.0


def table(found: Portfolio) -> Table:
    """Set the pairs below each other."""
    title = f"{found.name}: profit {found.total_profit:,.2f} {found.currency} in all"
    made = Table(title=Text(title), title_justify="left")
    for name in COLUMNS:
        made.add_column(name, justify="left" if name in ("pair", "side") else "right")
    for one in found.positions:
        made.add_row(*(Text(cell) for cell in cells(one)))
    return made


def cells(one: Position) -> tuple[str, ...]:
    """Return one pair's row; what a pair without a position lacks stays empty."""
    held = bool(one.side)
    return (
        one.pair,
        one.side or "none",
        f"{one.stake:,.2f}" if held else "",
        f"{one.share:.1%}" if held and one.share is not None else "",
        f"{one.open_profit:+,.2f}" if held else "",
        f"{one.profit:+,.2f}",
        "" if one.stop is None else f"{one.stop:.8g}",
    )


def correlations(figures: Mapping[str, Any]) -> Table:
    """Set the correlations of the whitelist side by side; a dash where one is unknown."""
    pairs = figures.get("pairs") or []
    made = Table(title=Text("correlation of 30 days"), title_justify="left")
    made.add_column("")
    for pair in pairs:
        made.add_column(pair, justify="right")
    for pair, row in zip(pairs, figures.get("correlations") or [], strict=True):
        made.add_row(pair, *("-" if value is None else f"{value:.2f}" for value in row))
    return made


def sentences(found: Portfolio) -> list[str]:
    """Return what holds for all pairs together."""
    figures = found.figures
    if not figures:
        return [NOTHING]
    ratio = figures.get("diversification_ratio")
    said = [
        f"diversification ratio {'unknown' if ratio is None else f'{ratio:.2f}'}"
        " (1: all moves as one)",
        f"risk to the stops {_money(figures.get('risk_used'))}, "
        f"{_money(figures.get('risk_left'))} may be added",
    ]
    for group in figures.get("groups") or []:
        if len(group["pairs"]) > 1:
            share = group["exposure"]
            told = "unknown" if share is None else f"{share:.1%} of capital"
            said.append(f"moving together: {', '.join(group['pairs'])}: {told}")
    said += [f"{one.pair}: {one.prediction['told']}" for one in found.positions if one.prediction]
    if figures.get("correlation_risen"):
        said.append("all pairs have come to move together: the limits are cut")
    return said


def _money(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.2f}"

"""The report as tables for people."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.verdicts import Verdict

_TOP = 10
_WIDTH = 110
_WHOLE = 100  # from here on, decimals say nothing


def show(report: Mapping[str, Any], judged: Iterable[Verdict]) -> None:
    """Print everything on stdout."""
    console = Console()
    console = console if console.is_terminal else Console(width=_WIDTH)
    for table in (
        _speeds(report),
        _callbacks(report),
        _live_loop(report["live_loop"]),
        _profile("(b)", report["grid"]["profile"]),
        _profile("(d)", report["directional"]["profile"]),
        _analytics(report["analytics"]),
        of_predictor(report["prediction"]),
        _verdicts(judged),
    ):
        console.print(table)
    console.print(_notes(report), markup=False, highlight=False)


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _speeds(report: Mapping[str, Any]) -> Table:
    part = report["slice"]
    rows = {
        "(a) HoldOnly, mean of two": report["hold"],
        "(b) AdaptiveGrid": report["grid"],
        "(d) Confluence": report["directional"],
        f"(b) last {part['days']} days": part["grid"],
        f"(c) copied callbacks, last {part['days']} days": part["copied"],
    }
    table = _table(
        "freqtrade's backtest loop, CPU time", "", "candles/s", "loop s", "analysis s", "fills"
    )
    for name, run in rows.items():
        table.add_row(
            name,
            f"{run['candles_per_second']:,.0f}",
            f"{run['loop_cpu_seconds']:.1f}",
            f"{run['analysis_cpu_seconds']:.1f}",
            f"{run['fills']:,}",
        )
    return table


def _callbacks(report: Mapping[str, Any]) -> Table:
    costs = report["callbacks"]
    sizes = list(next(iter(costs.values())))
    table = _table(
        "Microseconds per call, by orders in the trade", "", *(f"{int(n):,}" for n in sizes)
    )
    for name, row in costs.items():
        table.add_row(name, *(f"{row[size]:,.1f}" for size in sizes))
    return table


def _live_loop(part: Mapping[str, Any]) -> Table:
    sizes = list(next(iter(part["own"].values())))
    table = _table(
        "One loop of a running bot, CPU milliseconds, by orders in the trade",
        "",
        *(f"{int(n):,}" for n in sizes),
    )
    for title, how in (("read-only", "own"), ("copied", "copied")):
        for name, row in part[how].items():
            table.add_row(f"{title}: {name}", *(f"{1_000 * row[size]:,.1f}" for size in sizes))
        table.add_section()
    return table


def _analytics(part: Mapping[str, Any]) -> Table:
    table = _table(f"Analytics of {part['rows']:,} 5m candles, CPU seconds", "", "s")
    for name, seconds in part["modules"].items():
        table.add_row(name, f"{seconds:.3f}")
    for name, seconds in part["shared"].items():
        table.add_row(f"{name}, once for all pairs", f"{seconds:.3f}")
    return table


def of_predictor(part: Mapping[str, Any]) -> Table:
    """Return how long training and answers take, ours and FreqAI's example."""
    table = _table(
        "FreqAI, 30 days of 5m of one pair, seconds of the clock",
        "",
        "columns",
        "training s",
        "features ms",
        "one row ms",
    )
    names = {"ours": "ours, three horizons", "example": "FreqAI's example, one regressor"}
    for key, row in part.items():
        table.add_row(
            names[key],
            f"{row['columns']:.0f}",
            f"{row['train_seconds']:.2f}",
            f"{row['features_ms']:.0f}",
            f"{row['predict_ms']:.1f}",
        )
    return table


def _profile(run: str, profile: Mapping[str, Any]) -> Table:
    """Where a run spends its loop; shares overlap, as functions call each other."""
    table = _table(f"Shares of {run}'s loop, functions on the stack", "", "share")
    table.add_row("our code, freqtrade's that it calls included", f"{profile['inclusive']:.1%}")
    table.add_row("our code, freqtrade's that it calls left out", f"{profile['exclusive']:.1%}")
    for key in ("callbacks", "functions", "innermost", "freqtrade"):
        table.add_section()
        for name, share in list(profile[key].items())[:_TOP]:
            table.add_row(f"{key}: {name}", f"{share:.1%}")
    return table


def _verdicts(judged: Iterable[Verdict]) -> Table:
    table = _table("Wanted", "", "value", "bound", "")
    for verdict in judged:
        sign = "≤" if verdict.at_most else "≥"
        bound = f"{sign} {verdict.bound:,g}"
        value = f"{verdict.value:,.{0 if verdict.value >= _WHOLE else 3}f}"
        table.add_row(verdict.name, value, bound, "met" if verdict.met else "MISSED")
    return table


def _notes(report: Mapping[str, Any]) -> str:
    data, machine, memory = report["data"], report["machine"], report["memory"]
    return (
        f"Candles: {len(data['pairs'])} pairs, {data['days']} days of 5m from {data['start']}, "
        f"simulated ({data['profile']}, seed {data['seed']}), fingerprint {data['fingerprint']}.\n"
        f"Settings: {report['settings']}\n"
        f"Largest trade of (b): {report['grid']['most_orders_in_a_trade']} orders. "
        f"Memory: (b) alone {memory['grid_mb']:,.0f} MB, "
        f"this whole run {memory['whole_mb']:,.0f} MB.\n"
        f"Machine: {machine['cpus']} CPUs, Python {machine['python']}, "
        f"freqtrade {machine['freqtrade']}. Took {report['wall_seconds']:.0f} s.\n"
        "A candle is one pair's. Seconds are CPU seconds of this process. The profile is sampled\n"
        "every 5 ms of CPU time, within the loop. Our code: strategies/."
    )

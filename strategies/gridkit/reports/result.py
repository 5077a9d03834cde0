"""Reads a freqtrade backtest export and its candles into a `Run`, with freqtrade's loaders."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from freqtrade.data.btanalysis import (
    get_latest_backtest_filename,
    load_backtest_stats,
    load_file_from_zip,
)
from freqtrade.exchange import timeframe_to_seconds

from gridkit.reports.entry_stops import entry_stops
from gridkit.reports.market_data import (
    DataSource,
    ReportError,
    as_report_error,
    exchange_option,
    load_candles,
    load_funding,
)
from gridkit.reports.records import Candles, FundingRows, Lock, Run, trade_records

DEFAULT_RESULT = Path("user_data/backtest_results")


def load_run(result: Path, strategy: str | None = None, datadir: Path | None = None) -> Run:
    """Read an export (.zip, .json or the results folder) and its candles; raises ReportError."""
    path = export_path(result)
    stats = chosen_strategy(read_export(path), strategy, path)
    config = export_config(path)
    source = data_source(path, stats, config, datadir)
    run = run_from_stats(stats, source)
    return replace(run, stops=entry_stops(stats["trades"], config, source))


def export_path(result: Path) -> Path:
    """Return the export itself; of a folder, the newest by freqtrade's own note."""
    if result.is_dir():
        with as_report_error(f"no backtest result in the folder {result}"):
            result = result / get_latest_backtest_filename(result)
    if not result.is_file():
        raise ReportError(
            f"no such result: {result}. Give a .zip that `freqtrade backtesting` wrote, or the "
            "folder it writes to (with `--export trades`, its default)."
        )
    return result


def read_export(path: Path) -> Mapping[str, Any]:
    """Return freqtrade's statistics, by strategy name."""
    with as_report_error(f"{path} is not a freqtrade backtest export"):
        stats = load_backtest_stats(path)
    if not isinstance(stats, dict) or not isinstance(stats.get("strategy"), dict):
        raise ReportError(
            f'{path} is not a freqtrade backtest export: it holds no "strategy" section.'
        )
    return cast(Mapping[str, Any], stats["strategy"])


def chosen_strategy(strategies: Mapping[str, Any], name: str | None, path: Path) -> dict[str, Any]:
    """Return one strategy's statistics, which must hold trades."""
    names = ", ".join(sorted(strategies))
    if name is None and len(strategies) != 1:
        raise ReportError(f"{path} holds several strategies; choose one with --strategy: {names}")
    name = name or next(iter(strategies))
    if name not in strategies:
        raise ReportError(f"{path} holds no strategy {name!r}; it holds: {names}")
    stats = dict(strategies[name], strategy_name=name)
    if not stats.get("trades"):
        raise ReportError(f"{path}: {name} made no trades, so there is nothing to report.")
    if any("orders" not in trade or trade["orders"] is None for trade in stats["trades"]):
        raise ReportError(f"{path} lists trades without orders; freqtrade 2023.1 or newer does.")
    return stats


def export_config(path: Path) -> dict[str, Any]:
    """Return the config freqtrade stored beside the result; empty where it stored none."""
    if path.suffix != ".zip":
        return {}
    name = f"{path.stem}_config.json"
    with zipfile.ZipFile(path) as archive:
        if name not in archive.namelist():
            return {}
    with as_report_error(f"the config inside {path} cannot be read"):
        return dict(json.loads(load_file_from_zip(path, name)))


def data_source(
    path: Path, stats: Mapping[str, Any], config: Mapping[str, Any], datadir: Path | None
) -> DataSource:
    """Find the candles: the folder asked for, else the usual one beside the results."""
    exchange = str(config.get("exchange", {}).get("name", ""))
    return DataSource(
        datadir=datadir or default_datadir(path, config, exchange),
        data_format=config.get("dataformat_ohlcv") or "feather",
        exchange=exchange,
        trading_mode=stats.get("trading_mode") or config.get("trading_mode") or "spot",
        timerange=stats.get("timerange") or "",
        futures_funding_rate=config.get("futures_funding_rate"),
    )


def default_datadir(path: Path, config: Mapping[str, Any], exchange: str) -> Path:
    """Return the first that exists of the usual places, else the usual one."""
    usual = Path("user_data/data") / exchange
    places = [path.parent.parent / "data" / exchange, usual]
    if config.get("user_data_dir"):
        places.insert(0, Path(config["user_data_dir"]) / "data" / exchange)
    return next((place for place in places if exchange and place.is_dir()), usual)


def source_of_config(config: Mapping[str, Any]) -> DataSource:
    """Find the candles of a complete config, as inside a running freqtrade."""
    return DataSource(
        datadir=Path(config["datadir"]),
        data_format=config.get("dataformat_ohlcv") or "feather",
        exchange=config["exchange"]["name"],
        trading_mode=str(config.get("trading_mode") or "spot"),
        timerange=str(config.get("timerange") or ""),
        futures_funding_rate=config.get("futures_funding_rate"),
    )


def run_from_stats(stats: Mapping[str, Any], source: DataSource) -> Run:
    """Build the run of one strategy's statistics, which may come straight from `Backtesting`."""
    if not source.datadir.is_dir():
        raise ReportError(
            f"no candles: the folder {source.datadir} does not exist. Name the one used for the "
            "backtest with --datadir."
        )
    span = span_of(stats)
    timeframe = stats["timeframe"]
    detail = stats.get("timeframe_detail") or timeframe
    traded = traded_pairs(stats)
    pairs = list(dict.fromkeys([*stats["pairlist"], *traded]))
    candles = load_candles(source, pairs, timeframe, *span)
    _require(candles, traded, source, timeframe)
    fine = candles if detail == timeframe else load_candles(source, traded, detail, *span)
    run = run_from_candles(stats, source, candles, load_funding(source, traded, *span))
    return replace(
        run,
        fill_candles=fine,
        warnings=tuple(_absences(pairs, candles, timeframe) + _absences(traded, fine, detail)),
    )


def run_from_candles(
    stats: Mapping[str, Any],
    source: DataSource,
    candles: Mapping[str, Candles],
    funding: Mapping[str, FundingRows],
) -> Run:
    """Build a run from data that is already in memory."""
    start, end = span_of(stats)
    detail = stats.get("timeframe_detail") or stats["timeframe"]
    return Run(
        strategy=stats["strategy_name"],
        stake_currency=stats["stake_currency"],
        trading_mode=source.trading_mode,
        starting_balance=float(stats["starting_balance"]),
        final_balance=stats.get("final_balance"),
        start=start,
        end=end,
        step=timeframe_to_seconds(stats["timeframe"]),
        fill_step=timeframe_to_seconds(detail),
        pairs=tuple(dict.fromkeys([*stats["pairlist"], *traded_pairs(stats)])),
        trades=trade_records(stats["trades"]),
        candles=candles,
        fill_candles=candles,
        funding=funding,
        funding_step=timeframe_to_seconds(exchange_option(source, "funding_fee_timeframe")),
        fee_fraction=float(stats["trades"][0]["fee_open"] or 0.0) if stats["trades"] else 0.0,
        locks=_locks(stats),
    )


def _locks(stats: Mapping[str, Any]) -> tuple[Lock, ...] | None:
    found = stats.get("locks")
    if found is None:
        return None
    return tuple(
        Lock(
            str(one["pair"]),
            int(one["lock_end_timestamp"]) // 1000,
            str(one["reason"]),
        )
        for one in found
    )


def span_of(stats: Mapping[str, Any]) -> tuple[int, int]:
    """Return the opening times of the first and the last candle, in seconds."""
    return int(stats["backtest_start_ts"]) // 1000, int(stats["backtest_end_ts"]) // 1000


def traded_pairs(stats: Mapping[str, Any]) -> list[str]:
    """Return the pairs that had trades, sorted."""
    return sorted({trade["pair"] for trade in stats["trades"]})


def _absences(pairs: list[str], candles: Mapping[str, Candles], timeframe: str) -> list[str]:
    return [
        f"No {timeframe} candles of {pair} in the data folder: buy and hold goes without it, and "
        "whether its fills were strict is unknown."
        for pair in pairs
        if pair not in candles
    ]


def _require(
    candles: Mapping[str, Candles], traded: list[str], source: DataSource, timeframe: str
) -> None:
    missing = [pair for pair in traded if pair not in candles]
    if missing:
        raise ReportError(
            f"{source.datadir} has no {timeframe} {source.candle_type.value} candles of "
            f"{', '.join(missing)} within the backtest. Name the folder used for it with "
            "--datadir, or download them with `freqtrade download-data`."
        )

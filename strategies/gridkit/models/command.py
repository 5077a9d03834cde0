"""`gridkit models`: learners compared on the same days, their features, and what these say."""

import argparse
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its own."""
    parser = subparsers.add_parser(
        "models",
        help="compare the predictor's learners, list its features, read their importance",
        description="The predictor's learners, without an exchange.",
        allow_abbrev=False,
    )
    below = parser.add_subparsers(required=True, metavar="WHAT")
    _add_compare(below)
    _add_features(below)
    _add_importance(below)


def _add_compare(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "compare",
        help="train learners on the same windows, and judge them on the days after",
        description="Train learners window by window on candles of a data folder, let them predict "
        "the days after each, and print how good they were, all on the same candles with the same "
        "seeds.",
        epilog="example: gridkit models compare --datadir user_data/data/binance --pairs BTC/USDT "
        "--timerange 20240101-20240301 --png learners.png",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--datadir",
        metavar="DIR",
        type=Path,
        required=True,
        help="candles as freqtrade stores them",
    )
    parser.add_argument("--pairs", metavar="PAIR", nargs="+", help="default: those of --config")
    _add_shown(parser)
    parser.add_argument("--from", dest="since", metavar="DATE", help="first day to predict, UTC")
    parser.add_argument("--to", dest="until", metavar="DATE", help="day before which to stop, UTC")
    parser.add_argument(
        "--timerange", metavar="RANGE", help="both as freqtrade writes it: 20240101-20240301"
    )
    parser.add_argument(
        "--train-days", metavar="N", type=float, help="to learn from before each window; 30"
    )
    parser.add_argument("--test-days", metavar="N", type=float, help="of a window; 7")
    parser.add_argument(
        "--learners", metavar="NAME", nargs="+", help="default: those that are installed"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="of learners and resampling; 1")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures as JSON")
    parser.add_argument("--png", metavar="FILE", type=Path, help="write a picture")
    parser.set_defaults(run=_compare)


def _add_features(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "features",
        help="list what a learner is shown of a candle, and how many numbers that makes",
        description="List the features by family, and count the columns they make on timeframes "
        "and pairs.",
        epilog="example: gridkit models features --timeframes 5m 15m 1h --correlated BTC/USDT",
        allow_abbrev=False,
    )
    _add_shown(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=_features)


def _add_importance(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "importance",
        help="what each feature was worth to the models FreqAI saved",
        description="Read the models that FreqAI saved of our predictor, and print what share each "
        "feature had in them, per horizon, the mean of all models. A model is a pickle, and to "
        "read a pickle is to run what is in it: name only models that you made yourself.",
        epilog="example: gridkit models importance user_data/models/IDENTIFIER --csv shares.csv",
        allow_abbrev=False,
    )
    parser.add_argument(
        "models",
        metavar="MODEL_OR_FOLDER",
        type=Path,
        help="a cb_..._model.joblib, or a folder that holds some; nothing outside it is read",
    )
    parser.add_argument(
        "--top", metavar="N", type=int, default=20, help="print so many features; default 20"
    )
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write all features as CSV")
    parser.set_defaults(run=_importance)


def _add_shown(parser: argparse.ArgumentParser) -> None:
    """Register what says which features there are."""
    parser.add_argument("--timeframe", metavar="T", help="candles that are predicted; 5m")
    parser.add_argument(
        "--timeframes", metavar="T", nargs="+", help="that features are of; 5m 15m 1h"
    )
    parser.add_argument(
        "--correlated", metavar="PAIR", nargs="+", help="pairs whose features are shown as well"
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="whose sections gridkit and freqai are the defaults; several as freqtrade takes them",
    )


# The libraries of the learners load only for a command that needs them.


def _compare(options: argparse.Namespace) -> int:
    from gridkit.models import comparing  # noqa: PLC0415

    return comparing.run(options)


def _features(options: argparse.Namespace) -> int:
    from gridkit.models import listing  # noqa: PLC0415

    return listing.run(options)


def _importance(options: argparse.Namespace) -> int:
    from gridkit.models import importance  # noqa: PLC0415

    return importance.run(options)

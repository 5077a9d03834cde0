"""Candles of a higher timeframe beside those of the strategy, without look-ahead."""

import pandas as pd
from freqtrade.data.dataprovider import DataProvider
from freqtrade.exceptions import OperationalException
from freqtrade.strategy import merge_informative_pair

from gridkit.analytics import trend
from gridkit.settings import Settings


def with_trend(
    frame: pd.DataFrame, pair: str, timeframe: str, dp: DataProvider, settings: Settings
) -> pd.DataFrame:
    """Return the frame with the trend's columns as they were known at each candle."""
    wanted = settings.trend.timeframe
    if wanted == timeframe:
        return frame.join(trend.compute(frame, settings))
    higher = dp.get_pair_dataframe(pair, wanted)
    if higher.empty:
        raise OperationalException(
            f"No {wanted} candles of {pair} for the trend gate. Download them (freqtrade "
            f"download-data --timeframes {timeframe} {wanted}), choose another timeframe with "
            "gridkit.trend.timeframe, or switch the gate off with gridkit.trend.enabled."
        )
    columns = pd.concat([higher[["date"]], trend.compute(higher, settings)], axis=1)
    merged = merge_informative_pair(frame, columns, timeframe, wanted, ffill=True)
    suffix = f"_{wanted}"
    renamed = {f"{name}{suffix}": name for name in ("trend_strength", "trend_side")}
    return merged.rename(columns=renamed).drop(columns=[f"date{suffix}"])

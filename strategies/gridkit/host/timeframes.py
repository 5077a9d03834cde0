"""Candles of a higher timeframe beside those of the strategy, without look-ahead."""

import pandas as pd
from freqtrade.data.dataprovider import DataProvider
from freqtrade.exceptions import OperationalException
from freqtrade.strategy import merge_informative_pair


def candles_of(dp: DataProvider, pair: str, wanted: str, base: str) -> pd.DataFrame:
    """Return a pair's candles of another timeframe: in a backtest all of them, later ones too.

    Raises OperationalException where there are none, with what to do about it.
    """
    frame = dp.get_pair_dataframe(pair, wanted)
    if frame.empty:
        raise OperationalException(
            f"No {wanted} candles of {pair} for the trend gate. Download them (freqtrade "
            f"download-data --timeframes {base} {wanted}), choose another timeframe with "
            "gridkit.trend.timeframe, or switch the gate off with gridkit.trend.enabled."
        )
    return frame


def merged(
    frame: pd.DataFrame, base: str, dates: pd.Series, columns: pd.DataFrame, higher: str
) -> pd.DataFrame:
    """Return the frame with a higher timeframe's columns as they were known at each candle.

    `dates` are the open times of the higher candles, `columns` what was computed from them; a value
    is seen from the candle on that closes when the higher one does.
    """
    dated = pd.concat([dates.rename("date"), columns], axis=1)
    together = merge_informative_pair(frame, dated, base, higher, ffill=True)
    suffix = f"_{higher}"
    renamed = {f"{name}{suffix}": name for name in columns.columns}
    return together.rename(columns=renamed).drop(columns=[f"date{suffix}"])

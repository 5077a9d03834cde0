"""A readable twin of host.columns: each column at one moment, from the files as known by then."""

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import (
    basket,
    confluence,
    correlation,
    estimators,
    forecast,
    garch,
    implied,
    orderflow,
    profile,
    regime,
    scores,
    scores_parts,
    shocks,
    stress,
    thresholds,
    volatility,
)
from gridkit.feeds import volatility_index
from gridkit.host.columns import REGIME_COLUMNS
from host import analysed
from host.analysed import OWN

FIVE_MINUTES, HOUR = pd.Timedelta("5min"), pd.Timedelta("1h")
MONTH_SECONDS = 30 * 24 * 3_600


class Cut:
    """A pair's inputs as they were known at one moment, read from the files themselves."""

    def __init__(self, market, pair, moment, frame):
        self.market, self.pair, self.moment = market, pair, moment
        self.own = frame.loc[frame["date"] + FIVE_MINUTES <= moment, OWN]

    def candles(self, timeframe, pair=None, since=None):
        if timeframe == "5m" and pair is None:
            return self.own
        path = analysed.candles_file(self.market, pair or self.pair, timeframe)
        frame = pd.read_feather(path)
        closed = analysed.known_from(frame, path.stem) <= self.moment
        return frame[closed & (frame["date"] >= since)] if since else frame[closed]


def last(frame, column):
    return frame[column].iloc[-1]


def expected_at(market, pair, moment, frame, settings, starts):
    """A readable twin of host.columns, for the last candle that had closed at a moment."""
    cut = Cut(market, pair, moment, frame)
    hours = cut.candles("1h", since=starts["1h"])
    every = {one: cut.candles("1h", one, since=starts["1h"]) for one in market.pairs}
    seconds = moment.timestamp()
    index = volatility_index.read(analysed.index_of(market))
    known = {
        "realised": volatility.realised(cut.own, settings).iloc[-1],
        "garch": last(garch.compute(hours, settings), "garch_volatility"),
        "basket": last(basket.volatility(every, settings), "basket_volatility"),
        # The index knows new values on whole hours only, as everything hourly does.
        "implied": implied.known_at(index, np.array([seconds // 3_600 * 3_600]), 3.0)[0],
    }
    if not pair.startswith("ETH"):
        month = {one: monthly(frame) for one, frame in every.items()}
        eth = next(one for one in market.pairs if one.startswith("ETH"))
        scale = np.array([known["implied"]]), np.array([month[pair]]), np.array([month[eth]])
        known["implied"] = implied.scaled(*scale)[0]
    annual = forecast.composite(
        {name: np.array([value]) for name, value in known.items()}, settings.volatility.weights
    )
    expected = {f"volatility_{name}": value for name, value in known.items()}
    expected["volatility_forecast"] = annual[0]
    expected["volatility_class"] = forecast.regime_of(annual, settings.volatility.regimes)[0]
    expected["volatility_daily"] = annual[0] / np.sqrt(365)
    row = regime.compute(hours, settings).iloc[-1]
    expected |= {name: row[name] for name in REGIME_COLUMNS if name != "regime_code"}
    expected["regime_code"] = settled_codes(seen_codes(hours, cut.own, settings))[-1]
    expected |= stress_at(cut, market, pair, hours, every, settings, starts)
    expected |= shock_at(cut.own, every, settings)
    expected |= profile.compute(cut.own, settings).iloc[-1].to_dict()
    expected |= thresholds.compute(hours, settings).iloc[-1].to_dict()
    expected |= confluence_at(cut, market, pair, settings, starts)
    expected |= orderflow_at(cut, market, pair, settings)
    return expected


def monthly(hours):
    closes = hours["close"].to_numpy("float64")
    return estimators.close_to_close(closes, candles.times(hours), MONTH_SECONDS)[-1]


def seen_codes(hours, own, settings):
    """What every 5m candle could know of the regime of its last closed hour, by its close."""
    codes = regime.compute(hours, settings).set_index(hours["date"] + HOUR)["regime_code"]
    return codes.reindex(own["date"] + FIVE_MINUTES, method="ffill").fillna(0).astype("int8")


def settled_codes(seen, minutes=15):
    """The code at each close that was the last to hold for so long."""
    current, began, counted, settled = None, None, 0, []
    for moment, code in seen.items():
        if code != current:
            current, began = code, moment
        if moment - began >= pd.Timedelta(minutes=minutes):
            counted = current
        settled.append(counted)
    return settled


def stress_at(cut, market, pair, hours, every, settings, starts):
    thin = stress.compute(hours, settings)
    scale = settings.stress.window_days * 24, settings.stress.percentile
    together = correlation.mean_pairwise(correlation.returns(every), settings)
    moved = stress.stressed(together["correlation_mean"].to_numpy(), *scale)[-1]
    paid = np.nan
    if market.futures:
        hourly, _ = scores_parts.latest(*funding_of(cut, market, pair, starts), times_of(hours))
        paid = stress.funding_stress(hourly, *scale)[-1]
    factor = float(stress.combined(paid, moved, last(thin, "stress_liquidity")))
    liquidity = last(thin, "stress_liquidity_factor")
    return {
        "stress_factor": factor,
        "stress_gap_factor": np.nan_to_num(factor, nan=1.0) * np.nan_to_num(liquidity, nan=1.0),
    }


def shock_at(own, every, settings):
    """The first shock whose figure is beyond its threshold, and the figure."""
    figures, rule = shocks.compute(own, settings).iloc[-1], settings.breakers
    found = [
        (1, figures["shocks_move"], figures["shocks_move"] >= rule.move),
        (2, figures["shocks_volume"], figures["shocks_volume"] >= rule.volume),
        (3, figures["shocks_volatility"], figures["shocks_volatility"] >= rule.volatility),
    ]
    broken = broken_at(every, settings)
    found.append((4, broken, broken < rule.correlation_to))
    kind, value, _ = next((one for one in found if one[2]), (0, np.nan, True))
    return {"shocks_kind": kind, "shocks_value": value}


def broken_at(every, settings):
    """The mean correlation of the last day's hours, where that of the whole window is high."""
    returns = correlation.returns(every)
    window = correlation.latest(returns, settings)
    pairs = [(a, b) for a in window for b in window if a < b]
    usual = np.nanmean([window.loc[a, b] for a, b in pairs])
    day = returns.iloc[-24:]
    now = np.mean([day[a].corr(day[b]) for a, b in pairs])
    return now if usual >= settings.breakers.correlation_from else np.nan


def times_of(hours):
    return candles.times(hours) + 3_600


def funding_of(cut, market, pair, starts):
    path = next(one for one in analysed.files_of(market, pair) if "funding_rate" in one.stem)
    rates = pd.read_feather(path)
    timeframe = path.stem.split("-")[1]
    rates = rates[(rates["date"] <= cut.moment) & (rates["date"] >= starts[timeframe])]
    return candles.times(rates), rates["funding_rate"].to_numpy()


def confluence_at(cut, market, pair, settings, starts):
    funding, interest = None, None
    if market.futures:
        path = next(one for one in analysed.files_of(market, pair) if "open_interest" in one.stem)
        held = pd.read_feather(path)
        held = held[(held["date"] + HOUR <= cut.moment) & (held["date"] >= starts["1h"])]
        interest = held.set_index(held["date"] + HOUR)["open_interest_amount"]
        times, rates = funding_of(cut, market, pair, starts)
        dates = pd.to_datetime(times, unit="s", utc=True)
        funding = pd.Series(rates, index=dates)
    weights = settings.confluence.weights_for("5m")
    values, ages = {}, {}
    for timeframe in weights:
        frame = cut.candles(timeframe, since=starts[timeframe])
        levels = profile.compute(frame, settings) if timeframe == "5m" else None
        extras = scores_parts.Extras(funding, interest, levels)
        score = scores.compute(frame, settings, extras)["scores_score"]
        values[timeframe] = [float(score.iloc[-1])]
        closed = last(frame, "date") + pd.Timedelta(timeframe.replace("m", "min"))
        ages[timeframe] = [(cut.moment - closed).total_seconds()]
    made = confluence.combine(pd.DataFrame(values), pd.DataFrame(ages), weights, settings)
    return made.iloc[0].to_dict()


def orderflow_at(cut, market, pair, settings):
    path = next(one for one in market.datadir.rglob(f"{pair[:3]}*trades*"))
    trades = pd.read_feather(path)
    trades = trades[trades["timestamp"] < cut.moment.timestamp() * 1_000]
    made = orderflow.compute(cut.own, trades, settings, 300).iloc[-1]
    unread = {"orderflow_bid", "orderflow_ask", "orderflow_unknown"}
    return {name: made[name] for name in made.index if name not in unread}

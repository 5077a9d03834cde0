import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arch.univariate import GARCH, ZeroMean, arch_model
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gridkit.analytics import garch
from gridkit.settings import GarchSettings, Settings, VolatilitySettings
from strategies import START, any_market

SEEDS = st.integers(0, 2**32 - 1)
WINDOW, REFIT = 500, 24


def with_windows(window: int = WINDOW, refit: int = REFIT) -> Settings:
    values = GarchSettings(window_hours=window, refit_hours=refit)
    return Settings(volatility=VolatilitySettings(garch=values))


QUICK = with_windows()


def simulated(seed: int, length: int, alpha: float = 0.1, beta: float = 0.85) -> np.ndarray:
    """Returns of a GARCH(1,1) market whose annual volatility is 0.5 in the long run."""
    noise = np.random.default_rng(seed).normal(size=length)
    mean = 0.5**2 / garch.HOURS_PER_YEAR
    returns, ahead = np.empty(length), mean
    for hour, shock in enumerate(noise):
        returns[hour] = shock * math.sqrt(ahead)
        ahead = mean * (1 - alpha - beta) + alpha * returns[hour] ** 2 + beta * ahead
    return returns


def market(returns: np.ndarray, start: pd.Timestamp = START) -> pd.DataFrame:
    close = 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    dates = start + pd.Timedelta("1h") * np.arange(len(close))
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return pd.DataFrame({"date": dates, **prices, "volume": 1.0})


def forecast(frame: pd.DataFrame, configured: Settings = QUICK) -> np.ndarray:
    return garch.compute(frame, configured)["garch_volatility"].to_numpy()


# -- one fit ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_is_that_of_arch_on_returns_in_percent(seed):
    returns = simulated(seed, 2_160)
    fit = garch.fitted(returns)
    model = arch_model(returns * 100, mean="Zero", vol="GARCH", p=1, q=1, rescale=False)
    judge = model.fit(disp="off")
    expected = judge.params.to_numpy() / (1e4, 1.0, 1.0)
    np.testing.assert_allclose((fit.omega, fit.alpha, fit.beta), expected, rtol=0.01)
    ahead = judge.forecast(horizon=1).variance.iloc[-1, 0] / 1e4
    assert fit.ahead == pytest.approx(ahead, rel=1e-3)


def loss(parameters: np.ndarray, squares: np.ndarray) -> float:
    """Minus twice the likelihood by the textbook loop; h of the first hour is the window's mean."""
    omega, alpha, beta = parameters
    ahead, total = squares.mean(), 0.0
    for square in squares:
        total += math.log(ahead) + square / ahead
        ahead = omega + alpha * square + beta * ahead
    return total


def test_no_other_parameters_make_the_returns_likelier():
    """An optimiser of another kind, on a likelihood of our own, finds the same."""
    squares = simulated(3, 1_000) ** 2 * 1e4
    fit = garch.fitted(np.sqrt(squares) / 100)
    found = minimize(loss, (0.05, 0.1, 0.8), args=(squares,), method="Nelder-Mead")
    ours = loss((fit.omega * 1e4, fit.alpha, fit.beta), squares)
    assert ours == pytest.approx(found.fun, abs=0.5)
    np.testing.assert_allclose((fit.alpha, fit.beta), found.x[1:], atol=0.05)


@pytest.mark.parametrize(("alpha", "beta"), [(0.05, 0.9), (0.1, 0.8), (0.3, 0.6)])
def test_a_fit_recovers_the_parameters_it_was_fed(alpha, beta):
    fit = garch.fitted(simulated(1, 40_000, alpha, beta))
    np.testing.assert_allclose((fit.alpha, fit.beta), (alpha, beta), atol=0.03)
    annual = math.sqrt(fit.omega / (1 - fit.alpha - fit.beta) * garch.HOURS_PER_YEAR)
    assert annual == pytest.approx(0.5, rel=0.06)


@given(SEEDS, st.sampled_from((1e-6, 1e-3, 1e3)))
@settings(max_examples=15)
def test_a_fit_does_not_depend_on_how_wild_the_market_is(seed, factor):
    returns = simulated(seed, 600)
    fit, scaled = garch.fitted(returns), garch.fitted(returns * factor)
    assert (fit is None) == (scaled is None)
    if fit:
        assert scaled.ahead == pytest.approx(fit.ahead * factor**2, rel=1e-2)


@pytest.mark.parametrize("returns", [np.zeros(500), np.full(500, 1e-200)])
def test_standing_prices_have_no_fit(returns):
    assert garch.fitted(returns) is None


STRANGE = {
    "one move at the end": np.where(np.arange(500) == 499, 5.0, 1e-6),
    "one move at the start": np.where(np.arange(500) == 0, 1.0, 0.0),
    "always the same": np.full(500, 0.002),
    "to and fro": np.where(np.arange(500) % 2, 0.01, -0.01),
    "ever calmer": simulated(1, 500) * np.exp(-np.arange(500) / 20),
    "ever wilder": simulated(1, 500) * np.exp(np.arange(500) / 20 - 20),
    "wild tails": np.random.default_rng(1).standard_cauchy(500),
    "nearly nothing": simulated(1, 500) * 1e-140,
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_returns_have_a_believable_fit_or_none_and_no_warning(name):
    fit = garch.fitted(STRANGE[name])
    if fit:
        assert fit.omega > 0
        assert fit.alpha >= 0 <= fit.beta
        assert 0 < fit.ahead < math.inf


def test_a_fit_that_reverts_to_nothing_is_refused():
    """A market that calms down at an even rate fits best as one that goes on to calm down."""
    assert garch.fitted(STRANGE["ever calmer"]) is None


class Result:
    """What arch may answer."""

    def __init__(self, flag=0, omega=0.1, alpha=0.1, beta=0.8, mean=1.0):
        self.convergence_flag = flag
        self.params = pd.Series([omega, alpha, beta])
        self.conditional_volatility = np.full(500, math.sqrt(mean))


@pytest.mark.parametrize(
    ("result", "accepted"),
    [
        (Result(), True),
        (Result(flag=4), False),
        (Result(omega=0.026), True),
        (Result(omega=0.024), False),
        (Result(mean=3.9), True),
        (Result(mean=4.1), False),
        (Result(mean=0.26), True),
        (Result(mean=0.24), False),
        (Result(omega=1e-6, alpha=0.2, beta=0.8), True),
        (Result(omega=1e-6, alpha=0.2, beta=0.8 + 1e-9), True),
        (Result(omega=math.nan), False),
        (Result(mean=math.nan), False),
    ],
)
def test_fits_that_did_not_converge_or_are_far_from_the_returns_are_refused(
    monkeypatch, result, accepted
):
    monkeypatch.setattr(ZeroMean, "fit", lambda *args, **kwargs: result)
    assert (garch.fitted(simulated(1, 500)) is not None) is accepted


# -- between two fits -------------------------------------------------------------------------


def test_filtering_goes_on_as_arch_does_with_the_same_parameters():
    returns = simulated(2, 800)
    fit = garch.fitted(returns[:500])
    found = garch.filtered(fit, np.arange(499, 800), returns[499:])
    parameters = np.array([fit.omega * 1e4, fit.alpha, fit.beta])
    model = ZeroMean(returns * 100, volatility=GARCH(1, 0, 1), rescale=False)
    judged = (model.fix(parameters).conditional_volatility[500:] / 100) ** 2
    np.testing.assert_allclose(found[:-1], judged, rtol=1e-4)


def test_hours_without_a_return_are_taken_to_be_as_forecast():
    """Expected variances k hours on revert by the textbook's formula."""
    fit = garch.Fit(2e-6, 0.1, 0.8, 9e-5)
    level, persistence = fit.omega / 0.1, 0.9
    expected = level + persistence ** np.arange(0, 60, 10) * (fit.ahead - level)
    hours = np.arange(0, 60, 10)
    found = garch.filtered(fit, hours, np.full(6, np.nan))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


# -- the column -------------------------------------------------------------------------------


def by_hand(frame: pd.DataFrame, configured: Settings) -> np.ndarray:
    """The readable twin: each row by itself, looking back from its hour by the calendar."""
    window = configured.volatility.garch.window_hours
    refit = configured.volatility.garch.refit_hours
    price = {
        int(date.timestamp()) // 3_600: close
        for date, close in zip(frame["date"], frame["close"], strict=True)
        if close > 0
    }
    found, fits = [], {}
    for date in frame["date"]:
        now = int(date.timestamp()) // 3_600
        anchor = now - now % refit
        if now not in price or min(price) > anchor - window:
            found.append(math.nan)
            continue
        hours = [h for h in range(anchor - window + 1, now + 1) if h in price and h - 1 in price]
        past = [h for h in hours if h <= anchor]
        returns = {h: np.log(price[h] / price[h - 1]) for h in hours}
        if anchor not in fits:
            enough = len(past) >= window / 2
            fits[anchor] = garch.fitted(np.array([returns[h] for h in past])) if enough else None
        fit = fits[anchor]
        if fit is None:
            found.append(math.nan)
            continue
        ahead = fit.ahead
        for hour in range(past[-1] + 1, now + 1):
            square = returns[hour] ** 2 if hour in returns else ahead
            ahead = fit.omega + fit.alpha * square + fit.beta * ahead
        found.append(math.sqrt(ahead * 8_760))
    return np.array(found)


@given(any_market(least=620, most=700, timeframe="1h"))
@settings(max_examples=25)
def test_forecasts_equal_those_of_each_hour_by_itself(frame):
    expected = by_hand(frame, QUICK)
    np.testing.assert_allclose(forecast(frame), expected, rtol=1e-6)


@pytest.mark.parametrize("late", [0, 1, 7, 23])
def test_forecasts_are_known_from_the_first_fit_a_whole_window_after_the_start(late):
    """Refits stand at hours that 24 divides: the start of each day."""
    frame = market(simulated(1, 700), START + pd.Timedelta(hours=late))
    first = math.ceil((late + WINDOW) / REFIT) * REFIT - late
    assert np.isfinite(forecast(frame)).tolist() == [False] * first + [True] * (701 - first)


@pytest.mark.parametrize("refit", [1, 24, 168])
def test_the_warmup_is_enough_wherever_the_candles_begin_and_no_longer(refit):
    configured = with_windows(refit=refit)
    needed = garch.warmup(configured, 3_600)
    assert needed == WINDOW + refit
    last = []
    for late in range(0, refit, 23):
        frame = market(simulated(1, needed + 5), START + pd.Timedelta(hours=late))
        known = np.isfinite(forecast(frame, configured))
        assert known[needed - 1 :].all()
        last.append(known.argmax())
    assert max(last) > needed - 1 - 24


@given(SEEDS, st.integers(1, 150))
@settings(max_examples=20)
def test_forecasts_are_the_same_to_the_last_bit_wherever_the_candles_begin(seed, later):
    frame = market(simulated(seed, 800))
    whole, part = forecast(frame)[later:], forecast(frame.iloc[later:])
    known = np.isfinite(part)
    assert known.any()
    np.testing.assert_array_equal(part[known], whole[known])


def test_the_past_does_not_change_when_the_future_arrives():
    """At each candle in turn, from before the first is known; some are missing or have no price."""
    frame = market(simulated(5, 620))
    noise = np.random.default_rng(5).random(len(frame))
    frame.loc[noise < 0.05, "close"] = np.nan
    frame = frame[(noise < 0.9) | (frame.index < 2)].reset_index(drop=True)
    later = garch.compute(frame, QUICK)
    assert later["garch_volatility"].notna().sum() > 50
    for now in range(440, len(frame)):
        then = garch.compute(frame.iloc[:now], QUICK)
        pd.testing.assert_frame_equal(then, later.iloc[:now], rtol=1e-9)


@given(any_market(least=560, most=640, timeframe="1h"), st.floats(0.0, 1.0))
@settings(max_examples=20)
def test_the_past_of_any_market_does_not_change(frame, cut):
    now = 500 + round(cut * (len(frame) - 500))
    then, later = garch.compute(frame.iloc[:now], QUICK), garch.compute(frame, QUICK)
    pd.testing.assert_frame_equal(then, later.iloc[:now], rtol=1e-9)


@given(any_market(least=560, most=640, timeframe="1h"))
@settings(max_examples=15)
def test_nothing_is_infinite_or_known_without_a_price_and_the_input_is_left_alone(frame):
    frame.index = frame.index + 7
    before = frame.copy(deep=True)
    columns = garch.compute(frame, QUICK)
    pd.testing.assert_frame_equal(frame, before)
    assert columns.index.equals(frame.index)
    assert columns.dtypes.to_dict() == {"garch_volatility": np.dtype("float32")}
    values = columns["garch_volatility"]
    assert not np.isinf(values).any()
    assert values[frame["close"].isna()].isna().all()
    assert not (values <= 0).any()


@given(SEEDS, st.floats(1e-6, 1e6))
@settings(max_examples=10)
def test_forecasts_do_not_depend_on_the_unit_of_price(seed, factor):
    frame = market(simulated(seed, 600))
    scaled = frame.assign(close=frame["close"] * factor)
    np.testing.assert_allclose(forecast(scaled), forecast(frame), rtol=1e-3)


def test_a_window_of_which_less_than_half_is_known_has_no_fit():
    """A price every other hour makes no hourly return at all."""
    frame = market(simulated(1, 700))
    pairs = frame[np.arange(len(frame)) % 4 < 2]  # a return in one hour of four
    assert np.isnan(forecast(pairs)).all()
    mostly = frame[np.arange(len(frame)) % 4 < 3]  # in two of four
    assert np.isfinite(forecast(mostly)).any()


def test_a_price_that_never_moves_has_no_forecast():
    assert np.isnan(forecast(market(np.zeros(700)))).all()


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf])
def test_a_price_that_is_no_positive_number_counts_as_none(bad):
    frame = market(simulated(1, 700))
    expected = forecast(frame.assign(close=frame["close"].where(frame.index != 650)))
    wrong = frame.assign(close=frame["close"].where(frame.index != 650, bad))
    np.testing.assert_array_equal(forecast(wrong), expected)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_candles_are_unknown_and_no_error(rows):
    assert np.isnan(forecast(market(np.zeros(5)).iloc[:rows])).all()


def test_candles_between_the_hours_are_an_error():
    with pytest.raises(ValueError, match="not hourly candles"):
        forecast(market(np.zeros(5), START + pd.Timedelta("5min")))


def test_what_is_no_frame_of_candles_is_an_error():
    frame = market(np.zeros(5))
    with pytest.raises(ValueError, match="no column volume"):
        forecast(frame.drop(columns="volume"))
    with pytest.raises(ValueError, match="ascending order"):
        forecast(frame[::-1])


def test_longer_windows_and_rarer_fits_change_the_forecast():
    frame = market(simulated(1, 1_000))
    some = forecast(frame)[-1]
    assert forecast(frame, with_windows(window=800))[-1] != some
    assert forecast(frame, with_windows(refit=168))[-1] != some


def test_arch_is_only_imported_once_a_fit_is_made():
    source = "import sys; import gridkit.analytics.garch; sys.exit('arch' in sys.modules)"
    path = {"PYTHONPATH": str(Path(garch.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", source], env=path, check=False)
    assert done.returncode == 0


# -- real candles -----------------------------------------------------------------------------


@pytest.mark.real
def test_on_real_hours_a_forecast_is_the_conditional_volatility_arch_finds(real_data):
    """Each fit's first forecast against arch's own, by default settings; a week apart."""
    path = real_data / "spot_5m_2022-08_2023-09" / "binance" / "BTC_USDT-1h.feather"
    frame = pd.read_feather(path)
    found = pd.Series(forecast(frame, Settings()), index=frame["date"])
    returns = np.log(frame.set_index("date")["close"]).diff().iloc[1:]
    returns = returns[pd.Series(returns.index, index=returns.index).diff() != pd.Timedelta("2h")]
    anchors = [date for date in frame["date"] if date.timestamp() / 3_600 % 168 == 0]
    known = [date for date in anchors if np.isfinite(found[date])]
    assert len(known) == 47
    for anchor in known[::6]:
        past = returns[anchor - pd.Timedelta(hours=2_159) : anchor] * 100
        judge = arch_model(past, mean="Zero", vol="GARCH", p=1, q=1, rescale=False).fit(disp="off")
        variance = judge.forecast(horizon=1, reindex=False).variance.iloc[-1, 0]
        expected = math.sqrt(variance * 8_760) / 100
        assert found[anchor] == pytest.approx(expected, rel=1e-3)
    assert found[known[0] :].notna().all()
    assert 0.05 < found.min() < found.max() < 6

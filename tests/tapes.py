"""Public trades as tests need them: freqtrade's columns, made of one seed."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from strategies import START

START_MS = int(START.timestamp() * 1_000)
SIDES = ("buy", "sell", None, "")


def tape_of(
    seed: int,
    trades: int,
    steps_ms: tuple[int, ...] = (0, 0, 1, 900, 20_000),
    unknown: float = 0.0,
    start_ms: int = START_MS,
) -> pd.DataFrame:
    """A random walk of trades; several share a millisecond, a few have no amount."""
    noise = np.random.default_rng(seed)
    price = 100.0 * np.exp(np.cumsum(noise.normal(0, 0.0005, trades)))
    amount = noise.lognormal(0, 1.5, trades) * noise.choice([0.0, 1.0, 1.0, 1.0, 50.0], trades)
    sides = noise.choice(4, trades, p=[(1 - unknown) / 2] * 2 + [unknown / 2] * 2)
    return pd.DataFrame(
        {
            "timestamp": start_ms + np.cumsum(noise.choice(steps_ms, trades)),
            "id": np.arange(trades).astype(str),
            "type": "",
            "side": pd.Series([SIDES[side] for side in sides], dtype="str"),
            "price": price,
            "amount": amount,
            "cost": price * amount,
        }
    )


@st.composite
def any_tape(draw: st.DrawFn, least: int = 0, most: int = 150) -> pd.DataFrame:
    """Trades within about a day, dense or sparse, with and without known sides."""
    steps = draw(st.sampled_from([(0, 1, 400), (0, 0, 9_000, 60_000), (1, 70_000, 1_500_000)]))
    unknown = draw(st.sampled_from((0.0, 0.0, 0.2, 1.0)))
    start = START_MS + draw(st.sampled_from((-400_000, 0, 1, 650_000)))
    return tape_of(
        draw(st.integers(0, 2**32 - 1)), draw(st.integers(least, most)), steps, unknown, start
    )


def swapped(tape: pd.DataFrame) -> pd.DataFrame:
    """The same trades with buyers and sellers exchanged."""
    return tape.assign(side=tape["side"].map({"buy": "sell", "sell": "buy"}).astype("str"))

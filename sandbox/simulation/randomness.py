"""Random numbers addressed by what they are for, so that any day can be drawn on its own."""

import numpy as np

# What a stream of numbers is used for; part of its address.
CYCLE, MARKET_DAY, COIN_DAY, FUTURES_DAY, BOOK, OWN_VOLATILITY, OWN_PRICE = range(7)


def stream(seed: int, purpose: int, coin: int = 0, when: int = 0) -> np.random.Generator:
    """Make the generator of one address. Philox is counter-based: the key *is* the address."""
    low = (seed & 0xFFFFFFFF) << 32 | purpose << 16 | coin
    return np.random.Generator(np.random.Philox(key=np.array([low, when], dtype=np.uint64)))

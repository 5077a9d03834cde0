"""What a predictor is asked and shown, how it learns, and when it is believed. No freqtrade."""

NEUTRAL = 0.5  # the probability that takes no side

"""Shared by the tests that run freqtrade's own backtester: markets, runs, and what they did."""

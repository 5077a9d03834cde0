"""The predictor in freqtrade: what FreqAI is shown and asked, and what is made of its answer."""

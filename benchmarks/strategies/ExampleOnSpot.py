"""FreqAI's own example, for markets without shorts."""

from freqtrade.templates.FreqaiExampleStrategy import FreqaiExampleStrategy


class ExampleOnSpot(FreqaiExampleStrategy):
    """What freqtrade comes with, and nothing else."""

    can_short = False

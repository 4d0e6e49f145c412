"""Bootstrap over instructions, as weights that any statistic of per-instruction sums can take.

A resample gives each instruction an independent exponential weight (the Bayesian bootstrap, Rubin 1981): all verdicts
of an instruction stay together, no instruction ever vanishes, so no resample is disconnected or separated that the
data are not. It does not resample judges, and it is no remedy for a handful of instructions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.stats.intervals import critical_value
from judgebench.stats.verdict_table import Floats

_BLOCK = 50  # resamples weighted at once


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """Draws of k estimates, and their percentile intervals; NaN for a model without an estimate."""

    models: tuple[str, ...]
    draws: Floats  # (resamples, k)
    lower: Floats  # (k,)
    upper: Floats  # (k,)
    level: float
    method: str

    @property
    def standard_error(self) -> Floats:
        """(k,) Standard deviation of the draws."""
        spread: Floats = self.draws.std(axis=0, ddof=1)
        return spread


def instruction_weights(instructions: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Blocks (b, instructions) of exponential weights, ``resamples`` rows in all; each row has mean 1.

    Raises StatisticsError for fewer than two resamples.
    """
    if resamples < 2:
        raise StatisticsError(f"a bootstrap needs at least two resamples, not {resamples}")
    for start in range(0, resamples, _BLOCK):
        weights = rng.standard_exponential((min(_BLOCK, resamples - start), instructions))
        yield weights / weights.mean(axis=1, keepdims=True)


def summarise(models: tuple[str, ...], draws: Floats, level: float) -> Bootstrap:
    """Percentile intervals of (resamples, k) draws.

    Raises StatisticsError for a level outside (0, 1).
    """
    critical_value(level)
    tail = (1 - level) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
    return Bootstrap(models, draws, lower, upper, level, "percentile bootstrap over instructions")

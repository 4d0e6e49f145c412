"""Bootstrap over instructions, as weights on per-instruction sums.

A resample gives each instruction an independent exponential weight (the Bayesian bootstrap, Rubin 1981): all verdicts
of an instruction stay together, no instruction ever vanishes, so no resample is disconnected or separated that the
data are not. It does not resample judges, and it is no remedy for a handful of instructions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from judgebench.errors import StatisticsError
from judgebench.stats.bradley_terry.refits import Refits
from judgebench.stats.intervals import critical_value
from judgebench.stats.verdict_table import Floats, PairCounts, VerdictTable
from judgebench.stats.win_rate import instruction_sums

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


def bootstrap_win_rates(
    table: VerdictTable,
    *,
    baseline: str | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    rng: np.random.Generator,
) -> Bootstrap:
    """Win rates as in win_rate.win_rates under ``resamples`` reweightings of the instructions.

    Raises StatisticsError for fewer than two resamples, UnknownName for an unknown baseline.
    """
    sums = instruction_sums(table, baseline=baseline)
    draws = [sums.rates(weights) for weights in instruction_weights(len(table.instructions), resamples, rng)]
    return summarise(table.models, np.concatenate(draws), level)


def bootstrap_ratings(
    table: VerdictTable, *, level: float = 0.95, resamples: int = 1000, rng: np.random.Generator
) -> Bootstrap:
    """Bradley-Terry ratings as in bradley_terry.fit_bradley_terry, refitted under ``resamples`` reweightings.

    Raises StatisticsError for fewer than two resamples, or when a fit does not converge.
    """
    counts = PairCounts.of(table)
    refits = Refits.of(counts, table)
    won, met = _pair_sums(table, refits)
    blocks = instruction_weights(len(table.instructions), resamples, rng)
    draws = [refits.ratings(weights @ won, weights @ met) for weights in blocks]
    return summarise(table.models, np.concatenate(draws), level)




def instruction_weights(instructions: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Blocks (b, instructions) of exponential weights, ``resamples`` rows in all; each row has mean 1.

    Raises StatisticsError for fewer than two resamples.
    """
    for size in _blocks(resamples):
        weights = rng.standard_exponential((size, instructions))
        yield weights / weights.mean(axis=1, keepdims=True)


def _blocks(resamples: int) -> Iterator[int]:
    if resamples < 2:
        raise StatisticsError(f"a bootstrap needs at least two resamples, not {resamples}")
    yield from (min(_BLOCK, resamples - start) for start in range(0, resamples, _BLOCK))


def summarise(
    models: tuple[str, ...], draws: Floats, level: float, method: str = "percentile bootstrap over instructions"
) -> Bootstrap:
    """Percentile intervals of (resamples, k) draws.

    Raises StatisticsError for a level outside (0, 1).
    """
    critical_value(level)
    tail = (1 - level) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
    return Bootstrap(models, draws, lower, upper, level, method)


def _pair_sums(table: VerdictTable, refits: Refits) -> tuple[csr_array, csr_array]:
    """(instructions, pairs) summed preference for each pair's first model, and number of verdicts."""
    forth = table.model_a < table.model_b
    pair = refits.pair_of(np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b))
    shape = (len(table.instructions), len(refits.first))
    rows = (table.instruction, pair)
    preference = np.where(forth, table.preference, 1 - table.preference)
    return csr_array((preference, rows), shape=shape), csr_array((np.ones(len(table)), rows), shape=shape)

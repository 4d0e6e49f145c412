"""Do preferences go in circles?  How much of the pairwise picture no ranking can show.

Hodge decomposition of the pairwise log-odds (Jiang, Lim, Yao and Ye 2011): the part that differences of scores explain,
and the cyclic rest, with a test that reweights instructions, so that what instructions share is not taken for cycles.
Triples of models: hard cycles, and the soft deviation of Xu et al. 2025 (SNTD). No new ranking here; see social_choice.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit, logit, xlogy

from judgebench.errors import StatisticsError
from judgebench.stats.bootstrap import instruction_weights
from judgebench.stats.verdict_table import Floats, PairCounts, VerdictTable




@dataclass(frozen=True, slots=True)
class CycleTest:
    cyclic_share: float
    expected_share: float  # mean over reweightings where there are no cycles but noise
    p_value: float  # for "no cycles"
    resamples: int




def cycle_test(table: VerdictTable, *, resamples: int = 1000, rng: np.random.Generator) -> CycleTest:
    """Whether the cyclic share exceeds what reweighting instructions produces around a perfect ranking.

    Pair log-odds are those of (wins + 1/2) / (verdicts + 1). Below some 20 verdicts a pair the test is rough.
    Raises StatisticsError for fewer than two resamples, or where no circle of models met, so that none could go round.
    """
    counts = PairCounts.of(table)
    i, j = np.nonzero(np.triu(counts.verdicts, 1))
    k = len(table.models)
    n = counts.verdicts[i, j]
    p = (counts.wins[i, j] + 0.5) / (n + 1)
    y, weight = logit(p), n * p * (1 - p)
    design, root = _incidence(i, j, k), np.sqrt(weight)
    basis = np.linalg.svd(design * root[:, None], full_matrices=False)
    along = basis[0][:, basis[1] > 1e-9 * basis[1].max(initial=0.0)]
    if along.shape[1] == len(i):
        raise StatisticsError("no three or more models met each other in a circle, so preferences cannot go round")

    def rest(values: Floats) -> Floats:
        scaled = values * root
        off = scaled - (scaled @ along) @ along.T
        squares: Floats = (off**2).sum(axis=-1)
        return squares

    influence = _influence(table, i, j, p, n)
    noise = np.concatenate([(w - 1) @ influence for w in instruction_weights(len(table.instructions), resamples, rng)])
    found, null = float(rest(y)), rest(noise)
    total = float((weight * y**2).sum())
    p_value = (1 + float((null >= found).sum())) / (resamples + 1)
    return CycleTest(
        found / total if total > 0 else float("nan"), float(null.mean()) / max(total, 1e-300), p_value, resamples
    )


def cyclic_triples(preference: Floats) -> float:
    """Share of triples of models whose majorities go round; ``preference`` (k, k), 1/2 on no majority or no battle.

    Triples with a pair at exactly 1/2 are not counted. NaN where no triple is left.
    """
    cycles, triples = 0, 0
    for a, b, c in combinations(range(len(preference)), 3):
        sides = [preference[a, b] - 0.5, preference[b, c] - 0.5, preference[c, a] - 0.5]
        if all(side != 0 for side in sides):
            triples += 1
            cycles += all(side > 0 for side in sides) or all(side < 0 for side in sides)
    return cycles / triples if triples else float("nan")






def _incidence(i: np.ndarray, j: np.ndarray, k: int) -> Floats:
    design = np.zeros((len(i), k))
    design[np.arange(len(i)), i], design[np.arange(len(i)), j] = 1.0, -1.0
    return design


def _influence(table: VerdictTable, i: np.ndarray, j: np.ndarray, p: Floats, n: Floats) -> csr_array:
    """(instructions, pairs) what each instruction moves the log-odds of each pair by."""
    k = len(table.models)
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    pair = np.searchsorted(i * k + j, low.astype(np.int64) * k + high)
    toward = np.where(table.model_a < table.model_b, table.preference, 1 - table.preference)
    share = np.bincount(pair, weights=toward, minlength=len(i)) / n
    values = (toward - share[pair]) / (n * p * (1 - p))[pair]
    return csr_array((values, (table.instruction, pair)), shape=(len(table.instructions), len(i)))

"""How benchmarks of judges score the pairs that a judge read: one function each.

Every function gives scored items by the name of a measure, the first of which is the accuracy. Pairs about which the
judge was not asked are in none. Sources stand in the table of ``leaderboard.judge_benchmarks``.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from judgebench.leaderboard.judge_benchmarks import HUMAN, TIES
from judgebench.leaderboard.published.judged_pairs import JudgedPairs, Outcome, ScoredItems
from judgebench.stats.verdict_table import Floats

_NEEDS_SCORES = "it is made of scores of single outputs: ask the judge with a pointwise template"
Scored = Mapping[str, ScoredItems]


def rewardbench(pairs: JudgedPairs) -> Scored:
    return {"accuracy": _mean_of_orders(pairs, tied=0.5, failed=0.5)}


def llmbar(pairs: JudgedPairs) -> Scored:
    return {"accuracy": _mean_of_orders(pairs, tied=0.0, failed=0.0), "consistency": _consistency(pairs)}


def scalerlab(pairs: JudgedPairs) -> Scored:
    names = np.where(np.abs(pairs.outcomes) == 1, pairs.outcomes, 0).sum(axis=1)
    correct: Floats = (names > 0).astype(np.float64)
    return {"accuracy": _items(pairs, correct, pairs.judged), "consistency": _consistency(pairs)}


def auto_j(pairs: JudgedPairs) -> Scored:
    outcomes = pairs.outcomes
    agreed = np.isin(outcomes, [Outcome.RIGHT, Outcome.UNREAD]).all(axis=1)
    return {
        "accuracy": _items(pairs, np.asarray(agreed, dtype=np.float64), pairs.judged),
        "consistency": _consistency(pairs),
    }


def mj_bench(pairs: JudgedPairs) -> Scored:
    decided = np.isin(pairs.outcomes, [Outcome.RIGHT, Outcome.WRONG])
    named = decided.sum(axis=1)
    right: Floats = (pairs.outcomes == Outcome.RIGHT).sum(axis=1) / np.maximum(named, 1)
    return {"accuracy": _mean_of_orders(pairs, tied=0.0, failed=0.0), "without_ties": _items(pairs, right, named > 0)}


def ppe(pairs: JudgedPairs) -> Scored:
    """The pairs of its correctness sets and people's, and the best of the responses that are in pairs."""
    known = pairs.label != 0.5
    accuracy = _mean_of_orders(pairs, tied=0.5, failed=0.0, rows=known)
    return {"accuracy": accuracy, "best_of_k": _best_of(pairs, pairs.subset != HUMAN)}


def rewardbench_2(pairs: JudgedPairs) -> Scored:
    best = _best_of(pairs, pairs.subset != TIES)
    ties = _ties(pairs)
    value, cluster, subset = (
        np.concatenate([getattr(items, name) for items in (best, ties)]) for name in ("value", "cluster", "subset")
    )
    return {"accuracy": ScoredItems(value, cluster, subset, ties.without)}


def _items(pairs: JudgedPairs, value: Floats, rows: NDArray[np.bool_]) -> ScoredItems:
    return ScoredItems(value[rows].astype(np.float64), pairs.instruction[rows], pairs.subset[rows])


def _mean_of_orders(
    pairs: JudgedPairs, *, tied: float, failed: float, rows: NDArray[np.bool_] | None = None
) -> ScoredItems:
    """A reading that is right counts 1; of a pair the mean over the orders that it was read in."""
    outcomes = pairs.outcomes
    worth = {Outcome.RIGHT: 1.0, Outcome.WRONG: 0.0, Outcome.TIED: tied, Outcome.FAILED: failed, Outcome.UNREAD: 0.0}
    credit = np.sum([((outcomes == outcome) * value).sum(axis=1) for outcome, value in worth.items()], axis=0)
    mean: Floats = credit / np.maximum((outcomes != Outcome.UNREAD).sum(axis=1), 1)
    return _items(pairs, mean, pairs.judged if rows is None else pairs.judged & rows)


def _consistency(pairs: JudgedPairs) -> ScoredItems:
    """Whether both orders say the same, of pairs that were asked in both; a reading that failed says nothing."""
    if pairs.scores is not None:
        return _items(pairs, np.zeros(len(pairs)), np.zeros(len(pairs), dtype=bool))
    told = np.sign(pairs.readings - 0.5)
    return _items(pairs, (told[:, 0] == told[:, 1]).astype(np.float64), (pairs.outcomes != Outcome.UNREAD).all(axis=1))


def _best_of(pairs: JudgedPairs, rows: NDArray[np.bool_]) -> ScoredItems:
    """Of each set of outputs the share of the best that are correct; of a set with a reading that failed, a guess's.

    Where a judge compares, the best are those that it prefers to none of theirs; a set that was not asked whole is left
    out.
    """
    values, places = [], []
    for group in pairs.groups():
        value = _best(pairs, group) if rows[group[0]] else None
        if value is not None:
            values.append(value)
            places.append(group[0])
    at = np.array(places, dtype=np.intp)
    return ScoredItems(np.array(values, dtype=np.float64), pairs.instruction[at], pairs.subset[at])


def _best(pairs: JudgedPairs, group: NDArray[np.intp]) -> float | None:
    group = group[pairs.label[group] != 0.5]
    for_first = pairs.label[group] > 0.5
    correct = np.unique(np.where(for_first, pairs.first[group], pairs.second[group]))
    wrong = np.unique(np.where(for_first, pairs.second[group], pairs.first[group]))
    guess = len(correct) / max(len(correct) + len(wrong), 1)
    if not len(group) or not pairs.judged[group].all():
        return None
    told = np.isfinite(pairs.readings[group])
    if not told.any(axis=1).all():
        return guess
    if pairs.scores is not None:
        top = max(pairs.scores[correct].max(), pairs.scores[wrong].max())
        best = [int((pairs.scores[outputs] == top).sum()) for outputs in (correct, wrong)]
    else:
        preference = np.where(told, pairs.readings[group], 0.0).sum(axis=1) / told.sum(axis=1)
        beaten = {*pairs.second[group][preference > 0.5].tolist(), *pairs.first[group][preference < 0.5].tolist()}
        best = [len({*outputs.tolist()} - beaten) for outputs in (correct, wrong)]
    return best[0] / sum(best) if sum(best) else guess


def _ties(pairs: JudgedPairs) -> ScoredItems:
    """The published score of each id of Ties, which has a question with several correct outputs and one with one.

    An id with a score that failed counts 0; an id of which a question was not asked is left out.
    """
    nothing = np.zeros(0, dtype=np.int32)
    if pairs.scores is None or not (pairs.subset == TIES).any():
        without = {TIES: _NEEDS_SCORES} if (pairs.subset == TIES).any() else {}
        return ScoredItems(np.zeros(0), nothing, nothing.astype(object), without)
    values, clusters = [], []
    for tied, reference in _questions(pairs):
        value = _ties_score(pairs, tied, reference)
        if value is not None:
            values.append(value)
            clusters.append(pairs.instruction[tied[0]])
    subset = np.full(len(values), TIES, dtype=object)
    return ScoredItems(np.array(values, dtype=np.float64), np.array(clusters, dtype=np.int32), subset)


def _questions(pairs: JudgedPairs) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The rows of both questions of each id that has both."""
    by_kind: dict[str, dict[str, NDArray[np.intp]]] = {"tied": {}, "ref": {}}
    for group in pairs.groups():
        if pairs.subset[group[0]] != TIES:
            continue
        for name in pairs.ids.get(int(pairs.instruction[group[0]]), ()):
            kind, _, number = name.partition(":")
            if kind in by_kind:
                by_kind[kind][number] = group
    for number, tied in by_kind["tied"].items():
        if number in by_kind["ref"]:
            yield tied, by_kind["ref"][number]


def _ties_score(pairs: JudgedPairs, tied: NDArray[np.intp], reference: NDArray[np.intp]) -> float | None:
    """0.3 for each question whose correct outputs are all above the others, 0.2 for each margin above the spread of the
    correct ones, and up to 0.01 for its size: rewardbench/utils.py, process_single_model, of one id."""
    if not (pairs.judged[tied].all() and pairs.judged[reference].all()):
        return None
    (gap, spread), (other_gap, _) = (_gap_and_spread(pairs, rows) for rows in (tied, reference))
    if not np.isfinite([gap, other_gap, spread]).all():
        return 0.0
    least = min(gap, other_gap)
    ratio = least / spread if spread else np.sign(least) * np.inf if least else 1.0
    margin = float(np.tanh(ratio - 1))
    return 0.3 * (gap > 0) + 0.3 * (other_gap > 0) + 0.2 * (gap > spread) + 0.2 * (least > spread) + 0.01 * margin


def _gap_and_spread(pairs: JudgedPairs, rows: NDArray[np.intp]) -> tuple[float, float]:
    """The least score of a correct output less the highest of another, and how far correct ones are apart; NaN where a
    score failed."""
    if pairs.scores is None:
        return np.nan, np.nan
    for_first = pairs.label[rows] > 0.5
    correct = pairs.scores[np.where(for_first, pairs.first[rows], pairs.second[rows])]
    wrong = pairs.scores[np.where(for_first, pairs.second[rows], pairs.first[rows])]
    return float(correct.min() - wrong.max()), float(correct.max() - correct.min())

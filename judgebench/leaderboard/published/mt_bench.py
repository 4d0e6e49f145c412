"""MT-Bench: the mean of all scores and of each turn's, and pairs that count as won where both orders name the winner.

A score is of a turn: of the first, the instruction is the question's first turn alone; of the second, both turns. The
benchmark publishes no intervals; these take questions as drawn, so that both turns of one count together. A pair in
which a game has no verdict is left out. Sources: lm-sys/FastChat, ``llm_judge/show_result.py`` and ``common.py``.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from judgebench.counts import are, count
from judgebench.estimate import Estimate
from judgebench.leaderboard.published.board import (
    LEVEL,
    Measure,
    Numbers,
    PublishedBoard,
    ScorerInput,
    ScoringChoices,
    baseline_of,
    exactly,
    percent_of,
    score_means,
)
from judgebench.stats.intervals import bounded_mean
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import Floats, VerdictTable

_SCALE = (1.0, 10.0)
_TURNS = {1: "first", 2: "second"}


def score(evidence: ScorerInput, choices: ScoringChoices) -> PublishedBoard:
    """Scores where there are any, and pairs where there are any; of pairs all, or those with the baseline named.

    Raises StatisticsError where there are neither.
    """
    numbers = Numbers()
    baselines: dict[str, tuple[str, ...]] = {}
    notes = ["MT-Bench publishes no intervals; these take questions as drawn"]
    if evidence.scores is not None:
        _add_scores(numbers, evidence, evidence.scores)
    if evidence.verdicts is not None:
        table = evidence.verdicts
        if choices.baseline is not None:
            baselines[""] = (baseline_of(table, choices.baseline, ()),)
            table = table.against(choices.baseline)
        notes += _add_pairs(numbers, evidence, table)
    return numbers.board(baselines, notes)


def _add_scores(numbers: Numbers, evidence: ScorerInput, table: ScoreTable) -> None:
    """The mean, by turn, and by category."""
    question = _questions(evidence, table.instructions)[table.instruction]
    turn = _turns(evidence, table.instructions)[table.instruction]
    categories = np.array([evidence.category(key) or "" for key in table.instructions], dtype=object)
    parts = [(Measure("average", "average", "score", "The mean of all turns' scores."), turn > 0)]
    for number, word in _TURNS.items():
        about = f"The mean of the {word} turns' scores."
        parts.append((Measure(f"turn_{number}", f"turn {number}", "score", about), turn == number))
    for name in sorted(set(categories[table.instruction].tolist()) - {""}):
        column = Measure(f"category.{name}", name, "score", f"The mean of scores in {name}.", is_main=False)
        parts.append((column, categories[table.instruction] == name))
    for column, rows in parts:
        if rows.any():
            means = score_means(table.select(rows), question[rows], _SCALE)
            numbers.add(column, {model: _by_question(mean) for model, mean in means.items()})


def _questions(evidence: ScorerInput, keys: tuple[str, ...]) -> NDArray[np.int64]:
    """(instructions,) a number a question, whichever turn of it an instruction is about."""
    known = evidence.instructions
    texts = [known[key].turns[0] if key in known else key for key in keys]
    return np.unique(np.array(texts, dtype=object), return_inverse=True)[1] if texts else np.zeros(0, dtype=np.int64)


def _turns(evidence: ScorerInput, keys: tuple[str, ...]) -> NDArray[np.int64]:
    """(instructions,) which turn is judged."""
    return np.array([len(evidence.instructions[key].turns) for key in keys], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """n pairs of outputs, each read in both orders by one judge."""

    instruction: NDArray[np.int64]  # (n,) codes, as those below
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    won: Floats  # (n,) by the first: 1 or 0 where both orders say so, else 1/2
    dropped: int  # verdicts without one of the other order

    def select(self, rows: NDArray[np.bool_]) -> "_Pairs":
        """These of them."""
        return replace(
            self,
            instruction=self.instruction[rows],
            first=self.first[rows],
            second=self.second[rows],
            won=self.won[rows],
        )


def _decided(table: VerdictTable) -> _Pairs:
    k, judges = len(table.models), len(table.judges)
    swapped = table.model_a > table.model_b
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    cell = ((table.instruction.astype(np.int64) * k + low) * k + high) * judges + table.judge
    cells, code = np.unique(cell, return_inverse=True)
    toward_low = np.sign(np.where(swapped, 0.5 - table.preference, table.preference - 0.5))
    low_first = np.where(table.order < 0, -1, (table.order == 0) != swapped)
    read = [np.bincount(code, weights=low_first == order, minlength=len(cells)) for order in (1, 0, -1)]
    whole = ((read[0] > 0) & (read[1] > 0)) | (read[2] > 1)
    number = np.bincount(code, minlength=len(cells))
    for_low, for_high = (
        np.bincount(code, weights=toward_low == side, minlength=len(cells)) == number for side in (1, -1)
    )
    won = np.where(for_low, 1.0, np.where(for_high, 0.0, 0.5))
    pair = cells // judges
    pairs = _Pairs(pair // (k * k), pair // k % k, pair % k, won, int(number[~whole].sum()))
    return pairs.select(whole)


_COUNTS = {"wins": 1.0, "losses": 0.0, "ties": 0.5}  # by what a model won


def _add_pairs(numbers: Numbers, evidence: ScorerInput, table: VerdictTable) -> list[str]:
    """Rates and counts of pairs; and what is left out, in words."""
    pairs = _decided(table)
    question = _questions(evidence, table.instructions)[pairs.instruction]
    outcomes: dict[str, tuple[Floats, NDArray[np.int64]]] = {}
    for code in np.unique(np.concatenate([pairs.first, pairs.second])).tolist():
        mine = (pairs.first == code) | (pairs.second == code)
        won = np.where(pairs.first == code, pairs.won, 1 - pairs.won)
        outcomes[table.models[code]] = won[mine], question[mine]
    column = Measure("win_rate_adjusted", "pairs won", "percent", "Pairs won in both orders, and half of those tied.")
    numbers.add(column, {model: _percent(won, of) for model, (won, of) in outcomes.items()})
    for name, result in (("win_rate", 1.0), ("loss_rate", 0.0)):
        column = Measure(name, name.replace("_", " "), "percent", "Of pairs in both orders.", is_main=False)
        rates = {model: _percent((won == result).astype(np.float64), of) for model, (won, of) in outcomes.items()}
        numbers.add(column, rates)
    for name, result in _COUNTS.items():
        about = f"Pairs that are {name}; those in which the orders differ are ties."
        counts = {model: exactly(float((won == result).sum()), len(won)) for model, (won, _) in outcomes.items()}
        numbers.add(Measure(name, name, "count", about), counts)
    dropped = f"{count(pairs.dropped, 'verdict')} {are(pairs.dropped)} left out: the pair's other game has none"
    return [dropped] if pairs.dropped else []


def _percent(values: Floats, question: NDArray[np.int64]) -> Estimate:
    return _by_question(bounded_mean(values, question, level=LEVEL).mapped(percent_of))


def _by_question(known: Estimate) -> Estimate:
    """As it is called: an instruction is one turn of a question, and intervals draw questions."""
    return replace(known, method=known.method.replace("by instruction", "by question"))

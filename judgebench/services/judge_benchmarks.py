"""How good judges are, by benchmarks of judges: verdicts beside the labels that say which output is better.

A failed trial's order is not known: of a pair it is the order without a verdict.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench import store
from judgebench.counts import count
from judgebench.errors import InputError, StatisticsError
from judgebench.leaderboard.judge_benchmarks import HUMAN, JUDGE_BENCHMARKS, JudgeBenchmark, judge_benchmark
from judgebench.leaderboard.published.board import LEVEL, Measure
from judgebench.leaderboard.published.judge_board import EvaluatedJudge, JudgeBoard, judge_numbers
from judgebench.leaderboard.published.judged_pairs import JudgedPairs, Outcome
from judgebench.records import HumanLabel, Instruction, Status
from judgebench.stats.verdict_table import Codes, Floats
from judgebench.store.arrays import LeftOut, StoredScores, StoredTable
from judgebench.store.blocks import STATUSES
from judgebench.store.database import Connection, Database

_Rows = NDArray[np.int64]


def evaluate_judges(
    database: Database, benchmark: str, *, judges: Sequence[str] = (), profile: str | None = None, level: float = LEVEL
) -> JudgeBoard:
    """What the benchmark of judges reports of ``judges``, all that were asked about its pairs where none is named.

    ``profile``: a name in JUDGE_BENCHMARKS; None: as the benchmark is called, or its labels' annotator. Raises
    UnknownName for any name that is not there, InputError where nothing tells the profile, and StatisticsError without
    labels, or without a judge that was asked about them.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, judges, None)
        known = list(store.labels.labels(connection, benchmark_id))
        if not known:
            raise StatisticsError(
                f"benchmark {benchmark!r} has no labels that say which output is better: import a benchmark of judges"
            )
        name = _profile(profile, benchmark, {label.annotator for label in known})
        how = JUDGE_BENCHMARKS[name]
        pairs = _LabelledPairs.of(connection, benchmark_id, how, known)
        boards = [_evaluated(connection, pairs, judge, how, level) for judge in pairs.judges(judges)]
    if not any(row.pairs for _, row in boards):
        who = ", ".join(judges) or "any judge"
        none = f"none of the {count(len(pairs), 'labelled pair')}"
        raise StatisticsError(f"{who} was asked about {none}: run --all-pairs first")
    measures = boards[0][0]
    rows = sorted((row for _, row in boards), key=lambda row: _place(row, measures))
    return JudgeBoard(name, measures, tuple(rows), len(pairs), tuple(_notes(how, pairs, rows)))


def told_profile(database: Database, benchmark: str) -> str | None:
    """Which benchmark of judges this is, by its name or its labels' annotator; None where it has no labels, or nothing
    tells. Raises UnknownName."""
    with database.read() as connection:
        annotators = store.labels.annotators(connection, store.benchmarks.benchmark_id(connection, benchmark))
    return _told(benchmark, set(annotators)) if annotators else None


def _profile(named: str | None, benchmark: str, annotators: set[str]) -> str:
    if named is not None:
        judge_benchmark(named)
        return named
    told = _told(benchmark, annotators)
    if told is None:
        raise InputError(
            f"nothing tells which benchmark of judges {benchmark!r} is: name it by --profile, one of "
            f"{', '.join(JUDGE_BENCHMARKS)}"
        )
    return told


def _told(benchmark: str, annotators: set[str]) -> str | None:
    if benchmark in JUDGE_BENCHMARKS:
        return benchmark
    fitting = [name for name, how in JUDGE_BENCHMARKS.items() if annotators.intersection(how.annotators)]
    return fitting[0] if len(fitting) == 1 else None


def _place(row: EvaluatedJudge, measures: Sequence[Measure]) -> tuple[float | str, ...]:
    values = [row.numbers[measure.name].value for measure in measures]
    return (*(np.inf if value is None else -value for value in values), row.judge)


def _notes(how: JudgeBenchmark, pairs: "_LabelledPairs", rows: Sequence[EvaluatedJudge]) -> Iterator[str]:
    unplaced = int((pairs.subset == "").sum())
    if unplaced:
        names = ", ".join(pairs.unknown[:5])
        yield (
            f"{unplaced:,} of {count(len(pairs), 'pair')} are in no subset of {how.label}"
            f"{f' ({names})' if names else ''}: they count in none of its sections"
        )
    for row in rows:
        if row.pairs < len(pairs):
            yield f"judge {row.judge} was asked about {row.pairs:,} of {count(len(pairs), 'pair')}; only these count"
        if "consistency" in how.also and 0 < row.both_orders < row.pairs:
            once = count(row.pairs - row.both_orders, "pair")
            yield f"judge {row.judge} read {once} in one order; {how.label} asks in both"


@dataclass(frozen=True, slots=True, eq=False)
class _LabelledPairs:
    """n pairs of outputs with a label, and all trials of the benchmark. Cells number outputs by the tables' codes."""

    stored: StoredTable
    scored: StoredScores
    benchmark_id: int
    cells: _Rows  # (outputs,) sorted: an output's code is its place
    first: Codes  # (n,) output codes, below those of ``second``
    second: Codes
    instruction: Codes  # (n,)
    subset: NDArray[np.object_]  # (n,) "" where it is in none
    label: Floats  # (n,) mean preference of the labels for the first
    ids: Mapping[int, tuple[str, ...]]
    unknown: tuple[str, ...]  # names that are no subset's

    def __len__(self) -> int:
        return len(self.label)

    @classmethod
    def of(
        cls, connection: Connection, benchmark_id: int, how: JudgeBenchmark, known: Sequence[HumanLabel]
    ) -> "_LabelledPairs":
        stored = store.arrays.verdict_table(connection, benchmark_id)
        scored = store.arrays.score_table(connection, benchmark_id)
        instructions = {row.key: row for row in store.benchmarks.instructions(connection, benchmark_id)}
        own = [label for label in known if label.annotator in how.annotators]
        counted = known if HUMAN in how.subsets or not own else own
        code = {key: at for at, key in enumerate(stored.table.instructions)}
        model = {name: at for at, name in enumerate(stored.table.models)}
        places = [
            (code[label.instruction], model[label.model_a], label.samples[0], model[label.model_b], label.samples[1])
            for label in counted
        ]
        at, a, sample_a, b, sample_b = np.array(places, dtype=np.int64).reshape(-1, 5).T
        cell_a, cell_b = (_cells(at, side, sample, len(model)) for side, sample in ((a, sample_a), (b, sample_b)))
        cells = np.unique(np.concatenate([cell_a, cell_b]))
        one, other = np.searchsorted(cells, cell_a), np.searchsorted(cells, cell_b)
        pair, row, number = np.unique(_pair(one, other, len(cells)), return_inverse=True, return_counts=True)
        preference = np.array([label.preference for label in counted], dtype=np.float64)
        toward = np.bincount(row, weights=np.where(one < other, preference, 1 - preference), minlength=len(pair))
        sample = np.unique(row, return_index=True)[1]
        names = [_name_of(counted[place], instructions) for place in sample]
        subset = [_subset(how, counted[place], name) for place, name in zip(sample, names, strict=True)]
        return cls(
            stored,
            scored,
            benchmark_id,
            cells,
            (pair // len(cells)).astype(np.int32),
            (pair % len(cells)).astype(np.int32),
            at[sample].astype(np.int32),
            np.array([name or "" for name in subset], dtype=object),
            toward / number,
            {place: instructions[key].ids for key, place in code.items() if instructions[key].ids},
            tuple(sorted({name for name, of in zip(names, subset, strict=True) if name and not of})),
        )

    def judges(self, named: Sequence[str]) -> list[str]:
        """Those ``named``, or all with a trial on the benchmark."""
        if named:
            return list(dict.fromkeys(named))
        parts = (
            (self.stored.table.judges, self.stored.table.judge, self.stored.without.judge),
            (self.scored.table.judges, self.scored.table.judge, self.scored.without.judge),
        )
        return sorted({names[code] for names, *columns in parts for column in columns for code in np.unique(column)})

    def output(self, cell: _Rows) -> _Rows:
        """The code of the output in each cell; -1 where it is in no pair."""
        if not len(self.cells):
            return np.full(len(cell), -1)
        at = np.searchsorted(self.cells, cell).clip(max=len(self.cells) - 1)
        return np.where(self.cells[at] == cell, at, -1)

    def row(self, one: _Rows, other: _Rows) -> _Rows:
        """The pair of these outputs; -1 where it is not labelled."""
        pairs = self.first.astype(np.int64) * len(self.cells) + self.second
        sought = _pair(one, other, len(self.cells))
        at = np.searchsorted(pairs, sought).clip(max=len(pairs) - 1)
        return np.where((pairs[at] == sought) & (one >= 0) & (other >= 0), at, -1)

    def judged(self, readings: Floats, failed: NDArray[np.bool_], scores: Floats | None) -> JudgedPairs:
        return JudgedPairs(
            *(self.instruction, self.subset, self.first, self.second, self.label, readings, failed, scores, self.ids)
        )


def _cells(instruction: _Rows, model: _Rows, sample: _Rows, models: int) -> _Rows:
    """One number an output: samples of a model are far apart, and there are fewer than 2^20."""
    return (instruction * max(models, 1) + model) * (1 << 20) + sample


def _pair(one: _Rows, other: _Rows, outputs: int) -> _Rows:
    return np.minimum(one, other).astype(np.int64) * outputs + np.maximum(one, other)


def _name_of(label: HumanLabel, instructions: Mapping[str, Instruction]) -> str | None:
    """What may name its subset: what its source has behind a #, else the instruction's category."""
    _, mark, part = label.source.rpartition("#")
    return part if mark else instructions[label.instruction].category


def _subset(how: JudgeBenchmark, label: HumanLabel, name: str | None) -> str | None:
    if HUMAN in how.subsets and label.annotator not in how.annotators:
        return HUMAN
    return how.subset_of(name)


def _evaluated(
    connection: Connection, pairs: _LabelledPairs, judge: str, how: JudgeBenchmark, level: float
) -> tuple[tuple[Measure, ...], EvaluatedJudge]:
    judged, statuses = _compared(pairs, judge)
    if not statuses:
        judged, statuses = _scored(pairs, judge)
    numbers = judge_numbers(how, judged, level=level)
    spent = store.verdicts.spent(connection, pairs.benchmark_id, judge)
    both = (judged.outcomes != Outcome.UNREAD).all(axis=1) if judged.scores is None else np.zeros(0)
    row = EvaluatedJudge(
        judge,
        {measure.name: estimate for measure, estimate in numbers},
        int(judged.judged.sum()),
        int(both.sum()),
        {status: statuses[status] for status in STATUSES if statuses[status]},
        spent.tokens,
        spent.cost_usd,
        spent.latency_s,
    )
    return tuple(measure for measure, _ in numbers), row


def _compared(pairs: _LabelledPairs, judge: str) -> tuple[JudgedPairs, Counter[Status]]:
    """By verdicts on pairs of outputs."""
    whole, n = pairs.stored.table, len(pairs)
    table = whole.select(whole.judge == (whole.judges.index(judge) if judge in whole.judges else -1))
    samples = np.zeros((len(table), 2), dtype=np.int64) if table.samples is None else table.samples.astype(np.int64)
    a, b = (
        pairs.output(_cells(table.instruction.astype(np.int64), model.astype(np.int64), sample, len(table.models)))
        for model, sample in ((table.model_a, samples[:, 0]), (table.model_b, samples[:, 1]))
    )
    row = pairs.row(a, b)
    known, swapped = row >= 0, a > b
    column = np.where(table.order < 0, 0, (table.order == 0) == swapped)
    toward = np.where(swapped, 1 - table.preference, table.preference)
    cell = (row * 2 + column)[known]
    total, number = (np.bincount(cell, weights=w, minlength=2 * n) for w in (toward[known], None))
    readings = np.where(number > 0, total / np.maximum(number, 1), np.nan).reshape(n, 2)
    without = _failures(pairs.stored.without, whole.judges, judge)
    sides = (_first_samples(pairs, without.instruction, model) for model in (without.model_a, without.model_b))
    failed_row = pairs.row(*sides)
    failures = np.bincount(failed_row[failed_row >= 0], minlength=n)
    missing = np.isnan(readings)
    failed = missing & (np.cumsum(missing, axis=1) <= failures[:, None])
    statuses = _counted(without, failed_row)
    statuses[Status.TIE] += int((toward[known] == 0.5).sum())
    statuses[Status.OK] += int((toward[known] != 0.5).sum())
    return pairs.judged(readings, failed, None), +statuses


def _scored(pairs: _LabelledPairs, judge: str) -> tuple[JudgedPairs, Counter[Status]]:
    """By scores of single outputs, whose differences have no order."""
    whole, outputs = pairs.scored.table, len(pairs.cells)
    table = whole.select(whole.judge == (whole.judges.index(judge) if judge in whole.judges else -1))
    at = _recoded(pairs, table.instructions, table.models, table.instruction, table.model, table.sample)
    total, number = (np.bincount(at[at >= 0], weights=w, minlength=outputs) for w in (table.score[at >= 0], None))
    scores = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    without = _failures(pairs.scored.without, whole.judges, judge)
    failed_at = _recoded(pairs, whole.instructions, whole.models, without.instruction, without.model_a, None)
    failures = np.bincount(failed_at[failed_at >= 0], minlength=outputs) > 0
    sides = [scores[side] for side in (pairs.first, pairs.second)]
    failed = np.any([np.isnan(scores[side]) & failures[side] for side in (pairs.first, pairs.second)], axis=0)
    toward = 0.5 + 0.5 * np.sign(sides[0] - sides[1])
    statuses = _counted(without, failed_at)
    statuses[Status.OK] += int((at >= 0).sum())
    return pairs.judged(np.stack([toward, toward], axis=1), np.stack([failed, failed], axis=1), scores), +statuses


def _failures(without: LeftOut, judges: tuple[str, ...], judge: str) -> LeftOut:
    return without.select(without.judge == (judges.index(judge) if judge in judges else -1))


def _counted(without: LeftOut, rows: _Rows) -> Counter[Status]:
    return Counter(without.select(rows >= 0).counts)


def _first_samples(pairs: _LabelledPairs, instruction: Codes, model: Codes) -> _Rows:
    none = np.zeros(len(model), dtype=np.int64)
    models = len(pairs.stored.table.models)
    return pairs.output(_cells(instruction.astype(np.int64), model.astype(np.int64), none, models))


def _recoded(
    pairs: _LabelledPairs,
    instructions: tuple[str, ...],
    models: tuple[str, ...],
    instruction: Codes,
    model: Codes,
    samples: Codes | None,
) -> _Rows:
    """Outputs of a table that has codes of its own."""
    table = pairs.stored.table
    instruction_code, model_code = (
        np.searchsorted(np.array(ours, dtype=object), np.array(theirs, dtype=object)).astype(np.int64)
        for ours, theirs in ((table.instructions, instructions), (table.models, models))
    )
    sample = np.zeros(len(model), dtype=np.int64) if samples is None else samples.astype(np.int64)
    return pairs.output(_cells(instruction_code[instruction], model_code[model], sample, len(table.models)))

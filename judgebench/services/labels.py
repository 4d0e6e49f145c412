"""Storing what people say about battles: one vote, or a file of them."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import InputError, UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.formats.human_labels import LabelFile, LabelRow, Side, read_label_file
from judgebench.records import HumanLabel, Instruction, Model, Output, check_name
from judgebench.stats.intervals import bounded_mean
from judgebench.store import labels
from judgebench.store import schema as t
from judgebench.store.database import Connection, Database, Stored


def vote(database: Database, benchmark: str, label: HumanLabel) -> bool:
    """Store one person's label; False where the very same was stored before.

    ``HumanLabel.of`` makes one from what was shown first and second.
    Raises UnknownName for a benchmark, instruction or output that is not there, InputError for an unusable label, and
    Conflict where this person has said something else about the pair.
    """
    return add_labels(database, benchmark, [label]).new == 1


def add_labels(database: Database, benchmark: str, given: Sequence[HumanLabel]) -> Stored:
    """Store labels on outputs that the benchmark has, all or none. Raises as ``vote`` does."""
    for label in given:
        _check(label)
    with database.write() as connection:
        return labels.add_labels(connection, store.benchmarks.benchmark_id(connection, benchmark), given)


def _check(label: HumanLabel) -> None:
    check_name("annotator", label.annotator)
    if not label.model_a < label.model_b:
        raise InputError(
            f"a label's models stand in the order of their names, {label.model_b!r} before {label.model_a!r}: "
            "make it by HumanLabel.of"
        )
    if not math.isfinite(label.preference) or not 0 <= label.preference <= 1:
        raise InputError(f"a label's preference lies in [0, 1], not {label.preference}")
    if label.both_bad and label.preference != 0.5:
        raise InputError("both outputs are bad only where neither is preferred: preference 0.5")


_Texts = dict[str, dict[str, str]]  # by the instruction's key: the text of each model's output


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What a file of labels brought; counts of rows."""

    file: str
    benchmark: str
    annotators: tuple[str, ...]
    new: int  # labels that were not stored before
    known: int  # that were
    duplicate: int  # rows that repeat an earlier one
    contradicting: int  # rows in which someone says something else about a pair than before: the first was kept
    without_output: int  # rows on instructions or outputs that the benchmark lacks: left out
    instructions: int  # added to the benchmark
    outputs: int  # added to the benchmark


def import_labels(
    database: Database,
    path: Path,
    *,
    benchmark: str,
    annotator: str | None = None,
    columns: Mapping[str, str] | None = None,
    extend: bool = False,
) -> LabelReport:
    """Store a file's labels in one transaction. Importing again adds nothing.

    ``annotator`` names who labelled where the file does not; without it that is the file's name. Raises InputError
    naming file, row and field, and Conflict where stored outputs or labels differ; then nothing is stored.
    """
    check_name("benchmark", benchmark)
    file = read_label_file(path, columns=columns)
    with database.write() as connection:
        creates = benchmark not in store.benchmarks.benchmark_names(connection)
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
        matched = _Matched(_texts(connection, benchmark_id), adds=creates or extend)
        given = [matched.label(row, annotator or _stem(path), path.name) for row in file.rows]
        said, duplicate, contradicting = _distinct([each for each in given if each is not None])
        if not said:
            raise InputError(
                f"{path}: none of its {len(given)} labels is on outputs of benchmark {benchmark!r}: is it the right "
                "benchmark? --extend adds the file's instructions and outputs to it"
            )
        instructions, outputs = _add(connection, benchmark_id, file, matched)
        stored = labels.add_labels(connection, benchmark_id, said)
    return LabelReport(
        file=str(path),
        benchmark=benchmark,
        annotators=tuple(sorted({label.annotator for label in said})),
        new=stored.new,
        known=stored.known,
        duplicate=duplicate,
        contradicting=contradicting,
        without_output=sum(each is None for each in given),
        instructions=instructions,
        outputs=outputs,
    )


class _Matched:
    """Which model's output each side is; remembers the outputs that the benchmark lacks."""

    def __init__(self, texts: _Texts, *, adds: bool) -> None:
        self._texts, self._adds = texts, adds
        self.new: list[Output] = []

    def label(self, row: LabelRow, annotator: str, source: str) -> HumanLabel | None:
        """None where an output is not there and must not be added."""
        key = row.instruction.key
        if not self._adds and key not in self._texts:
            return None
        first = self._model(row, row.first)
        second = self._model(row, row.second, taken=first)
        if first is None or second is None:
            return None
        if first == second:
            raise row.place.error(f"both sides are the output of {first!r}: a label compares two")
        who = row.annotator or annotator
        check_name("annotator", who)
        a, b, toward_a = (first, second, row.preference)
        if b < a:
            a, b, toward_a = b, a, 1 - toward_a
        return HumanLabel(who, key, a, b, toward_a, row.both_bad, None, source)

    def _model(self, row: LabelRow, side: Side, taken: str | None = None) -> str | None:
        """The model's name; its output is added where there is none."""
        known = self._texts.setdefault(row.instruction.key, {})
        name = side.model if side.model is not None else _by_text(known, side, taken)
        if name in known:
            if side.text is not None and known[name] != side.text:
                raise row.place.error(
                    f"another output of {name!r} than the benchmark's: the label is about a text that is not stored"
                )
            return name
        if not self._adds:
            return None
        if side.text is None:
            raise row.place.error(f"the benchmark has no output of {name!r} to this instruction, nor has the file")
        check_name("model", name)
        known[name] = side.text
        self.new.append(Output(row.instruction.key, name, side.text))
        return name


def _by_text(known: Mapping[str, str], side: Side, taken: str | None) -> str:
    """The model that wrote this text, other than ``taken``; else the column's name, numbered where it is in use."""
    writers = [model for model, text in known.items() if text == side.text and model != taken]
    if writers:
        return side.column if side.column in writers else writers[0]
    names = chain([side.column], (f"{side.column} ({number})" for number in count(2)))
    return next(name for name in names if name not in known)


def _texts(connection: Connection, benchmark_id: int) -> _Texts:
    names = [model.name for model in store.models.models(connection, benchmark_id)]
    return {
        answered.instruction.key: {model: output.text for model, output in answered.outputs.items()}
        for answered in store.benchmarks.answered_instructions(connection, benchmark_id, names)
    }


def _distinct(given: Sequence[HumanLabel]) -> tuple[list[HumanLabel], int, int]:
    """The first label of each annotator on each pair; how many repeat it, and how many contradict it."""
    said: dict[tuple[str, str, str, str], HumanLabel] = {}
    duplicate = contradicting = 0
    for label in given:
        first = said.setdefault((label.annotator, label.instruction, label.model_a, label.model_b), label)
        if first is not label:
            same = (first.preference, first.both_bad) == (label.preference, label.both_bad)
            duplicate, contradicting = duplicate + same, contradicting + (not same)
    return list(said.values()), duplicate, contradicting


def _add(connection: Connection, benchmark_id: int, file: LabelFile, matched: _Matched) -> tuple[int, int]:
    """Add the instructions and outputs that the benchmark lacks; returns how many of each."""
    keys = {output.instruction for output in matched.new}
    instructions = [row.instruction for row in file.rows if row.instruction.key in keys]
    added = store.benchmarks.add_instructions(connection, benchmark_id, instructions)
    for name in sorted({output.model for output in matched.new}):
        store.models.add_model(connection, Model(name))
    return added.new, store.models.add_outputs(connection, benchmark_id, matched.new).new


def _stem(path: Path) -> str:
    """The file's name without its endings."""
    return path.name.partition(".")[0]


_v, _h = t.verdicts.c, t.human_labels.c


@dataclass(frozen=True, slots=True)
class PairToLabel:
    """Two outputs for a person to compare, in the order to show them. Do not show the models' names."""

    instruction: Instruction
    first: str  # model
    second: str
    text_first: str
    text_second: str


def human_labels(
    database: Database, benchmark: str, *, annotator: str | None = None, category: str | None = None
) -> list[HumanLabel]:
    """The labels on a benchmark, in the order they were stored. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, (), category)
        known = labels.annotators(connection, benchmark_id)
        if annotator is not None and annotator not in known:
            raise UnknownName("annotator", annotator, known)
        return list(labels.labels(connection, benchmark_id, annotator=annotator, category=category))


def annotators(database: Database, benchmark: str) -> dict[str, int]:
    """How many labels each annotator gave on a benchmark. Raises UnknownName."""
    with database.read() as connection:
        return labels.annotators(connection, store.benchmarks.benchmark_id(connection, benchmark))


def to_label(
    database: Database, benchmark: str, annotator: str, *, limit: int = 1, seed: int | None = None
) -> list[PairToLabel]:
    """Pairs that ``annotator`` has not labelled, one an instruction, those least labelled first and else at random.

    Only pairs that some judge has judged, so that every label can be compared with a verdict; pairs of identical
    outputs are left out. Which output comes first is drawn anew each time. Raises UnknownName.
    """
    rng = random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        left = _least_labelled(connection, benchmark_id, annotator, rng)
        pairs = chain.from_iterable(_one_pair(connection, each, annotator, rng) for each in left)
        return list(islice(pairs, limit))


def _least_labelled(connection: Connection, benchmark_id: int, annotator: str, rng: random.Random) -> list[int]:
    """The instructions with a judged pair of different outputs that ``annotator`` has not labelled.

    They are ordered by how many the annotator has labelled; the like are in random order.
    """
    c, a, b = t.instructions.c, t.outputs.alias("a"), t.outputs.alias("b")
    labelled = sa.exists().where(
        _h.annotator == annotator, _h.output_a_id == _v.output_a_id, _h.output_b_id == _v.output_b_id
    )
    differ = (a.c.id == _v.output_a_id) & (b.c.id == _v.output_b_id) & (a.c.text != b.c.text)
    left = sa.exists().where(_v.instruction_id == c.id, differ, ~labelled)
    mine = sa.select(_h.instruction_id, sa.func.count()).where(_h.annotator == annotator).group_by(_h.instruction_id)
    counts = {row[0]: row[1] for row in connection.execute(mine)}
    ids = list(connection.scalars(sa.select(c.id).where(c.benchmark_id == benchmark_id, left).order_by(c.id)))
    rng.shuffle(ids)
    return sorted(ids, key=lambda row_id: counts.get(row_id, 0))


def _one_pair(connection: Connection, instruction_id: int, annotator: str, rng: random.Random) -> list[PairToLabel]:
    """A pair on this instruction that is left to label; empty where there is none."""
    judged = sa.select(_v.output_a_id, _v.output_b_id).where(
        _v.instruction_id == instruction_id, _v.output_b_id.is_not(None)
    )
    mine = sa.select(_h.output_a_id, _h.output_b_id).where(
        _h.instruction_id == instruction_id, _h.annotator == annotator
    )
    done = {tuple(row) for row in connection.execute(mine)}
    left = sorted({tuple(row) for row in connection.execute(judged.distinct())} - done)
    rng.shuffle(left)
    outputs = sa.select(t.outputs.c.id, t.outputs.c.text).where(t.outputs.c.instruction_id == instruction_id)
    text = {row[0]: row[1] for row in connection.execute(outputs)}
    pair = next((list(pair) for pair in left if text[pair[0]] != text[pair[1]]), None)
    return [] if pair is None else [_shown(connection, pair, rng)]


def _shown(connection: Connection, outputs: list[int], rng: random.Random) -> PairToLabel:
    o = t.outputs.c
    query = (
        sa.select(o.id, o.text, t.models.c.name, *(t.instructions.c[name] for name in _INSTRUCTION))
        .join(t.models, t.models.c.id == o.model_id)
        .join(t.instructions, t.instructions.c.id == o.instruction_id)
        .where(o.id.in_(outputs))
        .order_by(o.id)
    )
    rows = list(connection.execute(query))
    rng.shuffle(rows)
    first, second = rows
    return PairToLabel(store.benchmarks.instruction_of(first), first.name, second.name, first.text, second.text)


_INSTRUCTION = ("turns", "category", "reference", "checklist")


_POOL = 8  # pairs of which the one that judges are least sure of is asked


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one voter on a benchmark."""

    mine: int  # votes
    all: int  # votes of everybody
    pairs: int  # that judges have judged
    agreement: Estimate  # share of one's votes that name the winner of the judges' mean, or a tie with them


def next_pair(database: Database, benchmark: str, annotator: str, *, seed: int | None = None) -> PairToLabel | None:
    """The pair that teaches most: of a few drawn as ``to_label`` draws, the one that judges are least sure of.

    Drawing first keeps votes spread over instructions and models. None when nothing is left. Raises UnknownName.
    """
    pairs = to_label(database, benchmark, annotator, limit=_POOL, seed=seed)
    with database.read() as connection:
        doubts = [_doubt(connection, benchmark, pair) for pair in pairs]
    order = list(range(len(pairs)))
    random.Random(seed).shuffle(order)  # noqa: S311  # it breaks ties, it keeps no secret
    best = max(order, key=lambda at: doubts[at], default=None)
    return None if best is None else pairs[best]


def progress(database: Database, benchmark: str, annotator: str) -> Progress:
    """Raises UnknownName."""
    i = t.instructions.c
    judged = (
        sa.select(sa.func.avg(_v.preference))
        .where(
            _v.instruction_id == _h.instruction_id,
            _v.output_a_id == _h.output_a_id,
            _v.output_b_id == _h.output_b_id,
            store.verdicts.IN_FORCE,
        )
        .scalar_subquery()
    )
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        asked = sa.select(i.id).where(i.benchmark_id == benchmark_id)
        mine = sa.select(_h.instruction_id, _h.preference, judged.label("judged")).where(
            _h.instruction_id.in_(asked), _h.annotator == annotator
        )
        rows = connection.execute(mine).all()
        everybody = sa.select(sa.func.count()).where(_h.instruction_id.in_(asked))
        pairs = sa.select(_v.instruction_id, _v.output_a_id, _v.output_b_id).distinct()
        pairs = pairs.where(_v.instruction_id.in_(asked), _v.output_b_id.is_not(None))
        return Progress(
            mine=len(rows),
            all=connection.scalar(everybody) or 0,
            pairs=connection.scalar(sa.select(sa.func.count()).select_from(pairs.subquery())) or 0,
            agreement=_agreement([(row.instruction_id, row.preference, row.judged) for row in rows]),
        )


def _agreement(votes: list[tuple[int, float, float | None]]) -> Estimate:
    known = [(key, mine, judged) for key, mine, judged in votes if judged is not None]
    if not known:
        return unidentified("no vote on a battle that a judge has a preference on yet")
    same = np.array([float(np.sign(mine - 0.5) == np.sign(judged - 0.5)) for _, mine, judged in known])
    return bounded_mean(same, np.array([key for key, _, _ in known]))


def _doubt(connection: Connection, benchmark: str, pair: PairToLabel) -> float:
    """How near the judges' mean preference is to a tie, in [0, 1]; contradictory verdicts are near one."""
    first, second = sorted((pair.first, pair.second))
    i = t.instructions.c
    asked = (
        sa.select(i.id)
        .join(t.benchmarks, t.benchmarks.c.id == i.benchmark_id)
        .where(t.benchmarks.c.name == benchmark, i.key == pair.instruction.key)
    )
    a, b = (store.battles.output_id(benchmark, pair.instruction.key, name) for name in (first, second))
    mean = connection.scalar(
        sa.select(sa.func.avg(_v.preference)).where(
            _v.instruction_id == asked.scalar_subquery(), _v.output_a_id == a, _v.output_b_id == b
        )
    )
    return 1.0 if mean is None else 1.0 - 2.0 * abs(mean - 0.5)

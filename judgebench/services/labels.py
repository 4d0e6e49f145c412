"""What people say about battles: a vote or a file of labels stored, labels listed, and which pair to ask about next."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count, islice
from pathlib import Path

import numpy as np

from judgebench import store
from judgebench.errors import InputError, UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.formats.human_labels import LABELS, LabelFile, LabelRow, Side
from judgebench.records import HumanLabel, Instruction, Output, check_name
from judgebench.services.imports import ImportReport
from judgebench.services.submissions import MessageCounts, add_read
from judgebench.stats.agreement import outcomes, share_alike
from judgebench.store import labels
from judgebench.store.database import Connection, Database, Stored

Compared = tuple[str, tuple[str, int], tuple[str, int]]  # instruction's key, model and sample of either output, by name
_Outputs = dict[str, list[Output]]  # by the instruction's key
_POOL = 8  # pairs of which the one that judges are least sure of is asked


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


def save_labels(
    database: Database, file: LabelFile, *, benchmark: str, annotator: str | None = None, extend: bool = False
) -> ImportReport:
    """Store a file's labels in one transaction. Storing again adds nothing.

    ``annotator`` names who labelled where the file does not; without it that is the file's name. Raises InputError
    naming file and row, and Conflict where stored outputs or labels differ; then nothing is stored.
    """
    name = Path(file.file).name
    with database.write() as connection:
        creates = benchmark not in store.benchmarks.benchmark_names(connection)
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
        matched = _Matched(_outputs(connection, benchmark_id), adds=creates or extend)
        given = [matched.label(row, annotator or name.partition(".")[0], name) for row in file.rows]
        kept, duplicate, contradicting = _distinct([label for label in given if label is not None])
        if not kept:
            raise InputError(
                f"{file.file}: none of its {len(given)} labels is on outputs of benchmark {benchmark!r}: is it the "
                "right benchmark? --extend adds the file's instructions and outputs to it"
            )
        added = add_read(connection, benchmark, matched.new, file.blobs)
        stored = labels.add_labels(connection, benchmark_id, kept)
    return ImportReport(
        file=file.file,
        format=LABELS.name,
        benchmark=benchmark,
        annotators=tuple(sorted({label.annotator for label in kept})),
        new=stored.new,
        known=stored.known,
        duplicate=duplicate,
        contradicting=contradicting,
        without_output=sum(label is None for label in given),
        models=tuple(sorted({output.model for _, output in matched.new})),
        instructions=added.instructions.new,
        outputs=added.outputs.new,
        messages=MessageCounts(nulls=file.nulls),
        unread=file.unread,
    )


class _Matched:
    """Which output each side is; remembers the outputs that the benchmark lacks."""

    def __init__(self, outputs: _Outputs, *, adds: bool) -> None:
        self._outputs, self._adds = outputs, adds
        self.new: list[tuple[Instruction, Output]] = []  # each with the instruction as its row has it

    def label(self, row: LabelRow, annotator: str, source: str) -> HumanLabel | None:
        """None where an output is not there and must not be added."""
        key = row.key if row.key in self._outputs else row.instruction.key
        if key is None or (not self._adds and key not in self._outputs):
            return None
        first = self._output(row, key, row.first)
        second = self._output(row, key, row.second, taken=first)
        if first is None or second is None:
            return None
        if first.model == second.model:
            raise row.place.error(f"both sides are the output of {first.model!r}: a label compares two")
        who = row.annotator or annotator
        check_name("annotator", who)
        a, b, toward_a, order = first, second, row.preference, row.order
        if b.model < a.model:
            a, b, toward_a, order = b, a, 1 - toward_a, order and order.swapped
        told = (row.both_bad, order, row.source or source, row.created_at)
        return HumanLabel(who, key, a.model, b.model, toward_a, *told, samples=(a.sample, b.sample))

    def _output(self, row: LabelRow, key: str, side: Side, taken: Output | None = None) -> Output | None:
        """It is added where there is none of its model."""
        known = self._outputs.setdefault(key, [])
        name = side.model if side.model is not None else _by_output(known, side, taken)
        of_model = [output for output in known if output.model == name and side.sample in (None, output.sample)]
        if of_model:
            same = [output for output in of_model if _is_same(output, side)]
            if not same:
                raise row.place.error(
                    f"another output of {name!r} than the benchmark's: the label is about one that is not stored"
                )
            return same[0]
        if not self._adds:
            return None
        if side.output is None:
            raise row.place.error(f"the benchmark has no output of {name!r} to this instruction, nor has the file")
        check_name("model", name)
        output = replace(side.output, instruction=key, model=name, sample=side.sample or 0)
        known.append(output)
        self.new.append((row.instruction, output))
        return output


def _is_same(known: Output, side: Side) -> bool:
    """A digest tells apart what reads alike; without one the output decides, or the model alone.

    A text without messages is the output that wrote nothing else to be read.
    """
    if side.digest is not None:
        return known.digest == side.digest
    if side.output is None:
        return True
    is_text = side.output.trajectory is None and not side.output.earlier
    return known.digest == side.output.digest or (is_text and known.whole == side.output.text)


def _by_output(known: Sequence[Output], side: Side, taken: Output | None) -> str:
    """The model whose output it is, other than ``taken``'s; else the column's name, numbered where it is in use."""
    other = [output for output in known if taken is None or output.model != taken.model]
    writers = [output.model for output in other if _is_same(output, side)]
    if writers:
        return side.column if side.column in writers else writers[0]
    used = {output.model for output in known}
    names = chain([side.column], (f"{side.column} ({number})" for number in count(2)))
    return next(name for name in names if name not in used)


def _outputs(connection: Connection, benchmark_id: int) -> _Outputs:
    names = store.benchmarks.model_names(connection, benchmark_id)
    return {
        answered.instruction.key: list(chain.from_iterable(answered.samples.values()))
        for answered in store.benchmarks.answered_instructions(connection, benchmark_id, names)
    }


def _distinct(given: Sequence[HumanLabel]) -> tuple[list[HumanLabel], int, int]:
    """The first label of each annotator on each pair; how many repeat it, and how many contradict it."""
    firsts: dict[tuple[object, ...], HumanLabel] = {}
    duplicate = contradicting = 0
    for label in given:
        pair = (label.instruction, label.model_a, label.model_b, label.samples)
        first = firsts.setdefault((label.annotator, *pair), label)
        if first is not label:
            same = (first.preference, first.both_bad) == (label.preference, label.both_bad)
            duplicate, contradicting = duplicate + same, contradicting + (not same)
    return list(firsts.values()), duplicate, contradicting


@dataclass(frozen=True, slots=True)
class PairToLabel:
    """Two outputs for a person to compare, in the order to show them. Do not show the models' names."""

    instruction: Instruction
    first: Output
    second: Output
    sizes: Mapping[str, int] = field(default_factory=dict)  # bytes of the files that their messages hold, by digest

    @property
    def compared(self) -> Compared:
        """What tells it from other pairs, whichever output is shown first."""
        return _compared(self.first, self.second)


def _compared(one: Output, other: Output) -> Compared:
    a, b = sorted((output.model, output.sample) for output in (one, other))
    return one.instruction, a, b


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


def to_label(
    database: Database,
    benchmark: str,
    annotator: str,
    *,
    limit: int = 1,
    seed: int | None = None,
    skipped: Sequence[Compared] = (),
) -> list[PairToLabel]:
    """Pairs that ``annotator`` has not labelled, one an instruction, those least labelled first and else at random.

    Only pairs that some judge has judged, so that every label can be compared with a verdict; pairs of identical
    outputs are left out. Which output comes first is drawn anew each time. Those ``skipped`` come last, in their order.
    Raises UnknownName.
    """
    rng = random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        counts = labels.counts_by_instruction(connection, annotator)
        places = labels.unlabelled(connection, benchmark_id, annotator)
        rng.shuffle(places)
        places.sort(key=lambda place: counts.get(place, 0))  # those that are alike stay in random order
        of_skipped = store.benchmarks.instruction_ids(connection, benchmark_id, [key for key, *_ in skipped])
        fresh = (_one_pair(connection, place, annotator, rng, without=skipped) for place in places)
        later = (
            _one_pair(connection, of_skipped[pair[0]], annotator, rng, only=pair)
            for pair in skipped
            if pair[0] in of_skipped
        )
        return list(islice(chain.from_iterable(chain(fresh, later)), limit))


def _one_pair(
    connection: Connection,
    place: int,
    annotator: str,
    rng: random.Random,
    *,
    without: Sequence[Compared] = (),
    only: Compared | None = None,
) -> list[PairToLabel]:
    """A pair on this instruction that is left to label; empty where there is none."""
    left = labels.unlabelled_pairs(connection, place, annotator)
    rng.shuffle(left)
    pairs = ([one, other] for one, other in left if only in (None, _compared(one, other)))
    fresh = (pair for pair in pairs if _compared(*pair) not in without)
    pair = next(([one, other] for one, other in fresh if one.digest != other.digest), None)
    if pair is None:
        return []
    rng.shuffle(pair)
    instruction = store.benchmarks.instruction(connection, place)
    first, second = pair
    return [PairToLabel(instruction, first, second, store.battles.file_sizes(connection, instruction, pair))]


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one voter on a benchmark."""

    mine: int  # votes
    all: int  # votes of everybody
    pairs: int  # that judges have judged
    agreement: Estimate  # share of one's votes that name the winner of the judges' mean, or a tie with them


def next_pair(
    database: Database, benchmark: str, annotator: str, *, seed: int | None = None, skipped: Sequence[Compared] = ()
) -> PairToLabel | None:
    """The pair that teaches most: of a few drawn as ``to_label`` draws, the one that judges are least sure of.

    Drawing first keeps votes spread over instructions and models. Where all that is left was ``skipped``, the first of
    these. None when nothing is left. Raises UnknownName.
    """
    drawn = to_label(database, benchmark, annotator, limit=_POOL, seed=seed, skipped=skipped)
    pairs = [pair for pair in drawn if pair.compared not in skipped] or drawn[:1]
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        doubts = [_doubt(connection, benchmark_id, pair) for pair in pairs]
    order = list(range(len(pairs)))
    random.Random(seed).shuffle(order)  # noqa: S311  # it breaks ties, it keeps no secret
    best = max(order, key=lambda at: doubts[at], default=None)
    return None if best is None else pairs[best]


def _doubt(connection: Connection, benchmark_id: int, pair: PairToLabel) -> float:
    """How near the judges' mean preference is to a tie, in [0, 1]; contradictory verdicts are near one."""
    a, b = sorted((pair.first.model, pair.second.model))
    mean = store.battles.mean_preference(connection, benchmark_id, pair.instruction.key, (a, b))
    return 1.0 if mean is None else 1.0 - 2.0 * abs(mean - 0.5)


def progress(database: Database, benchmark: str, annotator: str) -> Progress:
    """Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        mine = labels.beside_judges(connection, benchmark_id, annotator)
        return Progress(
            mine=len(mine),
            all=sum(labels.annotators(connection, benchmark_id).values()),
            pairs=store.battles.count(connection, benchmark_id),
            agreement=_agreement(mine),
        )


def _agreement(given: Sequence[labels.ComparedLabel]) -> Estimate:
    known = [(label.instruction, label.preference, label.judged) for label in given if label.judged is not None]
    if not known:
        return unidentified("no vote on a battle that a judge has a preference on yet")
    pairs = np.array([(mine, judged) for _, mine, judged in known], dtype=np.float64)
    return share_alike(outcomes(pairs), np.array([instruction for instruction, _, _ in known]))

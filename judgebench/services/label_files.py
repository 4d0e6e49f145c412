"""Storing a file of labels, with the instructions and outputs that they are about, a part of the file at a time.

What is in memory of all of it is which outputs and labels there are, not what they say.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import chain, count, islice
from pathlib import Path

from judgebench import services, store
from judgebench.counts import count as counted
from judgebench.errors import InputError
from judgebench.formats.human_labels import LABELS, LabelFile, LabelRow, Side
from judgebench.records import OVERALL, HumanLabel, Instruction, Model, Output, check_name, check_question
from judgebench.services.imports import ImportReport
from judgebench.services.submissions import MessageCounts, fitted, is_of_messages
from judgebench.store import labels
from judgebench.store.database import Connection, Database
from judgebench.store.labels import PlacedLabel

_TOGETHER = 1000  # rows that are stored at a time
_Said = tuple[float, bool]  # the preference, and whether both are bad


def save_labels(
    database: Database,
    file: LabelFile,
    *,
    benchmark: str,
    annotator: str | None = None,
    extend: bool = False,
    question: str = OVERALL,
) -> ImportReport:
    """Store a file's labels in one transaction. Storing again adds nothing.

    ``annotator`` names who labelled where the file does not; without it that is the file's name. Raises InputError
    naming file and row, and Conflict where stored outputs or labels differ; then nothing is stored.
    """
    name = Path(file.file).name
    with _uncollected(), database.write() as connection:
        creates = benchmark not in store.benchmarks.benchmark_names(connection)
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
        store.blobs.add(connection, file.blobs)
        outputs = _Outputs(connection, benchmark_id, file, adds=creates or extend)
        given = _Labels(connection, annotator or name.partition(".")[0], name, question)
        check = services.known.IdCheck(connection, benchmark_id, adds=creates or extend)
        for rows in _parts(file.rows):
            check.check((row.place, row.instruction) for row in rows)
            given.add(rows, outputs)
        if not given.annotators:
            raise InputError(
                f"{file.file}: of its {counted(len(file.rows), 'label')} none is on outputs of benchmark "
                f"{benchmark!r}: is it the right benchmark? --extend adds the file's instructions and outputs to it"
            )
        if given.counts["new"] or outputs.added:
            about = {"file": name, "format": LABELS.name, "labels": given.counts["new"], "outputs": outputs.added}
            store.events.record(connection, store.events.IMPORTED, "benchmark", benchmark, about)
    return ImportReport(
        file=file.file,
        format=LABELS.name,
        benchmark=benchmark,
        annotators=tuple(sorted(given.annotators)),
        new=given.counts["new"],
        known=given.counts["known"],
        duplicate=given.counts["duplicate"],
        contradicting=given.counts["contradicting"],
        without_output=given.counts["without output"],
        against_itself=file.against_itself,
        models=tuple(sorted(outputs.written_by)),
        instructions=outputs.instructions,
        outputs=outputs.added,
        empty=outputs.empty,
        messages=MessageCounts(nulls=file.nulls, samples=outputs.samples),
        unread=file.unread,
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing here refers to itself, and looking for what does takes a fifth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _parts(rows: Iterable[LabelRow]) -> Iterator[list[LabelRow]]:
    left = iter(rows)
    while part := list(islice(left, _TOGETHER)):
        yield part


@dataclass(slots=True)
class _Known:
    """An output that is stored, or will be with the others of its part of the file."""

    model: str
    sample: int
    marks: tuple[bytes, bytes]  # of all that it holds, and of what it wrote to be read
    id: int = 0


class _Outputs:
    """Which output each side is. Remembers those that the benchmark lacks until ``store``."""

    def __init__(self, connection: Connection, benchmark_id: int, file: LabelFile, *, adds: bool) -> None:
        self._connection, self._benchmark_id, self._file, self._adds = connection, benchmark_id, file, adds
        self.places: dict[str, int] = {}  # of instructions, by key
        self._known: dict[str, list[_Known]] = {}  # by the instruction's key
        self._models: dict[str, int] = {}
        self._new: list[tuple[Instruction, Output, _Known]] = []  # each with the instruction as its row has it
        self.written_by: set[str] = set()  # the models of those that were added
        self.instructions = self.added = self.empty = self.samples = 0

    def read(self, rows: Sequence[LabelRow]) -> list[int]:
        """Look up what is stored of the instructions of these rows; the ids of those looked up for the first time."""
        keys = {key for row in rows for key in (row.key, row.instruction.key) if key is not None}
        keys -= self._known.keys()
        places = store.benchmarks.instruction_ids(self._connection, self._benchmark_id, sorted(keys))
        self.places |= places
        self._known |= {key: [] for key in keys}
        for key, place, output in store.models.samples_to(self._connection, self._benchmark_id, sorted(places)):
            self._known[key].append(_Known(output.model, output.sample, _marks(output), place))
        return list(places.values())

    def pair(self, row: LabelRow) -> tuple[str, _Known, _Known] | None:
        """The instruction's key and both outputs; None where one is not there and must not be added."""
        key = row.key if row.key in self.places else row.instruction.key
        if key is None or (not self._adds and key not in self.places):
            return None
        first = self._output(row, key, row.first)
        second = self._output(row, key, row.second, taken=first)
        if first is None or second is None:
            return None
        if first.model == second.model:
            raise row.place.error(f"both sides are the output of {first.model!r}: a label compares two")
        return key, first, second

    def _output(self, row: LabelRow, key: str, side: Side, taken: _Known | None = None) -> _Known | None:
        """It is added where there is none such; where the model has others, as a further sample."""
        known = self._known.setdefault(key, [])
        name = side.model if side.model is not None else self._by_output(key, known, side, taken)
        of_model = [output for output in known if output.model == name]
        numbered = [output for output in of_model if side.sample in (None, output.sample)]
        same = next(filter(self._sameness(key, side), numbered), None) if numbered else None
        if same is not None:
            return same
        if numbered and (side.digest is not None or side.sample is not None):
            raise row.place.error(
                f"another output of {name!r} than the benchmark's: the label is about one that is not stored"
            )
        if not self._adds:
            return None
        if side.output is None:
            raise row.place.error(f"the benchmark has no output of {name!r} to this instruction, nor has the file")
        if name not in self._models:
            check_name("model", name)
            self._models[name] = store.models.add_model(self._connection, Model(name))
        sample = max((output.sample + 1 for output in of_model), default=0) if side.sample is None else side.sample
        output = Output(key, name, side.output.text, side.output.earlier, side.output.trajectory, sample)
        new = _Known(name, sample, _marks(output))
        known.append(new)
        self._new.append((row.instruction, output, new))
        return new

    def _sameness(self, key: str, side: Side) -> Callable[[_Known], bool]:
        """Whether an output is the side's: a digest tells apart what reads alike; without one the output decides, or
        the model alone.

        A text without messages is the output that wrote nothing else to be read.
        """
        if side.digest is not None:
            return lambda known: side.digest == self._digest(key, known)
        if side.output is None:
            return lambda known: True
        whole, text = _marks(side.output)
        if side.output.trajectory is not None or side.output.earlier:
            return lambda known: known.marks[0] == whole
        return lambda known: known.marks[0] == whole or known.marks[1] == text

    def _digest(self, key: str, known: _Known) -> str:
        new = (output for _, output, added in self._new if added is known)
        stored = store.models.samples_to(self._connection, self._benchmark_id, [key])
        return next(chain(new, (output for _, place, output in stored if place == known.id))).digest

    def _by_output(self, key: str, known: Sequence[_Known], side: Side, taken: _Known | None) -> str:
        """The model whose output it is, other than ``taken``'s; else the column's name, numbered where it is in use."""
        other = [output for output in known if taken is None or output.model != taken.model]
        is_same = self._sameness(key, side)
        writers = [output.model for output in other if is_same(output)]
        if writers:
            return side.column if side.column in writers else writers[0]
        used = {output.model for output in known}
        names = chain([side.column], (f"{side.column} ({number})" for number in count(2)))
        return next(name for name in names if name not in used)

    def store(self) -> None:
        """Store what was added since the last time."""
        own = [instruction for instruction, output, _ in self._new if instruction.key == output.instruction]
        self.instructions += store.benchmarks.add_instructions(self._connection, self._benchmark_id, own).new
        missing = sorted({instruction.key for instruction in own} - self.places.keys())
        self.places |= store.benchmarks.instruction_ids(self._connection, self._benchmark_id, missing)
        rows = [(self.places[output.instruction], self._models[output.model], output) for output in self._fitted()]
        for (_, output, known), place in zip(
            self._new, store.models.add_new_outputs(self._connection, rows), strict=True
        ):
            known.id = place
            self.written_by.add(known.model)
            self.empty += not output.text.strip() and output.empty
            self.samples += output.sample > 0
        self.added += len(self._new)
        self._new = []

    def _fitted(self) -> Iterator[Output]:
        """The new outputs as they go with the instructions that are stored."""
        keys = {output.instruction for read, output, _ in self._new if is_of_messages(read, output)}
        stored = store.benchmarks.instructions_of(self._connection, self._benchmark_id, sorted(keys))
        for read, output, _ in self._new:
            held = stored.get(output.instruction)
            yield output if held is None else fitted(output, read, held, self._file.blobs)


def _marks(output: Output) -> tuple[bytes, bytes]:
    """What tells outputs apart, by all that they hold and by what they wrote to be read."""
    if output.trajectory is None:
        whole = _mark("\0".join((*output.earlier, output.text)))
        return whole, whole if not output.earlier else _mark(output.whole)
    if output.plain:
        return _mark("\0".join((*output.earlier, output.text))), _mark(output.whole)
    return output.digest.encode(), _mark(output.whole)


def _mark(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class _Labels:
    """Which labels are new, known or repeated."""

    def __init__(self, connection: Connection, annotator: str, source: str, question: str) -> None:
        check_question(question)
        self._connection, self._annotator, self._source, self._question = connection, annotator, source, question
        self._given: dict[tuple[str, int, int], _Said] = {}  # stored before, or now
        self._now: set[tuple[str, int, int]] = set()  # that the file has
        self._crowds: dict[tuple[int, int], _Crowd] = {}
        self._votes: set[str] = set()
        self.annotators: set[str] = set()
        self.counts: Counter[str] = Counter()

    def add(self, rows: Sequence[LabelRow], outputs: _Outputs) -> None:
        """Store the labels of these rows."""
        places = outputs.read(rows)
        self._given |= {
            identity: (row.preference, bool(row.both_bad))
            for identity, row in labels.labels_on(self._connection, places, self._question)
        }
        pairs = [(row, outputs.pair(row)) for row in rows]
        outputs.store()
        new = [placed for row, pair in pairs if (placed := self._placed(row, pair, outputs)) is not None]
        labels.add_new_labels(self._connection, new)

    def _placed(self, row: LabelRow, pair: tuple[str, _Known, _Known] | None, outputs: _Outputs) -> PlacedLabel | None:
        """The label, where it is new."""
        if pair is None:
            self.counts["without output"] += 1
            return None
        key, a, b = pair
        toward_a, order = row.preference, row.order
        if b.model < a.model:
            a, b, toward_a, order = b, a, 1 - toward_a, order and order.swapped
        who = row.annotator or self._annotator
        if who not in self.annotators:
            check_name("annotator", who)
            self.annotators.add(who)
        choice = (toward_a, row.both_bad)
        if row.anonymous:
            who, outcome = self._crowd(who, a.id, b.id, choice, row.vote)
        else:
            outcome = self._outcome((who, a.id, b.id), choice)
        label = HumanLabel(
            *(who, key, a.model, b.model, toward_a, row.both_bad, order, row.source or self._source, row.created_at),
            samples=(a.sample, b.sample),
            question=self._question,
        )
        if outcome == "conflict":
            preference, both_bad = self._given[who, a.id, b.id]
            labels.check_same(label, replace(label, preference=preference, both_bad=both_bad))
        self.counts[outcome] += 1
        return PlacedLabel(label, outputs.places[key], a.id, b.id) if outcome == "new" else None

    def _outcome(self, identity: tuple[str, int, int], choice: _Said) -> str:
        known = self._given.setdefault(identity, choice)
        is_repeated, is_stored = identity in self._now, known is not choice
        self._now.add(identity)
        if is_repeated:
            return "duplicate" if known == choice else "contradicting"
        if is_stored:
            return "known" if known == choice else "conflict"
        return "new"

    def _crowd(self, who: str, a: int, b: int, choice: _Said, vote: str | None) -> tuple[str, str]:
        """Under which name a vote is stored that nobody is known to have given, and what it is.

        Those on one pair stand under numbered names: what is stored of them is not stored again.
        """
        if vote is not None and vote in self._votes:
            return who, "duplicate"
        if vote is not None:
            self._votes.add(vote)
        crowd = self._crowds.get((a, b))
        if crowd is None:
            stored: list[_Said] = []
            while (known := self._given.get((_numbered(who, len(stored) + 1), a, b))) is not None:
                stored.append(known)
            crowd = self._crowds[a, b] = _Crowd(len(stored), Counter(stored))
        if crowd.left[choice]:
            crowd.left[choice] -= 1
            return who, "known"
        crowd.size += 1
        return _numbered(who, crowd.size), "new"


@dataclass(slots=True)
class _Crowd:
    """Votes on one pair of which nobody knows who gave them."""

    size: int
    left: Counter[_Said]  # stored before, and not yet come again


def _numbered(who: str, number: int) -> str:
    return who if number == 1 else f"{who} ({number})"

"""Importing files of human labels: rows are matched with a benchmark's outputs, or bring them along.

A benchmark that is not there yet is made of the file. Of one that is, only labels on its own outputs are kept and the
others counted, unless ``extend`` adds what it lacks: whoever imports labels does not change silently what everybody is
measured on. Sides without a model's name are found by their text, and else named after their column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import sqlalchemy as sa

from judgebench.errors import InputError
from judgebench.formats.human_labels import LabelFile, LabelRow, Side, read_label_file
from judgebench.records import HumanLabel, Model, Output
from judgebench.store import labels, reader, writer
from judgebench.store.database import Database
from judgebench.study.submit import check_name

_PAGE = 500
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
        creates = benchmark not in reader.benchmark_names(connection)
        benchmark_id = writer.add_benchmark(connection, benchmark)
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


def _texts(connection: sa.Connection, benchmark_id: int) -> _Texts:
    names = [model.name for model in reader.models(connection, benchmark_id)]
    texts: _Texts = {}
    after = 0
    while page := reader.questions(connection, benchmark_id, names, after=after, limit=_PAGE):
        after = page[-1].id
        texts |= {each.instruction.key: {model: output.text for model, output in each.outputs.items()} for each in page}
    return texts


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


def _add(connection: sa.Connection, benchmark_id: int, file: LabelFile, matched: _Matched) -> tuple[int, int]:
    """Add the instructions and outputs that the benchmark lacks; returns how many of each."""
    keys = {output.instruction for output in matched.new}
    instructions = [row.instruction for row in file.rows if row.instruction.key in keys]
    added = writer.add_instructions(connection, benchmark_id, instructions)
    for name in sorted({output.model for output in matched.new}):
        writer.add_model(connection, Model(name))
    return added.new, writer.add_outputs(connection, benchmark_id, matched.new).new


def _stem(path: Path) -> str:
    """The file's name without its endings."""
    return path.name.partition(".")[0]

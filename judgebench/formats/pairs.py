"""Pairs of outputs with a key: what formats of preferences and of reward benchmarks have in common.

A row holds an instruction and outputs of which some are better. Sides with a model's name keep it; where a model has
several different outputs to one instruction, those after the first have a number, since a label compares two models.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from judgebench.errors import InputError
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.fields import Columns
from judgebench.formats.human_labels import LabelFile, LabelRow, Side
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.leaderboard.judge_benchmarks import JUDGE_BENCHMARKS, JudgeBenchmarkName
from judgebench.records import Instruction, Output

FIRST, SECOND, TIE = 1.0, 0.0, 0.5  # preferences for the first of two sides


class PairReader:
    """Reads the pairs of one file; ``annotator`` is who preferred, None where the file does not say."""

    def __init__(self, filename: Filename, annotator: str | None = None, *, limits: ReadLimits | None = None) -> None:
        self.reader = ExchangeReader(Columns({}), limits=limits)
        self._file, self._annotator = str(filename), annotator
        self._rows: list[LabelRow] = []
        self._written: dict[tuple[str, str], dict[str, list[str]]] = {}  # by instruction and model: names by digest
        self._counts: Counter[tuple[str, str]] = Counter()  # of these names
        self._nulls, self._columns = 0, dict[str, None]()
        self._categories: dict[str, str | None] = {}  # by instruction: the first that the file has
        self._other_categories = 0

    def instruction(
        self, row: FileRow, question: Any, about: Mapping[str, Any] | None = None, *, column: str = "prompt"
    ) -> Instruction:
        """What was asked: a text, turns or messages; ``about``: its category, reference and id. In a ``column`` named
        instruction, what Alpaca puts beside it belongs to it."""
        values = {column: question} | {name: value for name, value in (about or {}).items() if value is not None}
        instruction = self.reader.instruction(FileRow(row.place, values))
        self._other_categories += (
            self._categories.setdefault(instruction.key, instruction.category) != instruction.category
        )
        return instruction

    def output(self, row: FileRow, column: str, value: Any, instruction: Instruction) -> Output:
        """The one output that stands in a column. Raises InputError for none, or several."""
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            raise row.error(column, f"holds a list of {len(value)} texts: expected one output, a text or messages")
        outputs = self.reader.outputs(FileRow(row.place, {column: value}), column, instruction)
        if len(outputs) > 1:
            raise row.error(column, f"holds {len(outputs)} outputs: a label compares two, make a row of each pair")
        return outputs[0]

    def text(self, row: FileRow, column: str, value: Any, instruction: Instruction) -> Output:
        """The output that a text is."""
        return Output(instruction.key, "", row.as_text(column, value))

    def side(self, model: str | None, output: Output, column: str, *, beside: Side | None = None) -> Side:
        """One side of a pair; ``beside``: the other one, whose name it may not have."""
        if model is None:
            return Side(None, output, column)
        written = self._written.setdefault((output.instruction, model), {})
        taken = None if beside is None else beside.model
        name = next((name for name in written.get(output.digest, ()) if name != taken), None)
        if name is None:
            number = self._counts[output.instruction, model] = self._counts[output.instruction, model] + 1
            name = f"{model} ({number})" if number > 1 else model
            written.setdefault(output.digest, []).append(name)
        return Side(name, output, column)

    def add(
        self, row: FileRow, instruction: Instruction, first: Side, second: Side, preference: float = FIRST,
        *, annotator: str | None = None, subset: str | None = None,
    ) -> None:  # fmt: skip
        """A pair; ``subset``: the part of the benchmark that it is of, for one instruction may be in several. It
        stands in the label's source, behind a #."""
        who = annotator or self._annotator
        source = None if subset is None else f"{Path(self._file).name}#{subset}"
        self._rows.append(LabelRow(row.place, instruction, first, second, preference, False, who, source=source))

    def note(self, row: FileRow) -> FileRow:
        """The row, of which is noted what columns it has, and what its kind of file had added."""
        self._nulls += row.nulls
        self._columns |= dict.fromkeys(row.values)
        return row

    def file(
        self, columns: Mapping[str, str], read: Collection[str], unkept: Mapping[str, int] | None = None
    ) -> LabelFile:
        """All pairs. ``columns``: field -> the column it was read from; ``read``: all columns that count as read.

        Raises InputError where there is none.
        """
        if not self._rows:
            reasons = ", ".join(f"{name} ({number:,})" for name, number in (unkept or {}).items() if number)
            raise InputError(f"{self._file}: holds no pair to compare{f': {reasons}' * bool(reasons)}")
        unread = tuple(column for column in self._columns if column not in read)
        counts = {"rows with another category of their instruction": self._other_categories, **(unkept or {})}
        counts = {name: number for name, number in counts.items() if number}
        return LabelFile(self._file, tuple(self._rows), columns, self.reader.blobs, self._nulls, unread, unkept=counts)


def named(row: FileRow, column: str) -> str | None:
    """The name of a model, or of anything, in a column; None where it is missing or empty."""
    value = row.values.get(column)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return row.as_text(column, value).strip() or None


def subset_of_path(filename: Filename, benchmark: JudgeBenchmarkName) -> str | None:
    """The subset that a file's name, or that of a folder near it, tells; None where none does."""
    known = JUDGE_BENCHMARKS[benchmark]
    parts = Path(str(filename)).parts[-3:]
    return next((subset for part in reversed(parts) if (subset := known.subset_of(part)) is not None), None)

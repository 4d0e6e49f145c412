"""Rows from a pandas DataFrame: what a notebook has in its hands instead of a file.

The index is left alone. Missing values of every kind (None, NaN, NaT, NA) are null, as in JSON.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from judgebench.errors import InputError
from judgebench.formats.fields import Columns, read_instruction, read_label, read_replies
from judgebench.formats.reading import Filename, Limits, Place, Row
from judgebench.formats.rows import read_rows
from judgebench.records import Instruction

NAME = "the data frame"  # in messages, where a file would be named


def read_frame(frame: pd.DataFrame) -> Iterator[Row]:
    """The frame's rows, counted from 1. Raises InputError where it has no rows or a column twice."""
    names = [str(name) for name in frame.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{NAME}: the column {twice!r} occurs twice; rename one")
    if frame.empty:
        raise InputError(f"{NAME}: holds no rows")
    for number, cells in enumerate(frame.itertuples(index=False, name=None), start=1):
        yield Row(Place(NAME, "row", number), dict(zip(names, map(_plain, cells), strict=True)))


def _plain(value: Any) -> Any:
    """``value`` as JSON would hold it."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


@dataclass(frozen=True, slots=True)
class SubmittedOutput:
    """A model's text for an instruction, and where it was read."""

    instruction: Instruction
    text: str  # it may be empty
    place: Place
    earlier: tuple[str, ...] = ()  # the replies to the turns before the last, where there is one reply a turn

    @property
    def whole(self) -> str:
        """All its replies, separated by an empty line."""
        return "\n\n".join((*self.earlier, self.text))


@dataclass(frozen=True, slots=True)
class Submission:
    """One model's outputs, at most one for each instruction, in the file's order."""

    file: str
    outputs: tuple[SubmittedOutput, ...]  # at least one
    duplicates: int  # rows left out because they repeat an earlier one word for word
    generator: str | None  # the model's name as the file has it
    columns: Mapping[str, str]  # field -> the column it was read from

    @property
    def empty(self) -> int:
        """How many outputs are empty or blank. They are kept: to say nothing is an output too."""
        return sum(not output.text.strip() for output in self.outputs)


@dataclass(frozen=True, slots=True)
class BenchmarkItem:
    """An instruction, and where it was read."""

    instruction: Instruction
    id: str | None  # its name in the file
    place: Place


@dataclass(frozen=True, slots=True)
class BenchmarkFile:
    """Instructions, no two alike, in the file's order."""

    file: str
    items: tuple[BenchmarkItem, ...]  # at least one
    duplicates: int  # rows left out because they repeat an earlier one
    columns: Mapping[str, str]  # field -> the column it was read from


def read_submission(
    filename: Filename, *, columns: Mapping[str, str] | None = None, limits: Limits | None = None
) -> Submission:
    """The outputs in a file. ``columns`` maps our field to the file's column, e.g. ``{"instruction": "question"}``.

    Raises InputError, naming file, row and field, for whatever cannot be read without guessing: a row without its
    instruction or output, one that is not text, an empty instruction, one instruction with two different outputs, or
    outputs of several models in one file. UnknownName for a field or column that does not exist.
    """
    return gather_submission(read_rows(filename, limits=limits), str(filename), columns=columns)


def gather_submission(rows: Iterable[Row], name: str, *, columns: Mapping[str, str] | None = None) -> Submission:
    """The outputs in rows that came from elsewhere than a file; ``name`` stands for the file's.

    Raises InputError as ``read_submission`` does.
    """
    found = Columns(columns or {})
    outputs: dict[str, SubmittedOutput] = {}
    generators: dict[str, Place] = {}
    duplicates = 0
    for row in rows:
        _check_generator(row, read_label(row, "generator", found), generators)
        output = _output(row, found)
        earlier = outputs.setdefault(output.instruction.key, output)
        if earlier.whole != output.whole:
            raise _conflict(row, earlier.place, "output")
        duplicates += earlier is not output
    found.check_chosen(name)
    return Submission(name, tuple(outputs.values()), duplicates, next(iter(generators), None), found.used)


def _output(row: Row, columns: Columns) -> SubmittedOutput:
    """Replies that do not match the turns one by one are joined, as ``Instruction.text`` joins these."""
    instruction, replies = read_instruction(row, columns), read_replies(row, columns)
    if len(replies) != len(instruction.turns):
        replies = ("\n\n".join(replies),)
    return SubmittedOutput(instruction, replies[-1], row.place, replies[:-1])


def read_benchmark(
    filename: Filename, *, columns: Mapping[str, str] | None = None, limits: Limits | None = None
) -> BenchmarkFile:
    """The instructions in a file with their categories, references and checklists; other columns are left alone.

    Raises InputError as ``read_submission`` does; a repeated instruction must repeat everything said about it.
    """
    found = Columns(columns or {})
    items: dict[str, BenchmarkItem] = {}
    duplicates = 0
    for row in read_rows(filename, limits=limits):
        item = BenchmarkItem(read_instruction(row, found), read_label(row, "id", found), row.place)
        earlier = items.setdefault(item.instruction.key, item)
        if _about(earlier.instruction) != _about(item.instruction):
            raise _conflict(row, earlier.place, "category, reference or checklist")
        duplicates += earlier is not item
    found.check_chosen(str(filename))
    return BenchmarkFile(str(filename), tuple(items.values()), duplicates, found.used)


def _about(instruction: Instruction) -> tuple[object, ...]:
    return instruction.category, instruction.reference, instruction.checklist


def _check_generator(row: Row, name: str | None, seen: dict[str, Place]) -> None:
    if name is None:
        return
    seen.setdefault(name, row.place)
    if len(seen) > 1:
        first, earlier = next(iter(seen.items()))
        raise InputError(
            f"{row.place}: an output of {name!r}, but {earlier.unit} {earlier.number} is one of {first!r}; "
            "submit one model at a time: split the file"
        )


def _conflict(row: Row, earlier: Place, what: str) -> InputError:
    return row.place.error(
        f"the same instruction as in {earlier.unit} {earlier.number}, with another {what}; keep one of the two"
    )

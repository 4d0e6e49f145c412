"""What a benchmark holds already, for files that name its instructions by their ids and leave the texts out.

Ids are those of one benchmark: what is 81 in one is something else in another, and so is row 81 of another file. An id
that two instructions of a benchmark have joins nothing.
"""

from typing import Any, Protocol

from judgebench.formats.fields import Columns
from judgebench.formats.reading import FileRow, kind
from judgebench.formats.writing import IDS_COLUMN
from judgebench.keys import clean_text
from judgebench.records import MAX_ID, Instruction, Output, is_id

_SHOWN_CHARS = 80  # of an id, in a message


class AmbiguousId(ValueError):
    """Two instructions of the benchmark have the id."""


class Known(Protocol):
    """A benchmark's instructions and outputs, looked up one by one."""

    def instruction(self, id: str) -> Instruction | None:
        """The one with this id. Raises AmbiguousId."""

    def outputs(self, key: str, model: str) -> tuple[Output, ...]:
        """The model's, all samples, to the instruction with this key."""


class _Nothing:
    """No benchmark, or one that is not there yet."""

    def instruction(self, id: str) -> Instruction | None:
        return None

    def outputs(self, key: str, model: str) -> tuple[Output, ...]:
        return ()


NOTHING: Known = _Nothing()


def joined(known: Known, row: FileRow, *columns: str) -> Instruction:
    """The instruction that the id in a column names, or those in several: one of them must, and no two may differ.

    Raises InputError, naming file, row and field, where it is no id, or that of no instruction, or of two.
    """
    joins = {column: _instruction(known, row, column) for column in columns}
    named = {column: instruction for column, instruction in joins.items() if instruction is not None}
    if not named:
        column = columns[0]
        id = row.values.get(column)
        if id is None or id == "":
            raise row.error(column, "is empty: expected the id of an instruction")
        raise row.error(
            column,
            f"no instruction of the benchmark has the id {str(id)[:_SHOWN_CHARS]!r}: import the instructions first, "
            "from a file that has this id beside their texts",
        )
    if len({instruction.key for instruction in named.values()}) > 1:
        one, other = list(named)[:2]
        raise row.error(one, f"names another instruction of the benchmark than {other!r} does: leave one of them out")
    return next(iter(named.values()))


def _instruction(known: Known, row: FileRow, column: str) -> Instruction | None:
    id = id_in(row, column)
    try:
        return None if id is None else known.instruction(id)
    except AmbiguousId as error:
        raise row.error(
            column,
            f"{error.args[0][:_SHOWN_CHARS]!r} is the id of several instructions of the benchmark: give the "
            "instruction's text beside it, or import into a benchmark of their own",
        ) from error


def id_in(row: FileRow, column: str) -> str | None:
    """The id in a cell, a number as its digits; None where there is none. Raises InputError for what can be none."""
    value: Any = row.values.get(column)
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():  # as tables hold whole numbers where others are missing
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise row.error(column, f"expected an id, a text or a whole number, found {kind(value)}")
    id = clean_text(value).strip()
    if id and not is_id(id):
        raise row.error(
            column,
            f"{id[:_SHOWN_CHARS]!r} cannot be an id: take 1 to {MAX_ID} characters, no control or invisible "
            "characters; leave the column out where it holds something else",
        )
    return id or None


def ids_beside(row: FileRow, columns: Columns) -> tuple[str, ...]:
    """The ids of the instruction whose text is in the row: sorted, no two alike. A column of lists or objects holds
    something else. Raises InputError for a text that can be no id."""
    ids = {id_in(row, column) for column in columns.ids(row) if not isinstance(row.values[column], list | dict | bool)}
    listed = row.values.get(IDS_COLUMN)
    if isinstance(listed, list):
        ids |= {id_in(FileRow(row.place, {IDS_COLUMN: id}), IDS_COLUMN) for id in listed}
    return tuple(sorted(id for id in ids if id is not None))

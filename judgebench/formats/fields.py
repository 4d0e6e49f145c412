"""Which column holds what.

Every project names its columns in its own way. The table below holds the usual names; where a row has several of them
the one that stands first counts, whatever their order in the file. Upper and lower case make no difference. A caller's
own ``columns`` (our field -> their column) goes before the table.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from judgebench.errors import InputError, UnknownName
from judgebench.formats import Sample
from judgebench.formats.choices import CHOICE_TURNS
from judgebench.formats.paths import is_path, parts, reached
from judgebench.formats.reading import FileRow, kind
from judgebench.formats.text_cells import with_lists
from judgebench.formats.writing import IDS_COLUMN, KEY_COLUMN

CONVERSATIONS = ("messages", "conversation", "conversations", "contents")  # columns of whole ones
IDS = (  # columns that hold what others call an instruction, beside "id", which may be that of the row
    *("question_id", "uid", "session_id", "sample_id", "instruction_id", "prompt_id", "doc_id", "example_id"),
)
USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "instruction": ("instruction", "prompt", "question", "query", "turns", *CONVERSATIONS, "input"),
    "output": (
        *("output", "response", "answer", "completion", "generation", "model_output", "prediction", CHOICE_TURNS),
    ),
    "category": ("category", "dataset", "subset", "scenario"),
    "reference": ("reference", "reference_answer", "ref_answer", "gold", "target"),
    "checklist": ("checklist",),
    "goals": ("declared_goals",),
    "generator": ("generator", "model", "model_id", "model_name"),
    "sample": ("sample", "epoch"),
    "afterwards": ("afterwards",),
    "id": ("id", *IDS),
}
_OF_REPLIES = ("object", "choices", "role")  # columns beside which "id" is that of a server's reply
_SIDES = ("output", "response", "answer", "completion", "conversation")
SIDE_NAMES: Mapping[str, tuple[str, ...]] = {  # of two outputs in a row
    "output_a": (*(f"{name}{end}" for name in _SIDES for end in ("_a", "_1", " 1", "1")), "chosen"),
    "output_b": (*(f"{name}{end}" for name in _SIDES for end in ("_b", "_2", " 2", "2")), "rejected"),
    "model_a": ("model_a", "generator_1", "model_1", "generator_a", "model_x"),
    "model_b": ("model_b", "generator_2", "model_2", "generator_b", "model_y"),
}
_NUMBERED = re.compile(rf"(?:{'|'.join(_SIDES)})[ _-]?(?:[a-z]|\d+)")  # as columns of several outputs are named
_OUTPUTS = ("output", "output_a", "output_b")
_LISTS = ("checklist", "goals")  # fields that hold lists
MOST_COUNTED = 2**31 - 1  # that the store holds
_MOST_DIGITS = 10
_SHOWN_COLUMNS, _SHOWN_CHARS = 20, 40  # in a message


class Columns:
    """Finds the column of a field in each row, and remembers which columns were used.

    ``usual``: the fields and the usual names of each. Raises UnknownName for a key of ``chosen`` that is no field.
    """

    def __init__(self, chosen: Mapping[str, str], usual: Mapping[str, tuple[str, ...]] = USUAL_NAMES) -> None:
        for field in chosen:
            if field not in usual:
                raise UnknownName("field", field, usual)
        self._paths = {column for column in chosen.values() if is_path(column)}  # until a column has that very name
        self._chosen, self._usual = dict(chosen), usual
        self._seen: set[str] = set()
        self._ids: dict[tuple[str, ...], tuple[str, ...]] = {}  # by the columns of a row: those of ids
        self._columns: dict[tuple[str, ...], dict[str, str | None]] = {}  # by the columns of a row: those of the fields
        self._last: FileRow | None = None  # the row that was looked at last, and its columns
        self._found: dict[str, str | None] = {}
        self.used: dict[str, str] = {}  # field -> the column it was first found in

    @property
    def chosen(self) -> tuple[str, ...]:
        """The columns that the caller named."""
        return tuple(self._chosen.values())

    @property
    def roots(self) -> set[str]:
        """The columns that chosen paths lead into."""
        return {str(parts(path)[0]) for path in self._paths}

    def chooses(self, field: str) -> bool:
        """Whether the caller named the field's column."""
        return field in self._chosen

    def rows(self, rows: Iterable[FileRow]) -> Iterator[FileRow]:
        """The rows, each with a column for each chosen path, which holds what it leads to, and with lists for JSON.

        A column of that very name goes before what the path leads to. Raises InputError where it leads nowhere, and as
        ``with_lists`` does.
        """
        for row in rows:
            self._paths -= row.values.keys()
            inside = {path: reached(row, path) for path in self._paths}
            yield self._with_lists(replace(row, values=row.values | inside) if inside else row)

    def _with_lists(self, row: FileRow) -> FileRow:
        """The row with lists of texts where its cells hold them as JSON; files of ours have their own."""
        if KEY_COLUMN in row.values:
            return row
        outputs = [column for field in _OUTPUTS if (column := self.peek(field, row)) is not None]
        lists = [column for field in _LISTS if (column := self.peek(field, row)) is not None]
        return with_lists(row, self.peek("instruction", row), outputs, lists)

    def peek(self, field: str, row: FileRow) -> str | None:
        """The column of ``row`` that holds ``field``, if there is one and the field is one of these."""
        return self._columns_of(row).get(field)

    def _columns_of(self, row: FileRow) -> dict[str, str | None]:
        """Those of all fields."""
        if row is self._last:
            return self._found
        names = tuple(row.values)
        if names not in self._columns:  # rows of a file have mostly the same ones
            self._seen.update(names)
            self._columns[names] = {field: _first_of(usual, names) for field, usual in self._usual.items()} | {
                field: column if column in row.values else None for field, column in self._chosen.items()
            }
        self._last, self._found = row, self._columns[names]
        return self._found

    def find(self, field: str, row: FileRow) -> str | None:
        """As ``peek``, of a column that is read."""
        column = self.peek(field, row)
        if column is not None:
            self.used.setdefault(field, column)
        return column

    def require(self, field: str, row: FileRow) -> str:
        column = self.find(field, row)
        if column is None:
            raise self.missing(field, row)
        return column

    def ids(self, row: FileRow) -> tuple[str, ...]:
        """The columns of ``row`` that hold ids of its instruction: the one that the caller named, or all usual ones."""
        if "id" in self._chosen:
            chosen = self._columns_of(row)["id"]
            return () if chosen is None else (chosen,)
        names = tuple(row.values)
        if names not in self._ids:
            mine = {name.strip().lower(): name for name in names}
            usual = IDS if any(name in mine for name in _OF_REPLIES) else self._usual.get("id", IDS)
            self._ids[names] = tuple(mine[name] for name in usual if name in mine)
        return self._ids[names]

    def check_chosen(self, file: str) -> None:
        """Raises UnknownName when a chosen column was in no row of the file."""
        for field, column in self._chosen.items():
            if column not in self._seen:
                raise UnknownName(f"column for {field} in {file}:", column, self._seen)

    def missing(self, field: str, row: FileRow) -> InputError:
        """The error to raise where a row must hold ``field`` and does not."""
        if field in self._chosen:
            return UnknownName(f"column for {field} in {row.place}:", self._chosen[field], row.values)
        there = ", ".join(name[:_SHOWN_CHARS] for name in list(row.values)[:_SHOWN_COLUMNS]) or "none"
        usual = ", ".join(self._usual[field])
        return row.error(
            field,
            f"no column holds it (columns here: {there}; usual names: {usual}); name it by --map {field}=COLUMN, "
            f"in Python by columns={{{field!r}: COLUMN}}",
        )


def holds_field(sample: Sample, names: Iterable[str]) -> bool:
    """Whether one of a field's usual names is a column."""
    return _first_of(names, sample.columns) is not None


def holds_sides(sample: Sample) -> bool:
    """Whether the rows hold two outputs, or the names of two models."""
    kinds = (("output_a", "output_b"), ("model_a", "model_b"))
    return any(all(holds_field(sample, SIDE_NAMES[side]) for side in sides) for sides in kinds)


def holds_numbered(sample: Sample) -> bool:
    """Whether a column is named as one of several outputs."""
    return any(_NUMBERED.fullmatch(column.strip().lower()) for column in sample.columns)


def holds_more(sample: Sample, names: Mapping[str, tuple[str, ...]] = USUAL_NAMES) -> bool:
    """Whether a column that has none of the usual names holds lists or objects, which may be anything."""
    usual = {IDS_COLUMN, *(name for aliases in names.values() for name in aliases)}
    unusual = [column for column in sample.columns if column.strip().lower() not in usual]
    return any(isinstance(row.get(column), list | dict) for row in sample.rows for column in unusual)


def _first_of(names: Iterable[str], values: Iterable[str]) -> str | None:
    by_lower_case = {name.strip().lower(): name for name in values}
    return next((by_lower_case[name] for name in names if name in by_lower_case), None)


def read_label(row: FileRow, field: str, columns: Columns) -> str | None:
    """A name or number that may be absent, as text; blank counts as absent."""
    column = columns.find(field, row)
    value = None if column is None else row.values[column]
    if column is None or value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return row.as_text(column, value).strip() or None


def read_count(row: FileRow, field: str, columns: Columns) -> int | None:
    """A whole number from 0, also as text; None where there is none. Raises InputError for anything else."""
    column = columns.find(field, row)
    value = None if column is None else row.values[column]
    if column is None or value is None or value != value or (isinstance(value, str) and not value.strip()):
        return None
    number = _whole_number(value)
    if number is None or number > MOST_COUNTED:
        what = kind(value) if isinstance(value, bool | list | dict) else repr(str(value)[:_SHOWN_CHARS])
        advice = f"if it counts something else, name another column by --map {field}=COLUMN"
        raise row.error(column, f"expected a whole number from 0 to {MOST_COUNTED:,}, found {what}; {advice}")
    return number


def _whole_number(value: Any) -> int | None:
    """As tables hold it, also as text, and as a number with a point where others in its column are missing."""
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_COUNTED:
        return None
    return int(value) if value == int(value) else None


def optional_texts(row: FileRow, field: str, columns: Columns) -> tuple[str, ...]:
    """A text, or a list of texts, that may be absent."""
    column = columns.find(field, row)
    if column is None or row.values[column] in (None, ""):
        return ()
    return texts(row, column, row.values[column])


def texts(row: FileRow, column: str, value: Any) -> tuple[str, ...]:
    """The texts in a cell: one, or a list of them, also as the contents of messages that do not say whose they are."""
    items = value if isinstance(value, list) else [value]
    return tuple(row.as_text(column, _content(item)) for item in items)


def _content(item: Any) -> Any:
    """What a message says; Arena-Hard 2 puts an object with an ``answer`` there."""
    content = item["content"] if isinstance(item, dict) and "content" in item else item
    return content.get("answer", content) if isinstance(content, dict) else content

"""Which column holds what, and how instructions and outputs are read from it.

Every project names its columns in its own way. The table below holds the usual names; where a row has several of them
the one that stands first counts, whatever their order in the file. Upper and lower case make no difference. A caller's
own ``columns`` (our field -> their column) goes before the table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from judgebench.errors import InputError, UnknownName
from judgebench.formats import Sample
from judgebench.formats.reading import FileRow
from judgebench.records import Instruction

USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "instruction": ("instruction", "prompt", "question", "query", "turns", "messages", "conversation", "input"),
    "output": ("output", "response", "answer", "completion", "generation", "model_output", "prediction"),
    "category": ("category", "dataset", "subset", "scenario"),
    "reference": ("reference", "reference_answer", "ref_answer", "gold", "target"),
    "checklist": ("checklist",),
    "generator": ("generator", "model", "model_id", "model_name"),
    "id": ("id", "question_id", "uid", "instruction_id", "prompt_id"),
}
_SIDES = ("output", "response", "answer", "completion", "conversation")
SIDE_NAMES: Mapping[str, tuple[str, ...]] = {  # of two outputs in a row
    "output_a": (*(f"{name}{end}" for name in _SIDES for end in ("_a", "_1", " 1")), "chosen"),
    "output_b": (*(f"{name}{end}" for name in _SIDES for end in ("_b", "_2", " 2")), "rejected"),
    "model_a": ("model_a", "generator_1", "model_1", "generator_a", "model_x"),
    "model_b": ("model_b", "generator_2", "model_2", "generator_b", "model_y"),
}
_SHOWN_COLUMNS, _SHOWN_CHARS = 20, 40  # in a message


class Columns:
    """Finds the column of a field in each row, and remembers which columns were used.

    ``usual``: the fields and the usual names of each. Raises UnknownName for a key of ``chosen`` that is no field.
    """

    def __init__(self, chosen: Mapping[str, str], usual: Mapping[str, tuple[str, ...]] = USUAL_NAMES) -> None:
        for field in chosen:
            if field not in usual:
                raise UnknownName("field", field, usual)
        self._chosen, self._usual = dict(chosen), usual
        self._seen: set[str] = set()
        self.used: dict[str, str] = {}  # field -> the column it was first found in

    def find(self, field: str, row: FileRow) -> str | None:
        """The column of ``row`` that holds ``field``, if there is one."""
        self._seen.update(row.values)
        column = self._chosen[field] if field in self._chosen else _first_of(self._usual[field], row.values)
        if column not in row.values:
            return None
        self.used.setdefault(field, column)
        return column

    def require(self, field: str, row: FileRow) -> str:
        column = self.find(field, row)
        if column is None:
            raise self.missing(field, row)
        return column

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


def holds_answers(sample: Sample) -> bool:
    """Whether the rows hold a model's output: in a column of its own, or in a conversation that is the instruction."""
    column = _first_of(USUAL_NAMES["instruction"], sample.columns)
    return holds_field(sample, USUAL_NAMES["output"]) or any(_has_answer(row.get(column or "")) for row in sample.rows)


def holds_sides(sample: Sample) -> bool:
    """Whether the rows hold two outputs, or the names of two models."""
    kinds = (("output_a", "output_b"), ("model_a", "model_b"))
    return any(all(holds_field(sample, SIDE_NAMES[side]) for side in sides) for sides in kinds)


def holds_more(sample: Sample, names: Mapping[str, tuple[str, ...]] = USUAL_NAMES) -> bool:
    """Whether a column that has none of the usual names holds lists or objects, which may be anything."""
    usual = {name for aliases in names.values() for name in aliases}
    unusual = [column for column in sample.columns if column.strip().lower() not in usual]
    return any(isinstance(row.get(column), list | dict) for row in sample.rows for column in unusual)


def _first_of(names: Iterable[str], values: Iterable[str]) -> str | None:
    by_lower_case = {name.strip().lower(): name for name in values}
    return next((by_lower_case[name] for name in names if name in by_lower_case), None)


def read_instruction(row: FileRow, columns: Columns) -> Instruction:
    """What was asked in this row; also the user's side of a conversation. Raises InputError where nothing was."""
    column = columns.require("instruction", row)
    turns = texts(row, column, row.values[column], role="user")
    if not turns:
        raise row.error(column, "holds no instruction")
    if not all(turn.strip() for turn in turns):
        raise row.error(column, "the instruction, or one of its turns, is empty")
    return Instruction(
        turns=turns,
        category=read_label(row, "category", columns),
        reference=_reference(row, columns),
        checklist=_optional_texts(row, "checklist", columns),
    )


def read_replies(row: FileRow, columns: Columns) -> tuple[str, ...]:
    """The model's replies, at least one, in the order of the turns.

    Where no column holds them, a conversation in the instruction's column does: the assistant's messages.
    """
    column = columns.find("output", row)
    if column is None:
        column = columns.find("instruction", row)
        if column is None or not _has_answer(row.values[column]):
            raise columns.missing("output", row)
        columns.used.setdefault("output", column)
    answers = texts(row, column, row.values[column], role="assistant")
    if not answers:
        raise row.error(column, "holds no output; an empty output is the empty text")
    return answers


def matched_replies(instruction: Instruction, replies: Sequence[str]) -> Sequence[str]:
    """One reply a turn; where there are not as many, all in one text, joined as ``Instruction.text`` joins turns."""
    return replies if len(replies) == len(instruction.turns) else ["\n\n".join(replies)]


def read_label(row: FileRow, field: str, columns: Columns) -> str | None:
    """A name or number that may be absent, as text; blank counts as absent."""
    column = columns.find(field, row)
    value = None if column is None else row.values[column]
    if column is None or value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return row.as_text(column, value).strip() or None


def _reference(row: FileRow, columns: Columns) -> str | None:
    return "\n\n".join(_optional_texts(row, "reference", columns)).strip() or None


def _optional_texts(row: FileRow, field: str, columns: Columns) -> tuple[str, ...]:
    column = columns.find(field, row)
    if column is None or row.values[column] in (None, ""):
        return ()
    return texts(row, column, row.values[column], role="assistant")


def _has_answer(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(m, dict) and m.get("role") == "assistant" for m in value)


def texts(row: FileRow, column: str, value: Any, *, role: str) -> tuple[str, ...]:
    """The texts in a cell: one text, a list of texts, or the messages of one role in a conversation."""
    if not isinstance(value, list):
        return (row.as_text(column, value),)
    mine = [item for item in value if not isinstance(item, dict) or item.get("role", role) == role]
    return tuple(row.as_text(column, _content(item)) for item in mine)


def _content(item: Any) -> Any:
    """What a message says; Arena-Hard 2 puts an object with an ``answer`` there."""
    content = item.get("content") if isinstance(item, dict) else item
    return content.get("answer") if isinstance(content, dict) else content

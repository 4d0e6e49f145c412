"""Files of human preferences between two outputs, as the known projects publish them: one row a person and pair.

A row holds the instruction, two outputs or the names of two models (or both), and which was preferred:

- ``winner``: ``model_a``, ``model_b``, ``tie``, ``tie (bothbad)`` (MT-Bench, Chatbot Arena), a side, or a model's name;
- ``label``: 0 the first, 1 the second, 2 a tie (Auto-J), or ``A>B``, ``B>A``, ``A=B``;
- ``preference``: 1 to 2 beside ``output_1`` and ``output_2`` (AlpacaEval; 0 an old draw), else in [0, 1] for the first;
- ``winner_model_a``, ``winner_model_b``, ``winner_tie``: 0 or 1 each;
- ``chosen`` and ``rejected``: the first was preferred.

Which output the person saw first is in none of them. It is, as are source and time, in the files that we write. What
labels are worth is not known here. Votes of LMArena have a format of their own (``votes``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from judgebench.conversations import Blob, Conversation, cut
from judgebench.formats import Format, Sample
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import MORE_COLUMNS, ExchangeReader, asked_alike, first_turns
from judgebench.formats.fields import (
    IDS,
    SIDE_NAMES,
    USUAL_NAMES,
    Columns,
    holds_field,
    holds_sides,
    read_count,
    read_label,
)
from judgebench.formats.known import NOTHING, Known
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, kind
from judgebench.formats.writing import INSTRUCTION_COLUMNS, KEY_COLUMN, instruction_values, output_values
from judgebench.records import HumanLabel, Instruction, Order, Output

LABEL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "instruction": USUAL_NAMES["instruction"],
    "category": USUAL_NAMES["category"],
    "reference": USUAL_NAMES["reference"],
    "checklist": USUAL_NAMES["checklist"],
    "goals": USUAL_NAMES["goals"],
    **SIDE_NAMES,
    "label": ("preference", "winner", "label", "human_preference", "decision", "vote"),
    "annotator": ("annotator", "judge", "worker", "annotator_index", "annotator_id", "rater", "user"),
    "turn": ("turn",),
    "id": IDS,
    "sample_a": ("sample_a",),
    "sample_b": ("sample_b",),
}
_FIRST = ("model_a", "a", "a>b", "left", "first", "1st", "output_1", "output_a", "a>>b")
_SECOND = ("model_b", "b", "b>a", "a<b", "right", "second", "2nd", "output_2", "output_b", "b>>a")
_TIE = ("tie", "a=b", "b=a", "draw", "both", "both good", "equal")
_BOTH_BAD = ("tie (bothbad)", "bothbad", "both bad", "both_bad", "neither")
_NUMBERED = (0.0, 1.0, 2.0)  # first, second, tie
_BESIDE = (*MORE_COLUMNS, "turn", "instruction_digest", "output_a_digest", "output_b_digest")  # read beside the fields
_ONE_HOT = ("winner_model_a", "winner_model_b", "winner_tie")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two outputs: by the name of its model, by what it is, or both."""

    model: str | None
    output: Output | None  # without the name of its model
    column: str  # that holds the output, or the name where there is no output
    digest: str | None = None  # of the output, as a queue for people has it: it tells apart what reads alike
    sample: int | None = None  # which of the model's outputs, as only our own files say


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What one person said about two outputs."""

    place: Place
    instruction: Instruction
    first: Side
    second: Side
    preference: float  # for the first, in [0, 1]
    both_bad: bool
    annotator: str | None
    order: Order | None = None  # BA: the second was shown first; None: not known
    source: str | None = None  # where it was given; None: in this file
    created_at: str | None = None  # ISO 8601, UTC; None: not known
    key: str | None = None  # of the instruction, as our own files have it: turns may not be all of it
    anonymous: bool = False  # nothing says who gave it, and it is a vote beside others that say the same
    vote: str | None = None  # its name in the file, which no other vote has


class LabelRows(Protocol):
    """Rows that can be read again; they need not be in memory."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[LabelRow]: ...


@dataclass(frozen=True, slots=True)
class LabelFile:
    """At least one row."""

    file: str
    rows: LabelRows  # in the file's order, each time that they are read
    columns: Mapping[str, str]  # field -> the column it was read from
    blobs: Mapping[str, Blob] = field(default_factory=dict)  # files that messages hold, by digest
    nulls: int = 0  # as of an OutputsFile
    unread: tuple[str, ...] = ()  # columns of which nothing was taken, in the file's order
    unkept: Mapping[str, int] = field(default_factory=dict)  # what has no place here: how many, by what they are
    against_itself: int = 0  # rows that compare a model with itself, left out


def read_label_file(
    filename: Filename,
    *,
    columns: Mapping[str, str] | None = None,
    limits: ReadLimits | None = None,
    known: Known = NOTHING,
) -> LabelFile:
    """The labels in a file. ``columns`` maps a field of LABEL_FIELDS to the file's column. ``known``: what the
    benchmark holds, whose instructions rows without their text may name by ids.

    Raises InputError naming file, row and field where a label, an instruction or a side cannot be read.
    """
    reader = ExchangeReader(Columns(columns or {}, LABEL_FIELDS), limits=limits, known=known)
    names: dict[str, None] = {}
    rows, nulls = [], 0
    for row in reader.columns.rows(file_rows(filename, limits=limits)):
        nulls += row.nulls
        names |= dict.fromkeys(row.values)
        rows.append(label_of(row, reader))
    reader.columns.check_chosen(str(filename))
    unread = () if KEY_COLUMN in names else _unread(names, reader.columns)
    return LabelFile(str(filename), tuple(rows), reader.columns.used, reader.blobs, nulls, unread)


def _unread(names: Iterable[str], columns: Columns) -> tuple[str, ...]:
    """Of the columns of somebody else's file those that no field was read from."""
    read = {*columns.used.values(), *_ONE_HOT, *columns.roots}
    return tuple(name for name in names if name not in read and name.strip().lower() not in _BESIDE)


def label_of(row: FileRow, reader: ExchangeReader) -> LabelRow:
    """What a row says. Raises InputError naming row and field."""
    columns, turns = reader.columns, _turn(row, reader.columns)
    talks = _conversations(row, reader, turns)
    instruction = _instruction(row, reader, turns, talks.get("a"))
    first, second = (_side(row, reader, letter, instruction, turns, talks.get(letter)) for letter in "ab")
    preference, both_bad = choice(row, columns, first, second)
    annotator = read_label(row, "annotator", columns)
    key = row.values.get("instruction_digest") or row.values.get(KEY_COLUMN)
    label = LabelRow(row.place, instruction, first, second, preference, both_bad, annotator, key=key)
    return label if KEY_COLUMN not in row.values else _exported(row, label)


def _conversations(row: FileRow, reader: ExchangeReader, turns: int | None) -> dict[str, Conversation]:
    """Those of the sides that are conversations, after so many turns of the user."""
    if KEY_COLUMN in row.values:
        return {}
    columns = {letter: reader.columns.peek(f"output_{letter}", row) for letter in "ab"}
    held = {letter: reader.conversation(row, column) for letter, column in columns.items() if column is not None}
    talks = {letter: first_turns(talk, turns) for letter, talk in held.items() if talk is not None}
    return dict(zip("ab", asked_alike(talks["a"], talks["b"]), strict=True)) if len(talks) == 2 else talks


def _exported(row: FileRow, label: LabelRow) -> LabelRow:
    """With what only our own files say."""
    source, created_at = row.text("source") or None, row.values.get("created_at") or None
    try:
        order = Order(row.values["order"]) if row.values.get("order") else None
        if created_at is not None:
            datetime.fromisoformat(created_at)
    except (ValueError, TypeError) as error:
        raise row.error("order" if "Order" in str(error) else "created_at", f"cannot be read: {error}") from error
    both_bad = row.values.get("both_bad") in (True, "true")
    if both_bad and label.preference != 0.5:
        raise row.error("both_bad", "both outputs are bad only where neither is preferred: preference 0.5")
    return replace(label, both_bad=both_bad, order=order, source=source, created_at=created_at)


def _turn(row: FileRow, columns: Columns) -> int | None:
    """After how many turns the person was asked; None: after all of them."""
    column = columns.find("turn", row)
    if column is None or row.values[column] in (None, ""):
        return None
    turn = _number(row, column)
    if turn < 1 or turn % 1:
        raise row.error(column, f"expected a turn's number, from 1, found {turn:g}")
    return int(turn)


def _instruction(
    row: FileRow, reader: ExchangeReader, turns: int | None, conversation: Conversation | None
) -> Instruction:
    """From its own column; from the first conversation where that says more of it, or there is no column."""
    named = None
    if reader.columns.find("instruction", row) is not None:
        named = reader.instruction(row)
    elif conversation is None:
        named = reader.named(row)
    if named is not None:
        full = None if named.full is None else first_turns(named.full, turns)
        named = replace(named, turns=named.turns[:turns], full=full)
    column = reader.columns.find("output_a", row)
    if conversation is None or column is None:
        if named is None:
            raise reader.columns.missing("instruction", row)
        return named
    question = cut(conversation)[0]
    if named is not None and (named.full is not None or question.plain or question.turns != named.turns):
        return named
    return reader.asked(row, column, question)


def _side(
    row: FileRow,
    reader: ExchangeReader,
    letter: str,
    instruction: Instruction,
    turns: int | None,
    conversation: Conversation | None,
) -> Side:
    columns = reader.columns
    named, held = columns.find(f"model_{letter}", row), columns.find(f"output_{letter}", row)
    if named is None and held is None:
        raise columns.missing(f"output_{letter}", row)
    output = None
    if held is not None and conversation is not None:
        output = reader.continued(row, held, instruction, conversation)
    elif held is not None and row.values[held] is not None:
        output = _output(row, reader, held, instruction, turns)
    model = None if named is None else read_label(row, f"model_{letter}", columns)
    if model is None and output is None:
        raise row.error(held or named or "", "neither the output nor the name of its model is there")
    digest = row.values.get(f"output_{letter}_digest") or None
    sample = read_count(row, f"sample_{letter}", columns) if KEY_COLUMN in row.values else None
    return Side(model, output, held or named or "", None if digest is None else str(digest), sample)


def _output(row: FileRow, reader: ExchangeReader, column: str, instruction: Instruction, turns: int | None) -> Output:
    """The one output in a column of texts, after so many turns of the user."""
    value = row.values[column]
    if isinstance(value, list):
        row = FileRow(row.place, {**row.values, column: value[:turns]})
    outputs = reader.outputs(row, column, instruction)
    if len(outputs) > 1:
        raise row.error(column, f"holds {len(outputs)} outputs: a label compares two, make a row of each pair")
    return outputs[0]


def choice(row: FileRow, columns: Columns, first: Side, second: Side) -> tuple[float, bool]:
    """Preference for the first, and whether neither will do."""
    column = columns.find("label", row)
    if column is None:
        if all(name in row.values for name in _ONE_HOT):
            return _one_hot(row), False
        if first.column.lower() == "chosen":
            return 1.0, False
        raise columns.missing("label", row)
    value = row.values[column]
    if isinstance(value, str) and not _is_number(value):
        return _worded(row, column, first, second)
    number = _number(row, column)
    if "preference" in column.lower():
        return _graded(row, column, number, of_alpaca_eval=first.column.endswith("_1")), False
    if number not in _NUMBERED:
        raise row.error(column, f"expected 0 (the first), 1 (the second) or 2 (a tie), found {number:g}")
    return {0.0: 1.0, 1.0: 0.0, 2.0: 0.5}[number], False


def _worded(row: FileRow, column: str, first: Side, second: Side) -> tuple[float, bool]:
    choice = row.text(column).strip()
    if first.model != second.model and choice in (first.model, second.model):
        return (1.0 if choice == first.model else 0.0), False
    word = choice.lower().strip("[]")
    for words, preference in ((_FIRST, 1.0), (_SECOND, 0.0), (_TIE, 0.5)):
        if word in words:
            return preference, False
    if word in _BOTH_BAD:
        return 0.5, True
    raise row.error(
        column, f"{choice[:40]!r} names no side: expected model_a, model_b, tie, A>B, B>A or a model's name"
    )


def _graded(row: FileRow, column: str, number: float, *, of_alpaca_eval: bool) -> float:
    if of_alpaca_eval and number == 0.0:
        return 0.5
    preference = 2.0 - number if of_alpaca_eval else number
    if not 0 <= preference <= 1:
        scale = "1 (output_1) to 2 (output_2)" if of_alpaca_eval else "0 to 1, for the first"
        raise row.error(column, f"expected a preference from {scale}, found {number:g}")
    return preference


def _one_hot(row: FileRow) -> float:
    won = [_number(row, name) for name in _ONE_HOT]
    if sorted(won) != [0.0, 0.0, 1.0]:
        raise row.error(_ONE_HOT[0], "exactly one of winner_model_a, winner_model_b and winner_tie must be 1")
    return (1.0, 0.0, 0.5)[won.index(1.0)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(row: FileRow, column: str) -> float:
    """A number; in CSV files it is written as text."""
    value: Any = row.values[column]
    if isinstance(value, str) and _is_number(value):
        value = float(value)
    if isinstance(value, bool):
        value = int(value)
    if value is None:
        raise row.error(column, f"expected a label, found {kind(value)}")
    return row.as_number(column, value)


def _is_label_file(sample: Sample) -> bool:
    has_question = any(holds_field(sample, LABEL_FIELDS[name]) for name in ("instruction", "id")) or any(
        isinstance(value, list) for row in sample.rows for column, value in row.items() if column.endswith("_a")
    )
    chosen = holds_field(sample, ("chosen",)) or sample.holds(*_ONE_HOT)
    return (
        (has_question or holds_field(sample, IDS))
        and holds_sides(sample)
        and (chosen or holds_field(sample, LABEL_FIELDS["label"]))
    )


def _values(instruction: Instruction, a: Output, b: Output, label: HumanLabel) -> dict[str, Any]:
    own = {name: getattr(label, name) for name in LABELS.columns if hasattr(label, name)}
    sides = {**output_values("output_a", a), **output_values("output_b", b)}
    return {**own, **instruction_values(instruction), **sides, "sample_a": a.sample, "sample_b": b.sample}


LABELS = Format(
    name="labels",
    holds="labels",
    help="What people, or an objective key, prefer of two outputs, by the usual names of columns.",
    recognises=_is_label_file,
    read=read_label_file,
    general=True,
    maps=True,
    joins=True,
    columns={
        **INSTRUCTION_COLUMNS,
        **{"model_a": "text", "output_a": "replies", "output_a_messages": "messages", "sample_a": "integer"},
        **{"model_b": "text", "output_b": "replies", "output_b_messages": "messages", "sample_b": "integer"},
        "annotator": "text",
        **{"preference": "number", "both_bad": "flag", "order": "text", "source": "text", "created_at": "text"},
    },
    row=_values,
)

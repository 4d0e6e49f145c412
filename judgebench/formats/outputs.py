"""Files of instructions, and of models' outputs to them, by their usual column names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from judgebench.conversations import Blob
from judgebench.errors import InputError
from judgebench.formats import Format
from judgebench.formats.beside import AFTERWARDS, MARKS_COLUMN, STEPS_COLUMN, beside_values, with_beside
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import ExchangeReader, holds_conversation, holds_outputs, names_outputs
from judgebench.formats.fields import USUAL_NAMES, Columns, holds_field, holds_more, holds_numbered, holds_sides
from judgebench.formats.forms import registry as forms
from judgebench.formats.known import NOTHING, Known
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits
from judgebench.formats.writing import INSTRUCTION_COLUMNS, instruction_values, output_values
from judgebench.records import Instruction, Output

FAILED = "requests that failed"  # as counts call them
_Slot = tuple[str, str | None, int, int]  # instruction, model, the row's count, and the count within the row


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A model's output to an instruction, and where it was read."""

    instruction: Instruction
    output: Output  # without the name of its model
    place: Place
    model: str | None = None  # that wrote it, as the file has it
    form: str = ""  # that the instruction was read in; empty: texts, or a file of ours


@dataclass(frozen=True, slots=True)
class OutputsFile:
    """Outputs in the file's order; several of a model to an instruction are samples."""

    file: str
    outputs: tuple[OutputRow, ...]  # at least one
    repeated: tuple[OutputRow, ...]  # left out because they repeat an earlier one
    columns: Mapping[str, str]  # field -> the column it was read from
    instructions: Mapping[str, Instruction]  # as the file has each first, by key
    blobs: Mapping[str, Blob] = field(default_factory=dict)  # files that messages hold, by digest
    nulls: int = 0  # of calls and tools that the kind of file had added, left out
    unkept: Mapping[str, int] = field(default_factory=dict)  # what has no place here: how many, by what they are

    @property
    def duplicates(self) -> int:
        return len(self.repeated)

    @property
    def empty(self) -> int:
        """How many outputs say and do nothing. They are kept: that is an output too."""
        return sum(row.output.empty for row in self.outputs)

    @property
    def generator(self) -> str | None:
        """The model's name as the file has it; of several the first one."""
        return next((output.model for output in self.outputs if output.model is not None), None)

    def by_model(self) -> "dict[str, OutputsFile]":
        """The outputs of each model. Raises InputError where some do not say whose they are, and others do not tell."""
        names = {output.model for output in self.outputs} - {None}
        anonymous = next((output for output in self.outputs if output.model is None), None)
        if anonymous is not None and len(names) != 1:
            raise anonymous.place.error("does not say which model the output is of: name it by --model")
        parts: dict[str, OutputsFile] = {}
        for name in dict.fromkeys(output.model or self.generator or "" for output in self.outputs):
            mine = tuple(output for output in self.outputs if (output.model or self.generator) == name)
            repeated = tuple(output for output in self.repeated if (output.model or self.generator) == name)
            parts[name] = replace(self, outputs=mine, repeated=repeated)
        return parts


@dataclass(frozen=True, slots=True)
class InstructionRow:
    """An instruction, and where it was read."""

    instruction: Instruction
    place: Place


@dataclass(frozen=True, slots=True)
class InstructionsFile:
    """Instructions, no two alike, in the file's order."""

    file: str
    items: tuple[InstructionRow, ...]  # at least one
    duplicates: int  # rows left out because they repeat an earlier one
    columns: Mapping[str, str]  # field -> the column it was read from
    blobs: Mapping[str, Blob] = field(default_factory=dict)  # as of an OutputsFile
    nulls: int = 0  # as of an OutputsFile
    unkept: Mapping[str, int] = field(default_factory=dict)  # what has no place here: how many, by what they are


def read_outputs(
    filename: Filename,
    *,
    columns: Mapping[str, str] | None = None,
    limits: ReadLimits | None = None,
    form: str | None = None,
    known: Known = NOTHING,
) -> OutputsFile:
    """The outputs in a file. ``columns`` maps our field to the file's column, e.g. ``{"instruction": "question"}``.

    ``form``: of its conversations, where they shall not be recognised. ``known``: what the benchmark holds, whose
    instructions rows without their text may name by ids. Raises InputError, naming file, row and field,
    for whatever cannot be read without guessing: a row without its instruction or output, an empty instruction, or one
    instruction with two different outputs of a model that no column counts. UnknownName for a field or column that
    does not exist.
    """
    fields = Columns(columns or {})
    reader = ExchangeReader(fields, form=None if form is None else forms.named(form), limits=limits, known=known)
    return _gathered(file_rows(filename, limits=limits), str(filename), reader)


def gather_outputs(
    rows: Iterable[FileRow], name: str, *, columns: Mapping[str, str] | None = None, known: Known = NOTHING
) -> OutputsFile:
    """The outputs in rows that came from elsewhere than a file; ``name`` stands for the file's.

    Raises InputError as ``read_outputs`` does.
    """
    return _gathered(rows, name, ExchangeReader(Columns(columns or {}), known=known))


def _gathered(rows: Iterable[FileRow], name: str, reader: ExchangeReader) -> OutputsFile:
    outputs: dict[_Slot, OutputRow] = {}
    instructions: dict[str, Instruction] = {}
    repeated = []
    nulls = failed = 0
    for row in reader.columns.rows(rows):
        nulls += row.nulls
        exchange = reader.read(row)
        failed += exchange.failed
        if exchange.failed:
            continue
        if not exchange.outputs:
            raise reader.columns.missing("output", row)
        _note(instructions, exchange.instruction)
        for number, output in enumerate(with_beside(row, reader.columns, exchange.outputs)):
            slot = (exchange.instruction.key, exchange.model, exchange.sample, number)
            new = OutputRow(exchange.instruction, output, row.place, exchange.model, exchange.form)
            earlier = outputs.setdefault(slot, new)
            if earlier is not new and earlier.output.digest != output.digest:
                advice = "keep one of the two, or number them in a column 'sample'"
                raise _conflict(row, earlier.place, "output", advice)
            if earlier is not new:
                repeated.append(new)
                outputs[slot] = _joined(earlier, new)
    if failed and not outputs:
        raise InputError(f"{name}: all {failed} of its requests failed")
    reader.columns.check_chosen(name)
    numbered, used = tuple(_numbered(outputs)), reader.columns.used
    unkept = {FAILED: failed} if failed else {}
    return OutputsFile(name, numbered, tuple(repeated), used, instructions, reader.blobs, nulls, unkept)


def _joined(earlier: OutputRow, new: OutputRow) -> OutputRow:
    """The output with what a row that repeats it says beside it. Raises InputError where that is something else."""
    one, other = earlier.output, new.output
    for column, mine, theirs in (
        (STEPS_COLUMN, one.steps, other.steps),
        (AFTERWARDS, one.afterwards, other.afterwards),
    ):
        if mine and theirs and mine != theirs:
            raise InputError(
                f"{new.place}, field {column!r}: says something else than {earlier.place} of the same output"
            )
    marks = (*one.marks, *(marks for marks in other.marks if marks not in one.marks))
    steps, afterwards = one.steps or other.steps, one.afterwards or other.afterwards
    return replace(earlier, output=replace(one, steps=steps, afterwards=afterwards, marks=marks))


def _note(instructions: dict[str, Instruction], instruction: Instruction) -> None:
    """Keep it as it came first, with the ids that it has in any row."""
    first = instructions.setdefault(instruction.key, instruction)
    if not set(instruction.ids) <= set(first.ids):
        instructions[first.key] = replace(first, ids=tuple(sorted({*first.ids, *instruction.ids})))


def _numbered(outputs: Mapping[_Slot, OutputRow]) -> Iterator[OutputRow]:
    """As the file counts the samples of a model to an instruction; where rows hold several outputs, from 0 on."""
    slots: dict[tuple[str, str | None], list[_Slot]] = {}
    for slot in outputs:
        slots.setdefault(slot[:2], []).append(slot)
    numbers = {slot: number for several in slots.values() for slot, number in _numbers(several)}
    for slot, row in outputs.items():
        number = numbers[slot]
        yield replace(row, output=replace(row.output, sample=number)) if number else row


def _numbers(slots: list[_Slot]) -> Iterator[tuple[_Slot, int]]:
    """Of a model's outputs to one instruction."""
    counted = not any(within for *_, within in slots)
    for number, slot in enumerate(sorted(slots, key=lambda slot: slot[2:])):
        yield slot, slot[2] if counted else number


def read_instructions(
    filename: Filename, *, columns: Mapping[str, str] | None = None, limits: ReadLimits | None = None
) -> InstructionsFile:
    """The instructions in a file with their categories, references, checklists and goals; other columns are left alone.

    Raises InputError as ``read_outputs`` does; a repeated instruction must repeat everything said about it.
    """
    reader = ExchangeReader(Columns(columns or {}), limits=limits)
    items: dict[str, InstructionRow] = {}
    instructions: dict[str, Instruction] = {}
    duplicates = nulls = 0
    for row in reader.columns.rows(file_rows(filename, limits=limits)):
        item = InstructionRow(reader.instruction(row), row.place)
        _note(instructions, item.instruction)
        earlier = items.setdefault(item.instruction.key, item)
        if _about(earlier.instruction) != _about(item.instruction):
            raise _conflict(row, earlier.place, "category, reference, checklist or declared goals")
        duplicates += earlier is not item
        nulls += row.nulls
    reader.columns.check_chosen(str(filename))
    rows = tuple(replace(item, instruction=instructions[key]) for key, item in items.items())
    return InstructionsFile(str(filename), rows, duplicates, reader.columns.used, reader.blobs, nulls)


def _about(instruction: Instruction) -> tuple[object, ...]:
    return instruction.category, instruction.reference, instruction.checklist, instruction.goals


def _conflict(row: FileRow, earlier: Place, what: str, advice: str = "keep one of the two") -> InputError:
    return row.place.error(f"the same instruction as in {earlier.unit} {earlier.number}, with another {what}; {advice}")


INSTRUCTIONS = Format(
    name="instructions",
    holds="instructions",
    help="Instructions with categories, references and checklists, by the usual names of columns.",
    recognises=lambda sample: (
        (holds_conversation(sample) or (holds_field(sample, USUAL_NAMES["instruction"]) and not holds_more(sample)))
        and not (holds_outputs(sample) or holds_sides(sample) or holds_numbered(sample))
    ),
    read=read_instructions,
    general=True,
    maps=True,
    columns=INSTRUCTION_COLUMNS,
    row=instruction_values,
)


OUTPUTS = Format(
    name="outputs",
    holds="outputs",
    help="Outputs of one model or several, with their instructions, by the usual names of columns.",
    recognises=lambda sample: (holds_outputs(sample) or names_outputs(sample)) and not holds_sides(sample),
    read=read_outputs,
    general=True,
    maps=True,
    joins=True,
    columns={
        **INSTRUCTION_COLUMNS,
        **{"model": "text", "output": "replies", "output_messages": "messages", "sample": "integer"},
        **dict.fromkeys((STEPS_COLUMN, MARKS_COLUMN, AFTERWARDS), "text"),
    },
    row=lambda instruction, output: {
        **instruction_values(instruction),
        "model": output.model,
        **output_values("output", output),
        "sample": output.sample,
        **beside_values(output),
    },
)

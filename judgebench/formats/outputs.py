"""Files of instructions, and of models' outputs to them, by their usual column names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from judgebench.errors import InputError
from judgebench.formats import Format
from judgebench.formats.fields import (
    USUAL_NAMES,
    Columns,
    holds_answers,
    holds_field,
    holds_more,
    holds_sides,
    matched_replies,
    read_instruction,
    read_label,
    read_replies,
)
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, read_rows
from judgebench.formats.writing import INSTRUCTION_COLUMNS, instruction_values
from judgebench.records import Instruction


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A model's text for an instruction, and where it was read."""

    instruction: Instruction
    text: str  # it may be empty
    place: Place
    earlier: tuple[str, ...] = ()  # the replies to the turns before the last, where there is one reply a turn
    model: str | None = None  # that wrote it, as the file has it

    @property
    def whole(self) -> str:
        """All its replies, separated by an empty line."""
        return "\n\n".join((*self.earlier, self.text))


@dataclass(frozen=True, slots=True)
class OutputsFile:
    """Outputs, of a model at most one to each instruction, in the file's order."""

    file: str
    outputs: tuple[OutputRow, ...]  # at least one
    repeated: tuple[OutputRow, ...]  # left out because they repeat an earlier one word for word
    columns: Mapping[str, str]  # field -> the column it was read from

    @property
    def duplicates(self) -> int:
        return len(self.repeated)

    @property
    def empty(self) -> int:
        """How many outputs are empty or blank. They are kept: to say nothing is an output too."""
        return sum(not output.text.strip() for output in self.outputs)

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
            parts[name] = OutputsFile(self.file, mine, repeated, self.columns)
        return parts


@dataclass(frozen=True, slots=True)
class InstructionRow:
    """An instruction, and where it was read."""

    instruction: Instruction
    id: str | None  # its name in the file
    place: Place


@dataclass(frozen=True, slots=True)
class InstructionsFile:
    """Instructions, no two alike, in the file's order."""

    file: str
    items: tuple[InstructionRow, ...]  # at least one
    duplicates: int  # rows left out because they repeat an earlier one
    columns: Mapping[str, str]  # field -> the column it was read from


def read_outputs(
    filename: Filename, *, columns: Mapping[str, str] | None = None, limits: ReadLimits | None = None
) -> OutputsFile:
    """The outputs in a file. ``columns`` maps our field to the file's column, e.g. ``{"instruction": "question"}``.

    Raises InputError, naming file, row and field, for whatever cannot be read without guessing: a row without its
    instruction or output, one that is not text, an empty instruction, or one instruction with two different outputs of
    a model. UnknownName for a field or column that does not exist.
    """
    return gather_outputs(read_rows(filename, limits=limits), str(filename), columns=columns)


def gather_outputs(rows: Iterable[FileRow], name: str, *, columns: Mapping[str, str] | None = None) -> OutputsFile:
    """The outputs in rows that came from elsewhere than a file; ``name`` stands for the file's.

    Raises InputError as ``read_outputs`` does.
    """
    fields = Columns(columns or {})
    outputs: dict[tuple[str, str | None], OutputRow] = {}
    repeated = []
    for row in rows:
        output = _output(row, fields)
        earlier = outputs.setdefault((output.instruction.key, output.model), output)
        if earlier.whole != output.whole:
            raise _conflict(row, earlier.place, "output")
        if earlier is not output:
            repeated.append(output)
    fields.check_chosen(name)
    return OutputsFile(name, tuple(outputs.values()), tuple(repeated), fields.used)


def _output(row: FileRow, columns: Columns) -> OutputRow:
    instruction, replies = read_instruction(row, columns), read_replies(row, columns)
    *earlier, text = matched_replies(instruction, replies)
    return OutputRow(instruction, text, row.place, tuple(earlier), read_label(row, "generator", columns))


def read_instructions(
    filename: Filename, *, columns: Mapping[str, str] | None = None, limits: ReadLimits | None = None
) -> InstructionsFile:
    """The instructions in a file with their categories, references and checklists; other columns are left alone.

    Raises InputError as ``read_outputs`` does; a repeated instruction must repeat everything said about it.
    """
    fields = Columns(columns or {})
    items: dict[str, InstructionRow] = {}
    duplicates = 0
    for row in read_rows(filename, limits=limits):
        item = InstructionRow(read_instruction(row, fields), read_label(row, "id", fields), row.place)
        earlier = items.setdefault(item.instruction.key, item)
        if _about(earlier.instruction) != _about(item.instruction):
            raise _conflict(row, earlier.place, "category, reference or checklist")
        duplicates += earlier is not item
    fields.check_chosen(str(filename))
    return InstructionsFile(str(filename), tuple(items.values()), duplicates, fields.used)


def _about(instruction: Instruction) -> tuple[object, ...]:
    return instruction.category, instruction.reference, instruction.checklist


def _conflict(row: FileRow, earlier: Place, what: str) -> InputError:
    return row.place.error(
        f"the same instruction as in {earlier.unit} {earlier.number}, with another {what}; keep one of the two"
    )


INSTRUCTIONS = Format(
    name="instructions",
    holds="instructions",
    help="Instructions with categories, references and checklists, by the usual names of columns.",
    recognises=lambda sample: (
        holds_field(sample, USUAL_NAMES["instruction"])
        and not (holds_answers(sample) or holds_sides(sample) or holds_more(sample))
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
    recognises=lambda sample: (
        holds_field(sample, USUAL_NAMES["instruction"]) and holds_answers(sample) and not holds_sides(sample)
    ),
    read=read_outputs,
    general=True,
    maps=True,
    columns={**INSTRUCTION_COLUMNS, "model": "text", "output": "replies"},
    row=lambda instruction, output: {
        **instruction_values(instruction),
        "model": output.model,
        "output": [*output.earlier, output.text],
    },
)

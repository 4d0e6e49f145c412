"""Files of instructions, and of models' outputs to them, by their usual column names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from judgebench.errors import InputError
from judgebench.formats.fields import Columns, read_instruction, read_label, read_replies
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, read_rows
from judgebench.records import Instruction


@dataclass(frozen=True, slots=True)
class OutputRow:
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
class OutputsFile:
    """One model's outputs, at most one for each instruction, in the file's order."""

    file: str
    outputs: tuple[OutputRow, ...]  # at least one
    duplicates: int  # rows left out because they repeat an earlier one word for word
    generator: str | None  # the model's name as the file has it
    columns: Mapping[str, str]  # field -> the column it was read from

    @property
    def empty(self) -> int:
        """How many outputs are empty or blank. They are kept: to say nothing is an output too."""
        return sum(not output.text.strip() for output in self.outputs)


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
    instruction or output, one that is not text, an empty instruction, one instruction with two different outputs, or
    outputs of several models in one file. UnknownName for a field or column that does not exist.
    """
    return gather_outputs(read_rows(filename, limits=limits), str(filename), columns=columns)


def gather_outputs(rows: Iterable[FileRow], name: str, *, columns: Mapping[str, str] | None = None) -> OutputsFile:
    """The outputs in rows that came from elsewhere than a file; ``name`` stands for the file's.

    Raises InputError as ``read_outputs`` does.
    """
    fields = Columns(columns or {})
    outputs: dict[str, OutputRow] = {}
    generators: dict[str, Place] = {}
    duplicates = 0
    for row in rows:
        _check_generator(row, read_label(row, "generator", fields), generators)
        output = _output(row, fields)
        earlier = outputs.setdefault(output.instruction.key, output)
        if earlier.whole != output.whole:
            raise _conflict(row, earlier.place, "output")
        duplicates += earlier is not output
    fields.check_chosen(name)
    return OutputsFile(name, tuple(outputs.values()), duplicates, next(iter(generators), None), fields.used)


def _output(row: FileRow, columns: Columns) -> OutputRow:
    """Replies that do not match the turns one by one are joined, as ``Instruction.text`` joins these."""
    instruction, replies = read_instruction(row, columns), read_replies(row, columns)
    if len(replies) != len(instruction.turns):
        replies = ("\n\n".join(replies),)
    return OutputRow(instruction, replies[-1], row.place, replies[:-1])


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


def _check_generator(row: FileRow, name: str | None, seen: dict[str, Place]) -> None:
    if name is None:
        return
    seen.setdefault(name, row.place)
    if len(seen) > 1:
        first, earlier = next(iter(seen.items()))
        raise InputError(
            f"{row.place}: an output of {name!r}, but {earlier.unit} {earlier.number} is one of {first!r}; "
            "submit one model at a time: split the file"
        )


def _conflict(row: FileRow, earlier: Place, what: str) -> InputError:
    return row.place.error(
        f"the same instruction as in {earlier.unit} {earlier.number}, with another {what}; keep one of the two"
    )

"""What a row says of a conversation: what was asked, and what a model said and did about it.

It stands in one column (a conversation), in two (a prompt and an output), or as texts. Conversations are recognised by
their forms; which part of one is the instruction, and which the output, is decided here and nowhere else.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from judgebench import images
from judgebench.conversations import (
    REPLYING,
    Conversation,
    Media,
    Message,
    Text,
    Trajectory,
    cut,
    held_files,
    identity,
    placed,
    plain_trajectory,
)
from judgebench.errors import InputError
from judgebench.formats import Sample
from judgebench.formats.choices import with_choices
from judgebench.formats.fields import USUAL_NAMES, Columns, holds_field, optional_texts, read_count, read_label, texts
from judgebench.formats.forms import Blobs, Dialogue, Form
from judgebench.formats.forms import registry as forms
from judgebench.formats.known import NOTHING, Known, ids_beside, joined
from judgebench.formats.message_columns import read_conversation, read_trajectory
from judgebench.formats.message_texts import SPEAKERS, is_message_column, with_messages
from judgebench.formats.reading import FileRow, Place, ReadLimits, kind
from judgebench.formats.references import one_reference
from judgebench.formats.writing import KEY_COLUMN, messages_of
from judgebench.keys import clean_text
from judgebench.records import Instruction, Output

_LISTS = ("messages", "conversations", "contents", "items")  # as forms call a list of messages
_BESIDE = ("system", "tools", "system_instruction")  # columns that say more about such a list
_ALPACA = ("input", "system", "history")  # columns that say more about an instruction's text
MORE_COLUMNS = (*_LISTS, *_BESIDE, *_ALPACA)
_NO_DATA = re.compile(r"data:[^,]*,?\s*", re.IGNORECASE)  # an address that is the file, of no byte
_MEDIA_TYPE = re.compile(r"(?=.{1,100}\Z)[\w.+-]+/[\w.+-]+", re.ASCII)
_UNKNOWN_TYPE = "application/octet-stream"  # of a file whose source says nothing that can be one


@dataclass(frozen=True, slots=True)
class Exchange:
    """An instruction and the outputs to it in one row, which do not name their model."""

    instruction: Instruction
    outputs: tuple[Output, ...]  # several where they are samples; none: it was only asked
    model: str | None  # that wrote them, as the row has it
    sample: int  # which of the model's outputs to the instruction, from 0, as the row says; 0: it does not
    form: str  # that the instruction was read in; empty: texts, or a file of ours
    failed: bool = False  # there are no outputs, since the request failed


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked in a row."""

    column: str  # that holds it
    conversation: Conversation
    trajectories: tuple[Trajectory, ...] = ()  # what was done about it in the same column
    dialogue: Dialogue | None = None  # that both were read from
    closed: bool = False  # no other column holds outputs


class ExchangeReader:
    """Reads the rows of one file, and gathers the files that its messages hold."""

    def __init__(
        self, columns: Columns, *, form: Form | None = None, limits: ReadLimits | None = None, known: Known = NOTHING
    ) -> None:
        """``known``: whose instructions rows may name by their ids, without the text."""
        self.columns, self._known = columns, known
        self.blobs: Blobs = {}
        self._form, self._most_bytes = form, (limits or ReadLimits()).image_bytes

    def read(self, row: FileRow) -> Exchange:
        """Raises InputError, naming row and field, where nothing was asked or something cannot be read."""
        row = with_choices(with_messages(row, self.columns.chosen))
        return self._of_texts(row) or self._of_id(row) or self._of_any(row)

    def _of_texts(self, row: FileRow) -> Exchange | None:
        """What a row of two texts says, the short way; None for every other row, and for one with a fault."""
        column, answered = self.columns.peek("instruction", row), self.columns.peek("output", row)
        if column is None or answered is None or self._form is not None or _says_more(row) or is_message_column(column):
            return None
        text, reply = row.values[column], row.values[answered]
        if not isinstance(text, str) or not isinstance(reply, str) or not text.strip():
            return None
        self.columns.used.setdefault("instruction", column)
        instruction = self._described(row, (clean_text(text),))
        model, sample = read_label(row, "generator", self.columns), self._sample(row)
        self.columns.used.setdefault("output", answered)
        output = Output(instruction.key, "", clean_text(reply))
        return Exchange(instruction, (output,), model, sample or 0, "")

    def _of_id(self, row: FileRow) -> Exchange | None:
        """What a row says that names its instruction by ids; None for every other row."""
        if self._form is not None or _holds_question(row, self.columns):
            return None
        instruction = self.named(row)
        if instruction is None:
            return None
        model, sample = read_label(row, "generator", self.columns), self._sample(row)
        column = self.columns.find("output", row)
        outputs = () if column is None else self.outputs(row, column, instruction)
        return Exchange(instruction, outputs, model, sample or 0, "")

    def named(self, row: FileRow) -> Instruction | None:
        """The instruction that the row's ids name; None where it has none. Raises InputError, naming row and field."""
        columns = self.columns.ids(row)
        if not columns:
            return None
        self.columns.used.setdefault("id", columns[0])
        return joined(self._known, row, *columns)

    def _sample(self, row: FileRow) -> int | None:
        """Which sample a row says that it is, from 0; epochs count from 1, as in logs of Inspect."""
        count, column = read_count(row, "sample", self.columns), self.columns.peek("sample", row)
        if count is None or column is None or column.strip().lower() != "epoch":
            return count
        if count == 0:
            raise row.error(column, "epochs count from 1: name a column that counts from 0 'sample'")
        return count - 1

    def _of_any(self, row: FileRow) -> Exchange:
        question = self._asked(row)
        instruction = self._instruction(row, question)
        self.columns.used.setdefault("instruction", question.column)
        model, sample = read_label(row, "generator", self.columns), self._sample(row)
        if question.dialogue is not None:
            model = model or question.dialogue.model
            sample = sample if question.dialogue.sample is None else question.dialogue.sample
        form = "" if question.dialogue is None else question.conversation.form
        if question.dialogue is not None and question.dialogue.failed:
            return Exchange(instruction, (), model, sample or 0, form, failed=True)
        column = None if question.closed else self.columns.find("output", row)
        if column is not None:
            return Exchange(instruction, self.outputs(row, column, instruction), model, sample or 0, form)
        outputs = tuple(output_of(instruction, trajectory) for trajectory in question.trajectories)
        if outputs:
            self.columns.used.setdefault("output", question.column)
        return Exchange(instruction, outputs, model, sample or 0, form)

    def instruction(self, row: FileRow) -> Instruction:
        """What was asked, of a row whose outputs do not matter or stand elsewhere. Raises as ``read`` does."""
        row = with_messages(row, self.columns.chosen)
        question = self._asked(row)
        self.columns.used.setdefault("instruction", question.column)
        return self._instruction(row, question)

    def outputs(self, row: FileRow, column: str, instruction: Instruction) -> tuple[Output, ...]:
        """The outputs to the instruction in a column that must hold some; several are samples."""
        if KEY_COLUMN in row.values:
            return (self._own_output(row, column, instruction),)
        samples = _samples(row, column, row.values[column], open_turns(instruction))
        return tuple(self._output(row, column, sample, instruction) for sample in samples)

    def asked(self, row: FileRow, column: str, conversation: Conversation) -> Instruction:
        """The instruction that a conversation in a column is."""
        return self._instruction(row, _Asked(column, conversation))

    def continued(self, row: FileRow, column: str, instruction: Instruction, conversation: Conversation) -> Output:
        """The output to the instruction in a conversation that holds it, or goes on from it."""
        trajectory = continued(instruction, conversation)
        if trajectory is None:
            raise row.error(column, "its messages of the user are not those of the instruction")
        return output_of(instruction, trajectory)

    def conversation(self, row: FileRow, column: str) -> Conversation | None:
        """The messages in a column; None where it holds none."""
        row = with_messages(row, self.columns.chosen)
        dialogue = self._messages(row, column)
        return None if dialogue is None else dialogue.conversation

    def _keep(self, row: FileRow, column: str, files: Blobs, messages: Iterable[Message]) -> None:
        """Raises InputError for an image that nobody could be shown."""
        drawn = {digest for digest, file in files.items() if file.media_type.startswith("image/")}
        drawn |= set(held_files(messages, "image"))
        parts = (part for message in messages for part in message.parts)
        if any(
            isinstance(part, Media) and part.kind == "image" and _NO_DATA.fullmatch(part.url or "") for part in parts
        ):
            self._check_image(row, column, b"")
        for digest, file in files.items():
            if digest in drawn and digest not in self.blobs:
                self._check_image(row, column, file.data)
            told = bool(_MEDIA_TYPE.fullmatch(file.media_type))
            self.blobs.setdefault(digest, file if told else replace(file, media_type=_UNKNOWN_TYPE))

    def _check_image(self, row: FileRow, column: str, data: bytes) -> None:
        if len(data) > self._most_bytes:
            size = f"{len(data):,} bytes; at most {self._most_bytes:,} are taken"
            raise row.error(column, f"holds an image of {size}: make it smaller")
        try:
            images.check(data)
        except images.UnusableImage as error:
            raise row.error(column, f"holds {error}") from error

    def _asked(self, row: FileRow) -> _Asked:
        if KEY_COLUMN in row.values:
            return self._own_asked(row)
        if self._form is not None:
            listed = self._column_of(row)
            return self._told(row, self._read(row, listed, self._form, row.values), listed)
        column = self.columns.peek("instruction", row)
        fixed = self.columns.chooses("instruction") or self._is_text(row)
        form = None if fixed else forms.recognise(row.values)
        if form is not None:
            listed = self._column_of(row)
            told = self._told(row, self._read(row, listed, form, row.values), listed)
            if told.conversation.messages or column is None:
                return told  # else only the output is a conversation
        dialogue = None if column is None else self._messages(row, column)
        return self._text(row) if dialogue is None or column is None else self._told(row, dialogue, column)

    def _own_asked(self, row: FileRow) -> _Asked:
        files: Blobs = {}
        conversation = read_conversation(row, messages_of("instruction"), files)
        self._keep(row, messages_of("instruction"), files, () if conversation is None else conversation.messages)
        if conversation is None:
            return self._text(row)
        _check_texts(row, "instruction", instruction_of(conversation).turns)
        return _Asked(messages_of("instruction"), conversation)

    def _text(self, row: FileRow) -> _Asked:
        column = self.columns.require("instruction", row)
        if is_message_column(column) and isinstance(row.values[column], str) and KEY_COLUMN not in row.values:
            raise row.error(
                column, f"expected a JSON list of messages with role and content, found {row.values[column][:60]!r}"
            )
        turns = texts(row, column, row.values[column])
        if not turns:
            raise row.error(column, "holds no instruction")
        if column.strip().lower() == "instruction" and len(turns) == 1 and KEY_COLUMN not in row.values:
            return _Asked(column, _alpaca(row, turns[0]))
        return _Asked(column, Conversation.of_turns(turns))

    def _is_text(self, row: FileRow) -> bool:
        """Whether columns hold instruction and output as texts, whatever else the row has."""
        column, output = self.columns.peek("instruction", row), self.columns.peek("output", row)
        if column is None or output is None:
            return False
        value = row.values[output]
        replies = value if isinstance(value, list) else [value]
        return isinstance(row.values[column], str) and all(isinstance(reply, str) for reply in replies)

    def _column_of(self, row: FileRow) -> str:
        """The column to name where a row as a whole is a conversation."""
        lists = [name for name in row.values if name.lower() in _LISTS]
        return lists[0] if lists else self.columns.peek("instruction", row) or next(iter(row.values))

    def _messages(self, row: FileRow, column: str) -> Dialogue | None:
        """The messages in a column, under whichever name a form expects them; None where it holds none."""
        items = row.values[column]
        if not isinstance(items, list) or not any(_is_message(item) for item in items):
            return None
        beside = {name: row.values[name] for name in _BESIDE if row.values.get(name) is not None}
        for name in _LISTS:
            form = forms.recognise({**beside, name: items})
            if form is not None:
                return self._read(row, column, form, {**beside, name: items})
        raise row.error(column, f"expected text or messages with role and content, found {kind(items[0])}")

    def _read(self, row: FileRow, column: str, form: Form, values: Mapping[str, Any]) -> Dialogue:
        files: Blobs = {}
        try:
            dialogue = form.read(_without_missing(values), files)
        except ValueError as error:
            raise row.place.error(f"cannot be read as {form.name}: {error}") from error
        replies = (message for reply in dialogue.replies for message in reply)
        self._keep(row, column, files, (*dialogue.whole.messages, *replies))
        return dialogue

    def _told(self, row: FileRow, dialogue: Dialogue, column: str) -> _Asked:
        """A dialogue as what was asked and what was done."""
        count = row.values.get("asked")
        if isinstance(count, int) and 0 <= count <= len(dialogue.whole.messages):
            return _Asked(column, *divided(dialogue, count), dialogue, closed=True)
        prompt = dialogue.prompt or _prompt(dialogue.conversation)
        only_asked = not dialogue.replies and prompt in (0, len(dialogue.conversation.messages))
        output = self.columns.peek("output", row)
        if only_asked and output not in (None, column) and (prompt or self.columns.chooses("output")):
            return _Asked(column, dialogue.conversation, (), dialogue)
        return _Asked(column, *divided(dialogue), dialogue, closed=True)

    def _instruction(self, row: FileRow, question: _Asked) -> Instruction:
        conversation = question.conversation
        instruction = instruction_of(conversation)
        if conversation.plain and not all(turn.strip() for turn in instruction.turns):
            raise row.error(question.column, "the instruction, or one of its turns, is empty")
        if not conversation.plain and not _says_something(conversation):
            raise row.error(question.column, "holds no instruction")
        described = self._described(row, instruction.turns, instruction.full)
        if described.reference is not None or question.dialogue is None or not question.dialogue.reference:
            return described
        return replace(described, reference=question.dialogue.reference)

    def _described(self, row: FileRow, turns: tuple[str, ...], full: Conversation | None = None) -> Instruction:
        """The instruction with what the row's columns say about it."""
        category = read_label(row, "category", self.columns)
        ids = ids_beside(row, self.columns)
        checklist = optional_texts(row, "checklist", self.columns)
        goals = optional_texts(row, "goals", self.columns)
        instruction = Instruction(turns, category, self._reference(row, len(turns)), checklist, full, ids, goals)
        if instruction.key in ids:  # as which files of ours name what has no other id
            instruction = replace(instruction, ids=tuple(id for id in ids if id != instruction.key))
        return instruction

    def _reference(self, row: FileRow, turns: int) -> str | None:
        try:
            return one_reference(optional_texts(row, "reference", self.columns), turns)
        except ValueError as error:
            raise row.error(self.columns.require("reference", row), str(error)) from error

    def _own_output(self, row: FileRow, column: str, instruction: Instruction) -> Output:
        """The output in a column of a file of ours, with its messages where it has any."""
        files: Blobs = {}
        trajectory = read_trajectory(row, messages_of(column), files)
        self._keep(row, messages_of(column), files, () if trajectory is None else trajectory.messages)
        if trajectory is None:
            return _replies(row, column, texts(row, column, row.values[column]), instruction)
        if trajectory.source is not None and instruction_of(trajectory.source).key != instruction.key:
            raise row.error(messages_of(column), "holds a source of another instruction than the row's")
        try:
            output = output_of(instruction, placed(trajectory, instruction.conversation.messages))
        except ValueError as error:
            raise row.error(messages_of(column), str(error)) from error
        _check_texts(row, column, (*output.earlier, output.text))
        return output

    def _output(self, row: FileRow, column: str, items: list[Any], instruction: Instruction) -> Output:
        """One output: the replies to the last turns, or messages."""
        if not any(_is_message(item) for item in items):
            return _replies(row, column, texts(row, column, items), instruction)
        dialogue = self._messages(FileRow(row.place, {column: items}), column)
        conversation = Conversation(()) if dialogue is None else dialogue.conversation
        return self.continued(row, column, instruction, conversation)


def holds_conversation(sample: Sample) -> bool:
    """Whether the rows hold conversations, each as a whole."""
    return all(forms.recognise(row) is not None for row in sample.rows)


def names_outputs(sample: Sample) -> bool:
    """Whether the rows hold outputs to instructions that they name by ids alone."""
    columns = Columns({})
    rows = [with_choices(FileRow(Place("", "row", 1), dict(row))) for row in sample.rows]
    return all(columns.ids(row) and columns.peek("output", row) and not _holds_question(row, columns) for row in rows)


def _holds_question(row: FileRow, columns: Columns) -> bool:
    """Whether a row says what was asked, in a column or as a conversation."""
    held = KEY_COLUMN in row.values or columns.peek("instruction", row) is not None
    return held or forms.recognise(row.values) is not None


def holds_outputs(sample: Sample) -> bool:
    """Whether the rows hold instructions and outputs to them, in columns of usual names or in conversations."""
    texts_held = holds_field(sample, USUAL_NAMES["instruction"]) and holds_field(sample, USUAL_NAMES["output"])
    return texts_held or any(_replied(row) for row in sample.rows)


def _replied(values: Mapping[str, Any]) -> bool:
    """Whether a row holds a conversation with something that a model did; also one that cannot be read."""
    try:
        return bool(ExchangeReader(Columns({})).read(FileRow(Place("", "row", 1), dict(values))).outputs)
    except InputError:
        return forms.recognise(values) is not None


def continued(instruction: Instruction, conversation: Conversation) -> Trajectory | None:
    """What a model did in a conversation that holds the instruction, or goes on from it; None where it does neither."""
    question = instruction.conversation.messages
    key, count = identity(question, normalised=True), len(question)
    whole, trajectory = cut(conversation)
    if trajectory.segments and identity(whole.messages, normalised=True) == key:
        return trajectory
    holds = identity(conversation.messages[:count], normalised=True) == key
    messages = conversation.messages if holds else (*question, *conversation.messages)
    whole, trajectory = cut(replace(conversation, messages=messages), prompt=count)
    return trajectory if len(whole.messages) == count else None


def divided(dialogue: Dialogue, count: int | None = None) -> tuple[Conversation, tuple[Trajectory, ...]]:
    """What was asked in a dialogue, and what was done about it, several where they are samples.

    ``count``: how many of its first messages were asked, whoever said them, 0 for by their roles; None: as it tells.
    """
    conversation = dialogue.conversation
    if count is not None:
        question, trajectory = cut(dialogue.whole, prompt=count)
        return question, (trajectory,)
    if dialogue.replies:
        return conversation, tuple(_after(conversation, reply) for reply in dialogue.replies)
    question, trajectory = cut(conversation, prompt=dialogue.prompt or _prompt(conversation))
    return question, (trajectory,) if trajectory.segments else ()


def instruction_of(conversation: Conversation) -> Instruction:
    """The instruction that a conversation asks, with nothing else known about it."""
    turns = tuple(clean_text(text) for text in conversation.turns) or (clean_text(_written(conversation.messages)),)
    bare = (
        conversation.plain and not conversation.extra and Conversation.of_turns(turns).messages == conversation.messages
    )
    return Instruction(turns, full=None if bare else conversation)


def first_turns(conversation: Conversation, turns: int | None) -> Conversation:
    """What of a conversation stands before the user's next turn after so many; None: all of it."""
    users = [at for at, message in enumerate(conversation.messages) if message.role == "user"]
    if turns is None or turns >= len(users):
        return conversation
    return replace(conversation, messages=conversation.messages[: users[turns]])


def asked_alike(one: Conversation, other: Conversation) -> tuple[Conversation, Conversation]:
    """Two conversations that began with the same question and may have gone on differently.

    What was asked in only one of them, and after that, is part of what came of it.
    """
    questions = [cut(talk)[0].messages for talk in (one, other)]
    keys = [[identity([message], normalised=True) for message in asking] for asking in questions]
    shared = next(
        (at for at, (mine, yours) in enumerate(zip(*keys, strict=False)) if mine != yours), min(map(len, keys))
    )
    if not shared or shared == max(map(len, keys)):
        return one, other
    first, second = (_asked_first(talk, shared) for talk in (one, other))
    return first, second


def _asked_first(conversation: Conversation, count: int) -> Conversation:
    """The conversation of which only so many messages were asked."""
    messages = []
    for message in conversation.messages:
        is_asked = message.role not in REPLYING and not message.inserted
        messages.append(replace(message, inserted=True) if is_asked and count <= 0 else message)
        count -= is_asked
    return replace(conversation, messages=tuple(messages))


def output_of(instruction: Instruction, trajectory: Trajectory) -> Output:
    """The output to the instruction that a trajectory is, without the name of its model."""
    if not trajectory.plain:
        text = trajectory.texts[-1] if trajectory.texts else ""
        return Output(instruction.key, "", clean_text(text), (), trajectory)
    replies = [clean_text(_written(segment.messages)) for segment in trajectory.segments] or [""]
    bare = plain_trajectory(instruction.conversation, replies).segments == trajectory.segments
    bare = bare and trajectory.source is None
    return Output(instruction.key, "", replies[-1], tuple(replies[:-1]), None if bare else trajectory)


def open_turns(instruction: Instruction) -> int:
    """How many turns of the instruction await a reply: those that no given one follows; at least 1."""
    if instruction.full is None:
        return len(instruction.turns)
    roles = [message.role for message in instruction.conversation.messages if message.role in ("user", "assistant")]
    pairs = zip(roles, [*roles[1:], ""], strict=True)
    return max(1, sum(role == "user" and following != "assistant" for role, following in pairs))


def _prompt(conversation: Conversation) -> int:
    """How many messages were asked, whoever said them: all where the last is not a model's; 0: by their roles."""
    question, trajectory = cut(conversation)
    ends_open = not trajectory.segments or trajectory.segments[-1].after < len(question.messages)
    return len(conversation.messages) if ends_open else 0


def _after(question: Conversation, reply: Sequence[Message]) -> Trajectory:
    return cut(replace(question, messages=(*question.messages, *reply)), prompt=len(question.messages))[1]


def _says_something(conversation: Conversation) -> bool:
    return any(content for _, content in identity(conversation.messages, normalised=True))


def _written(messages: Iterable[Message]) -> str:
    return "\n".join(message.text for message in messages if message.text)


def _says_more(row: FileRow) -> bool:
    """Whether there is anything beside an instruction's text that may belong to it."""
    return KEY_COLUMN in row.values or any(row.values.get(name) for name in _ALPACA)


def _without_missing(values: Mapping[str, Any]) -> dict[str, Any]:
    """Tables say by NaN that a cell holds nothing."""
    return {name: value for name, value in values.items() if value == value}


def _is_message(item: Any) -> bool:
    return isinstance(item, Mapping) and any(name in item for name in SPEAKERS)


def _check_texts(row: FileRow, column: str, held: tuple[str, ...]) -> None:
    """Raises InputError where a file of ours says another thing in a column than in the one of its messages."""
    if row.values.get(column) is not None and texts(row, column, row.values[column]) != held:
        other = f"says another text than {messages_of(column)!r}: change both, or leave {messages_of(column)!r} empty"
        raise row.error(column, other)


def _replies(row: FileRow, column: str, replies: Sequence[str], instruction: Instruction) -> Output:
    """Texts as the replies to the last turns."""
    if not replies:
        raise row.error(column, "holds no output; an empty output is the empty text")
    if len(replies) > open_turns(instruction):
        raise row.error(column, f"holds {len(replies)} replies to an instruction of {open_turns(instruction)} turns")
    return Output(instruction.key, "", replies[-1], tuple(replies[:-1]))


def _samples(row: FileRow, column: str, value: Any, turns: int) -> list[list[Any]]:
    """The outputs in a cell, each a list of texts or of messages."""
    if not isinstance(value, list):
        return [[value]]
    if not value:
        raise row.error(column, "holds no output; an empty output is the empty text")
    if all(isinstance(item, list) and item for item in value):
        return value
    if len(value) in (1, turns) or any(_is_message(item) for item in value):
        return [value]
    if turns > 1:
        raise row.error(
            column,
            f"holds {len(value)} texts to an instruction of {turns} turns: expected one a turn, one for the last turn "
            "alone, or a list of samples, each of them such a list",
        )
    return [[text] for text in value]


def _alpaca(row: FileRow, instruction: str) -> Conversation:
    """An instruction with what Alpaca, and LLaMA-Factory after it, put beside it."""
    beside, system = (row.values.get(name) for name in ("input", "system"))
    if isinstance(beside, str) and beside.strip():
        instruction = "\n".join(part for part in (instruction, clean_text(beside)) if part.strip())
    turns = [turn for pair in _history(row) for turn in zip(("user", "assistant"), pair, strict=True)]
    if isinstance(system, str) and system.strip():
        turns = [("system", clean_text(system)), *turns]
    return Conversation(tuple(Message(role, (Text(text),)) for role, text in [*turns, ("user", instruction)]))


def _history(row: FileRow) -> list[tuple[str, str]]:
    """Questions and answers before the instruction."""
    history = row.values.get("history")
    if not isinstance(history, list):
        return []
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in history):
        raise row.error("history", "expected a list of pairs, each a question and its answer")
    return [(row.as_text("history", question), row.as_text("history", answer)) for question, answer in history]

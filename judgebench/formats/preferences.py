"""Preference data for training, as TRL and Hugging Face hold it: a chosen and a rejected reply.

Each is a text, messages that reply to ``prompt``, or a whole conversation, which then may have no ``prompt`` beside it:
the messages that both share are what was asked. Transcripts of "Human:" and "Assistant:" (Anthropic's HH) are such
conversations. Sources: TRL's "Dataset formats and types", HuggingFaceH4/ultrafeedback_binarized, Anthropic/hh-rlhf.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any

from judgebench.conversations import REPLYING, Conversation, cut, identity
from judgebench.formats import Format, Sample
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import output_of
from judgebench.formats.human_labels import LabelFile
from judgebench.formats.message_texts import with_messages
from judgebench.formats.pairs import PairReader, named
from judgebench.formats.preference_rows import PREFERENCE_COLUMNS, preference_row
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits
from judgebench.keys import normalise_text
from judgebench.records import Instruction, Output

_SIDES = ("chosen", "rejected")
_CATEGORIES = ("category", "subset", "dataset", "source")
_PROMPTS = ("prompt", "instruction", "question")
_ALPACA = ("input", "system", "history")  # what Alpaca and LLaMA-Factory put beside an instruction
_READ = (*_PROMPTS, "system", *_SIDES, "prompt_id", "id", "messages", "tools", *_CATEGORIES)
_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant): ?")
_ROLES = {"Human": "user", "Assistant": "assistant"}
_MODELS = {"chosen": ("chosen_model", "chosen-model"), "rejected": ("rejected_model", "rejected-model")}


def read_preferences(filename: Filename, *, limits: ReadLimits | None = None) -> LabelFile:
    """The pairs, the chosen one preferred; margins and scores are not read. Raises InputError naming file, row and
    field."""
    pairs, apart, beside = PairReader(filename, limits=limits), 0, set[str]()
    for row in file_rows(filename, limits=limits):
        row = with_messages(row, _SIDES)
        pairs.note(row)
        beside |= set(_ALPACA) if _asked_in(row) == "instruction" else set()
        exchange = _exchange(row, pairs)
        if exchange is None:
            apart += 1
            continue
        instruction, chosen, rejected = exchange
        first = pairs.side(_model(row, "chosen"), chosen, "chosen")
        pairs.add(row, instruction, first, pairs.side(_model(row, "rejected"), rejected, "rejected", beside=first))
    models = [column for names in _MODELS.values() for column in names]
    used = {"instruction": "prompt", "output_a": "chosen", "output_b": "rejected"}
    return pairs.file(used, (*_READ, *models, *beside), {"pairs whose sides were asked different things": apart})


def _model(row: FileRow, side: str) -> str | None:
    return next((name for column in _MODELS[side] if (name := named(row, column)) is not None), None)


def _exchange(row: FileRow, pairs: PairReader) -> tuple[Instruction, Output, Output] | None:
    """What was asked, and both outputs; None where each side was asked something else."""
    whole = {side: _conversation(row, side, pairs) for side in _SIDES}
    chosen, rejected = whole["chosen"], whole["rejected"]
    if chosen is not None and rejected is not None and _asks(chosen) and _asks(rejected):
        return _shared(row, chosen, rejected, pairs)
    column = _asked_in(row)
    if column is None:
        raise row.error("prompt", "is missing, and chosen and rejected are no conversations that hold what was asked")
    instruction = _instruction(row, column, pairs)
    one, other = (pairs.output(row, side, row.values.get(side), instruction) for side in _SIDES)
    return instruction, one, other


def _asked_in(row: FileRow) -> str | None:
    """The column that holds what was asked."""
    return next((name for name in _PROMPTS if row.values.get(name) is not None), None)


def _instruction(row: FileRow, column: str, pairs: PairReader) -> Instruction:
    """What was asked, a text or messages, behind the text of a system message where one stands beside it."""
    question, about = row.values[column], _about(row)
    if column == "instruction" and isinstance(question, str):
        beside = {name: row.values[name] for name in _ALPACA if row.values.get(name)}
        return pairs.instruction(row, question, about | beside, column=column)
    system = row.values.get("system")
    if isinstance(system, str) and system.strip():
        messages = question if isinstance(question, list) else [{"role": "user", "content": question}]
        question = [{"role": "system", "content": system}, *messages]
    return pairs.instruction(row, question, about)


def _about(row: FileRow) -> dict[str, Any]:
    """What else a row says of its instruction."""
    categories = (named(row, name) for name in _CATEGORIES if isinstance(row.values.get(name), str))
    return {
        "category": next((name for name in categories if name is not None), None),
        "id": named(row, "prompt_id") or named(row, "id"),
        "tools": row.values.get("tools") or None,
    }


def _conversation(row: FileRow, side: str, pairs: PairReader) -> Conversation | None:
    """The conversation in a column; None where it holds a text."""
    value = row.values.get(side)
    if isinstance(value, str) and _asked_in(row) is None:
        value = _transcript(value)
    if not isinstance(value, list) or all(isinstance(item, str) for item in value):
        return None
    beside = {name: row.values[name] for name in ("system", "tools") if row.values.get(name)}
    return pairs.reader.conversation(FileRow(row.place, {side: value} | beside), side)


def _transcript(text: str) -> list[dict[str, str]] | None:
    """The messages of a transcript that a human begins."""
    marks = list(_TURN.finditer(text))
    if not marks or text[: marks[0].start()].strip() or marks[0][1] != "Human":
        return None
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [
        {"role": _ROLES[mark[1]], "content": text[mark.end() : end].strip()}
        for mark, end in zip(marks, ends, strict=True)
    ]


def _asks(conversation: Conversation) -> bool:
    return any(message.role == "user" for message in conversation.messages)


def _shared(
    row: FileRow, chosen: Conversation, rejected: Conversation, pairs: PairReader
) -> tuple[Instruction, Output, Output] | None:
    """What two conversations share, up to the last message that is not a model's, and how each goes on."""
    count = _common(chosen, rejected)
    rest = [*chosen.messages[count:], *rejected.messages[count:]]
    if not count or any(message.role not in REPLYING for message in rest):
        return None
    _check_prompt(row, chosen, count)
    question = replace(chosen, messages=chosen.messages[:count])
    instruction = pairs.reader.asked(FileRow(row.place, {"chosen": None} | _described(row)), "chosen", question)
    one, other = (output_of(instruction, cut(side, prompt=count)[1]) for side in (chosen, rejected))
    return instruction, one, other


def _described(row: FileRow) -> dict[str, Any]:
    return {name: value for name, value in _about(row).items() if value is not None and name != "tools"}


def _common(one: Conversation, other: Conversation) -> int:
    """How many first messages are the same in both and end with one that is not a model's."""
    pairs = zip(one.messages, other.messages, strict=False)
    alike = (identity([left], normalised=True) == identity([right], normalised=True) for left, right in pairs)
    same = min(sum(takewhile(bool, alike)), len(one.messages) - 1, len(other.messages) - 1)
    while same and one.messages[same - 1].role in REPLYING:
        same -= 1
    return same


def _check_prompt(row: FileRow, conversation: Conversation, count: int) -> None:
    """Raises InputError where the prompt beside the conversations is not in what they share."""
    prompt = next((row.values[name] for name in _PROMPTS if isinstance(row.values.get(name), str)), None)
    if prompt is None:
        return
    texts = [message.text for message in conversation.messages[:count]]
    if normalise_text(prompt) not in map(normalise_text, [*texts, "\n\n".join(texts)]):
        raise row.error("prompt", "is none of the messages that chosen and rejected begin with")


def _is_preference(sample: Sample) -> bool:
    if not sample.holds(*_SIDES) or sample.holds("num_correct", "total_completions"):
        return False
    if sample.holds("prompt", "chosen_model", "rejected_model", "subset"):  # RewardBench
        return False
    lists = any(_is_alternatives(row.get(side)) for row in sample.rows for side in _SIDES)
    has_prompt = any(sample.holds(name) for name in _PROMPTS)
    return not lists and (has_prompt or any(_whole(row) for row in sample.rows))


def _is_alternatives(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _whole(values: Mapping[str, Any]) -> bool:
    row = with_messages(FileRow(Place("", "row", 1), dict(values)), _SIDES)
    sides = [row.values.get(side) for side in _SIDES]
    return all(isinstance(side, list) or _transcript(str(side)) is not None for side in sides)


PREFERENCES = Format(
    name="preferences",
    holds="labels",
    help="Preference data: chosen and rejected as texts, messages or whole conversations, with or without a prompt.",
    recognises=_is_preference,
    read=read_preferences,
    columns=PREFERENCE_COLUMNS,
    row=preference_row,
)

"""Conversations as people read them: who said what, in its place, and what the judge does not see of it.

``passages`` says what there is to show, the same for the terminal, the app, documents and frames; ``transcript`` writes
it as text and ``markup`` as HTML. What somebody else wrote is letters in both, whatever it holds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from judgebench.conversations import (
    Call,
    Calls,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Segment,
    Text,
    Tool,
    Trajectory,
)
from judgebench.images import Copy
from judgebench.records import Instruction, Output
from judgebench.show.text import count, one_line, spelt

if TYPE_CHECKING:
    from judgebench.services.battles import BattleSummary, JudgedBattle

NOT_SHOWN = "not shown to the judge"
TO_SOME = "shown to judges whose template shows images"
IMAGE = "image"  # as a kind of file
MESSAGE_COLUMNS = ("model", "sample", "role", "name", "kind", "text", "called", "number", "error", "judged")
_UNSEEN = ("reasoning", "file", "other")
_DIGITS = 12  # of a digest
_NO_IMAGES: Mapping[str, Copy] = {}
_WRAPPED = "white-space: pre-wrap; overflow-wrap: anywhere"


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part of a message. Names and texts are as others wrote them."""

    kind: str  # "text", "refusal", "call", "tool" (an offered one), "reasoning", "file" or "other"
    text: str  # to read; of a call its arguments, of a tool its parameters, of a file what is known of it
    name: str = ""  # of a call or tool; of a file its kind, "image" say; what its source calls any other part
    number: int | None = None  # of a call, from 1
    digest: str = ""  # of an image whose bytes are held

    @property
    def judged(self) -> bool:
        """Whether a judge can be shown it: an image, by a template that shows images."""
        return self.kind not in _UNSEEN or bool(self.digest)


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message in its place."""

    role: str  # as its source calls it; "tools" for those that are offered
    parts: tuple[ShownPart, ...]
    name: str | None = None  # of the participant, or of the tool whose result it is
    answers: int | None = None  # of a result: the number of its call, where that is known
    error: str | None = None  # of a result: why the call failed; empty where it only did
    given: bool = False  # a model's, and part of what was asked
    inserted: bool = False  # a scaffold's, in the user's name


@dataclass(frozen=True, slots=True)
class Passage:
    """What was asked, and what each of the outputs has then."""

    asked: tuple[ShownMessage, ...]
    replies: tuple[tuple[ShownMessage, ...], ...]  # by output; empty where it says nothing here


def passages(
    instruction: Instruction, outputs: Sequence[Output], sizes: Mapping[str, int] | None = None, *, blind: bool = False
) -> tuple[Passage, ...]:
    """The conversation with every output beside the others, in the order in which it was held.

    ``sizes``: bytes of files, by digest. ``blind``: without the names and addresses of outputs' files, which may tell
    whose they are.
    """
    whole = instruction.conversation
    messages = tuple(_messages(whole.messages, sizes or {}, given=True))
    placed = [_placed(_unnamed(output) if blind else output, instruction, sizes or {}) for output in outputs]
    ends = sorted({after for replies in placed for after in replies} | {len(messages)})
    shown: list[Passage] = []
    before = 0
    for end in ends:
        tools = _offered(whole.tools) if before == 0 and not shown else ()
        replies = tuple(by_place.get(end, ()) for by_place in placed)
        shown.append(Passage((*tools, *messages[before:end]), replies))
        before = end
    return tuple(passage for passage in shown if passage.asked or any(passage.replies)) or (shown[0],)


def _unnamed(output: Output) -> Output:
    """The output without the names and addresses of its files."""
    if output.trajectory is None:
        return output
    segments = (
        replace(segment, messages=tuple(map(_unnamed_message, segment.messages)))
        for segment in output.trajectory.segments
    )
    return replace(output, trajectory=replace(output.trajectory, segments=tuple(segments)))


def _unnamed_message(message: Message) -> Message:
    parts = (replace(part, name=None, url=None) if isinstance(part, Media) else part for part in message.parts)
    return replace(message, parts=tuple(parts))


def _placed(output: Output, instruction: Instruction, sizes: Mapping[str, int]) -> dict[int, tuple[ShownMessage, ...]]:
    """What it says, by the number of the instruction's messages before it."""
    try:
        trajectory = output.placed(instruction)
    except ValueError:  # more replies than turns: nobody knows what they answer
        replies = tuple(Message("assistant", (Text(reply),)) for reply in (*output.earlier, output.text))
        trajectory = Trajectory((Segment(len(instruction.conversation.messages), replies),))
    calls = Calls()
    placed: dict[int, tuple[ShownMessage, ...]] = {}
    for segment in trajectory.segments:
        replies_here = tuple(_messages(segment.messages, sizes, calls=calls))
        placed[segment.after] = (*placed.get(segment.after, ()), *replies_here)
    return placed


def _messages(
    messages: Iterable[Message], sizes: Mapping[str, int], *, calls: Calls | None = None, given: bool = False
) -> Iterator[ShownMessage]:
    calls = calls or Calls()
    for message in messages:
        answers = calls.answered(message) if message.role == "tool" else None
        parts = tuple(_part(part, calls, sizes) for part in message.parts)
        ours = given and message.role in ("assistant", "tool")
        yield ShownMessage(message.role, parts, message.name, answers, message.error, ours, message.inserted)


def _part(part: Part, calls: Calls, sizes: Mapping[str, int]) -> ShownPart:
    match part:
        case Text(text):
            return ShownPart("text", text)
        case Refusal(text):
            return ShownPart("refusal", text)
        case Reasoning(text, redacted=redacted):
            return ShownPart("reasoning", "" if redacted else text)
        case Call(name, arguments):
            return ShownPart("call", arguments, name, calls.number(part))
        case Media():
            held = part.digest or "" if part.kind == IMAGE else ""
            return ShownPart("file", _known_of(part, sizes), part.kind, digest=held)
        case Opaque(kind, value):
            return ShownPart("other", value, kind)


def _known_of(file: Media, sizes: Mapping[str, int]) -> str:
    size = sizes.get(file.digest or "")
    known = (
        file.name,
        file.media_type,
        None if size is None else f"{count(size, 'byte')}",
        None if file.digest is None else f"SHA-256 {file.digest[:_DIGITS]}",
        None if file.digest is not None else f"not held{f', at {file.url}' if file.url else ''}",
    )
    return ", ".join(value for value in known if value)


def _offered(tools: Sequence[Tool]) -> tuple[ShownMessage, ...]:
    parts = tuple(
        ShownPart("tool", "\n".join(text for text in (tool.description, tool.parameters) if text), tool.name)
        for tool in tools
    )
    return (ShownMessage("tools", parts),) if parts else ()


def message_rows(instruction: Instruction, outputs: Sequence[Output]) -> Iterator[dict[str, Any]]:
    """Every part of every message by MESSAGE_COLUMNS, passage by passage."""
    for passage in passages(instruction, outputs):
        yield from _rows(passage.asked, None)
        for output, messages in zip(outputs, passage.replies, strict=True):
            yield from _rows(messages, output)


def _rows(messages: Iterable[ShownMessage], output: Output | None) -> Iterator[dict[str, Any]]:
    whose = (None, None) if output is None else (output.model, output.sample)
    for message in messages:
        for part in message.parts or (ShownPart("text", ""),):
            number = message.answers if part.number is None else part.number
            about = (part.kind, part.text, part.name or None, number, message.error, part.judged)
            yield dict(zip(MESSAGE_COLUMNS, (*whose, message.role, message.name, *about), strict=True))


def is_text(messages: Sequence[ShownMessage]) -> bool:
    """Whether one text of a user or a model is all there is, which needs no heading."""
    return len(messages) == 1 and messages[0].role in ("user", "assistant") and _bare(messages[0])


def _bare(message: ShownMessage) -> bool:
    ours = message.given or message.inserted
    return message.name is None and not ours and [part.kind for part in message.parts] == ["text"]


def heading(message: ShownMessage) -> str:
    """Who says it, on one line."""
    if message.role == "tools":
        return "tools that are offered"
    name = f" {one_line(message.name)}" if message.name else ""
    if message.role == "tool":
        number = "" if message.answers is None else f" of call {message.answers}"
        reason = f": {one_line(message.error, 200)}" if message.error else ""
        error = "" if message.error is None else f", an error{reason}"
        words = f"result{number}{name and f' ({name.strip()})'}{error}"
    else:
        words = f"{one_line(message.role)}{name}"
    return words + (", given" if message.given else "") + (", inserted by a scaffold" if message.inserted else "")


def title(part: ShownPart) -> str:
    """What a part is, on one line; empty for a text."""
    name = one_line(part.name, 64)
    words = {
        "text": "",
        "refusal": "refusal",
        "call": f"call {part.number}: {name}",
        "tool": name,
        "reasoning": "reasoning",
        "file": name,
    }.get(part.kind, name)
    if part.digest:
        return f"{words}, {TO_SOME}"
    return words if part.judged else f"{words}, {NOT_SHOWN}"


def transcript(messages: Sequence[ShownMessage], *, reasoning: bool = True) -> str:
    """The messages as text, each under a line that says whose it is. ``reasoning`` False: only that there is some."""
    if is_text(messages):
        return messages[0].parts[0].text
    blocks = []
    for message in messages:
        parts = [text for part in message.parts if (text := _written(part, reasoning=reasoning))]
        blocks.append("\n".join((f"[{heading(message)}]", *parts)))
    return "\n\n".join(blocks)


def battle_lines(battle: "JudgedBattle") -> Iterator[str]:
    """A battle as text: what was asked, and what every sample of both models says, in their places."""
    outputs = [
        output
        for side in zip(*battle.outputs, strict=True)
        for output in {output.sample: output for output in side}.values()
    ]
    names = [f"{'A' if output.model == battle.model_a else 'B'} {one_line(output.model)}" for output in outputs]
    if len(battle.outputs) > 1:
        names = [f"{name}, sample {output.sample + 1}" for name, output in zip(names, outputs, strict=True)]
    for passage in passages(battle.instruction, outputs, battle.sizes):
        if passage.asked:
            yield f"--- asked\n{transcript(passage.asked, reasoning=False)}"
        if any(passage.replies):
            for name, messages in zip(names, passage.replies, strict=True):
                yield f"--- {name}\n{transcript(messages, reasoning=False) or '(nothing)'}"
    if battle.instruction.reference:
        yield f"--- reference\n{battle.instruction.reference}"


def battle_document(battle: "JudgedBattle") -> dict[str, Any]:
    """The same in plain values: a conversation for each pair of samples, and the verdicts."""
    from judgebench.show import steps  # slow to load

    conversations = [
        {
            "sample_a": a.sample,
            "sample_b": b.sample,
            "passages": [asdict(passage) for passage in passages(battle.instruction, (a, b), battle.sizes)],
        }
        for a, b in battle.outputs
    ]
    verdicts = [
        {
            "judge": shown.judge,
            "order": shown.order,
            "sample_a": shown.output_a.sample,
            "sample_b": 0 if shown.output_b is None else shown.output_b.sample,
            "repeat": shown.repeat,
            **asdict(shown.verdict),
            "reply": None if shown.completion is None else shown.completion.text,
        }
        for shown in battle.verdicts
    ]
    lists = {
        "goals": [asdict(reading) for reading in battle.goals],
        "steps": [{"judge": one.judge, **row} for one in battle.steps for row in steps.rows([one])],
    }
    about = {"reference": battle.instruction.reference, "conversations": conversations, "verdicts": verdicts}
    return about | {name: rows for name, rows in lists.items() if rows}


def battles_document(
    listed: "Sequence[BattleSummary]",
    total: int,
    judge: str | None,
    judges: Sequence[str],
    opened: "Sequence[JudgedBattle] | None" = None,
) -> dict[str, Any]:
    """As ``battles --format json`` prints it; ``opened``: with all that was said in each."""
    rows = [asdict(row) for row in listed]
    if opened is not None:
        rows = [about | battle_document(battle) for about, battle in zip(rows, opened, strict=True)]
    return {"total": total, "judges": [judge] if judge else list(judges), "battles": rows}


def samples(a: Output, b: Output | None) -> str:
    """Which samples were compared, from 1."""
    return str(a.sample + 1) if b is None or b.sample == a.sample else f"{a.sample + 1} with {b.sample + 1}"


def instruction_text(instruction: Instruction) -> str:
    """All that was asked as text: the turns, or a transcript where they are not all of it."""
    if instruction.plain:
        return instruction.text
    return transcript([message for passage in passages(instruction, ()) for message in passage.asked])


def output_text(instruction: Instruction, output: Output, *, reasoning: bool = True) -> str:
    """All that a model said and did as text: its replies, or a transcript where they are not all of it."""
    if output.plain:
        return output.whole
    replies = (passage.replies[0] for passage in passages(instruction, (output,)))
    return transcript([message for messages in replies for message in messages], reasoning=reasoning)


def _written(part: ShownPart, *, reasoning: bool) -> str:
    words = title(part)
    if part.kind == "reasoning" and not reasoning:
        return f"[{words}: {count(len(part.text), 'character')}]"
    if part.kind == "file":
        return f"[{words}: {part.text}]"
    return "\n".join(text for text in (words and f"[{words}]", part.text) if text)


def markup(
    messages: Sequence[ShownMessage],
    *,
    most: int | None = None,
    rendered: Callable[[str], str] | None = None,
    images: Mapping[str, Copy] = _NO_IMAGES,
) -> str:
    """The messages as HTML in which every letter of theirs is escaped; reasoning and unknown parts are folded.

    ``most``: characters to write. ``rendered``: makes HTML of a text, instead of showing its letters. ``images``:
    copies, by the digests of their originals, which stand in it as data; of others it says that they do not.
    """
    left = _Left(most)
    body = "".join(_message_markup(message, left, rendered, images) for message in messages)
    return f"<div>{body or _letters('(nothing)')}</div>"


class _Left:
    """How many characters may still be written."""

    def __init__(self, most: int | None) -> None:
        self._most = most

    def of(self, text: str) -> str:
        if self._most is None:
            return text
        shown = text[: self._most]
        self._most -= len(shown)
        return shown


def _message_markup(
    message: ShownMessage, left: _Left, rendered: Callable[[str], str] | None, images: Mapping[str, Copy]
) -> str:
    words = escape(spelt(heading(message)))
    parts = "".join(_part_markup(part, left, rendered, images) for part in message.parts)
    frame = "border-left: 3px solid #8888; padding-left: .6rem; margin: 0 0 .8rem 0"
    return f'<section style="{frame}"><small><strong>{words}</strong></small>{parts or _letters("(nothing)")}</section>'


def _part_markup(
    part: ShownPart, left: _Left, rendered: Callable[[str], str] | None, images: Mapping[str, Copy]
) -> str:
    words, text = escape(spelt(title(part))), left.of(part.text)
    if part.kind == "text":
        return _letters(text) if rendered is None else rendered(text)
    if part.kind in ("reasoning", "other"):
        return f"<details><summary><small>{words}</small></summary>{_letters(text)}</details>"
    if part.kind == "tool":
        return f"<details><summary><code>{words}</code></summary>{_letters(text)}</details>"
    if part.digest:
        return _image(words, text, images.get(part.digest))
    about = f"<small>{words}</small>"
    return f"<div>{about}</div>{_code(text) if part.kind == 'call' else _letters(text)}"


def figures(instruction: Instruction, output: Output, images: Mapping[str, Copy]) -> str:
    """The images of what was asked and of the output as HTML, each once; empty where they hold none."""
    shown = passages(instruction, (output,))
    messages = [message for passage in shown for message in (*passage.asked, *passage.replies[0])]
    held = {part.digest: part for message in messages for part in message.parts if part.digest}
    return "".join(_image(escape(spelt(title(part))), part.text, images.get(digest)) for digest, part in held.items())


def _image(words: str, known: str, copy: Copy | None) -> str:
    """An image with what is known of it; ``words`` are escaped."""
    if copy is None:
        return f"<div><small>{words}</small>{_letters(f'{known}; left out of this page')}</div>"
    frames = f"; the first of its {count(copy.frames, 'frame')}" if copy.frames > 1 else ""
    size = f'width="{copy.width}" height="{copy.height}" style="max-width: 100%; height: auto"'
    shown = f'<img src="{copy.url}" alt="{escape(spelt(known), quote=True)}" {size}>'
    caption = f"<figcaption><small>{words}: {escape(spelt(known + frames))}</small></figcaption>"
    return f'<figure style="margin: 0">{shown}{caption}</figure>'


def _letters(text: str) -> str:
    return f'<div style="{_WRAPPED}">{escape(spelt(text))}</div>'


def _code(text: str) -> str:
    return f'<pre style="{_WRAPPED}; margin: 0"><code style="{_WRAPPED}">{escape(spelt(text))}</code></pre>'

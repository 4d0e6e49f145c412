"""Votes of LMArena, in every layout in which they were published, and tables of votes that hold no text.

- ``conversation_a`` and ``conversation_b``, lists of messages whose contents are texts or parts (33k, 100k, 140k, and
  MT-Bench's human votes, where ``turn`` says after which turn the person was asked);
- ``prompt``, ``response_a`` and ``response_b``, texts or JSON lists of texts, a turn each (55k);
- neither: only ``model_a``, ``model_b`` (or ``left`` and ``right``, or ``model_x`` and ``model_y``) and ``winner``.

The same model may have replied to one prompt in different ways, and the same person voted on it again. Who voted is
``judge``, ``judge_hash`` or ``worker``; where nothing says it, every row is a vote of its own. In the arena A stands
left and is read first. Where no text is known, nothing is made up: prompts and outputs are known by their names alone.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from judgebench.conversations import decoded_conversation, decoded_trajectory, encoded_conversation, encoded_trajectory
from judgebench.formats import Format, Sample
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import ExchangeReader, output_of
from judgebench.formats.fields import Columns
from judgebench.formats.human_labels import LABEL_FIELDS, LabelFile, LabelRow, Side, choice, label_of
from judgebench.formats.message_texts import with_messages
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, kind
from judgebench.formats.spool import Spool
from judgebench.keys import clean_text, normalise_text
from judgebench.records import Instruction, Order, Output, is_id, untold_instruction, untold_output

_TALKS = ("conversation_a", "conversation_b")
_TEXTS = ("prompt", "response_a", "response_b")
_SIDES = (("model_a", "model_b"), ("left", "right"), ("model_x", "model_y"))
_VOTERS = ("judge", "judge_hash", "worker", "annotator")
_VOTES = ("question_id", "id")  # name a vote, in the arena
_PROMPTS = ("question_id", "prompt_id", "prompt")  # name what was asked, where there is no text
_ONE_HOT = ("winner_model_a", "winner_model_b", "winner_tie")
_ARENA = ("tstamp", "anony", "judge_hash", "evaluation_session_id", "evaluation_order", "timestamp", "conv_metadata")
_READ = {"winner", "turn", "tstamp", "timestamp", "is_code", "category_tag", *_TALKS, *_ONE_HOT}
_BARE = {
    *("model_a", "model_b", "left", "right", "model_x", "model_y", "winner", *_VOTERS, *_VOTES, *_PROMPTS, *_ARENA),
    *("turn", "language", "rating", "battle_id", "is_code", "source", "dataset", "category"),
}
_ROLES = ("user", "assistant")
_CATEGORIES = (  # of a row's tags the first that is true: version and name there, and what it is called here
    ("math_v0.1", "math", "math"),
    ("creative_writing_v0.1", "creative_writing", "creative writing"),
    ("if_v0.1", "if", "instruction following"),
)


class _Kept(NamedTuple):
    """What is kept of a row until it is stored: texts, or conversations as JSON, or names alone."""

    number: int
    turns: tuple[str, ...] | None  # what was asked, where it was asked in texts
    prompt: str | None  # else the conversation; or, where there are no replies, what it is called
    first: Any  # replies, or a trajectory; None: not known
    second: Any
    model_a: str
    model_b: str
    preference: float
    both_bad: bool
    voter: str | None
    moment: str | None
    vote: str | None
    category: str | None
    id: str | None  # of the instruction


_Exchange = tuple[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]]  # what was asked, and the replies of both


def read_votes(filename: Filename, *, limits: ReadLimits | None = None) -> LabelFile:
    """The votes in a file; their texts are not held in memory. Raises InputError naming file, row and field."""
    return _Reader(str(filename), limits).read(file_rows(filename, limits=limits))


class _Reader:
    """Reads the rows of one file."""

    def __init__(self, name: str, limits: ReadLimits | None) -> None:
        self._name = name
        self._table = Path(name).name
        self._texts = ExchangeReader(Columns({}, LABEL_FIELDS), limits=limits)  # reads what is more than texts
        self._unit = "row"
        self._is_arena = self._has_left = False

    def read(self, rows: Iterator[FileRow]) -> LabelFile:
        spool: Spool[LabelRow] = Spool(self._row)
        names: dict[str, None] = {}
        nulls = against_itself = without_text = 0
        for row in rows:
            if row.values.keys() - names.keys():
                names |= dict.fromkeys(row.values)
                self._is_arena = any(name in names for name in _ARENA) or _TEXTS[1] in names
            nulls += row.nulls
            vote = self._vote(row)
            if vote is None:
                against_itself += 1
                continue
            without_text += vote.first is None
            spool.add(*vote)
        read = {
            *_READ,
            *_VOTERS,
            *(_TEXTS if _TEXTS[1] in names else _PROMPTS),
            *(() if not spool else self._named(names)),
        }
        return LabelFile(
            self._name,
            spool,
            {},
            self._texts.blobs,
            nulls,
            tuple(name for name in names if name not in read),
            against_itself=against_itself,
            unkept={"texts of prompts and outputs, which the file does not hold": without_text} if without_text else {},
        )

    def _named(self, names: Collection[str]) -> tuple[str, ...]:
        return (*next(sides for sides in _SIDES if sides[0] in names), *_VOTES)

    def _vote(self, row: FileRow) -> _Kept | None:
        """What a spool keeps of a row; None where a model is compared with itself."""
        if isinstance(row.values.get(_TALKS[0]), str):
            row = with_messages(row)
        self._unit, values = row.place.unit, row.values
        models = self._models(row)
        if models[0] == models[1]:
            return None
        preference, both_bad = _choice(row, models)
        voter = _first_of(values, _VOTERS)
        vote = _first_of(values, _VOTES) if self._is_arena else None
        return _Kept(
            *(row.place.number, *self._held(row), *models, preference, both_bad),
            *(voter, _moment(row), vote, _category(values), self._id(values)),
        )

    def _id(self, values: Mapping[str, Any]) -> str | None:
        """What names the instruction; in the arena an id names a vote."""
        if self._is_arena:
            return None
        id = _first_of(values, _PROMPTS[:2] if _TALKS[0] in values or _TEXTS[1] in values else _PROMPTS)
        return id if id is not None and is_id(id) else None

    def _held(self, row: FileRow) -> tuple[tuple[str, ...] | None, str | None, Any, Any]:
        """What was asked, as texts or as something else, and both replies."""
        if _TALKS[0] in row.values:
            exchange = _talks(row)
            if exchange is None:
                return (None, *self._whole(row))
        elif _TEXTS[1] in row.values:
            exchange = _texts(row)
        else:
            return None, _first_of(row.values, _PROMPTS) or self._table, None, None
        turns, (first, second) = exchange
        if not any(turn.strip() for turn in turns):
            raise row.error(_TALKS[0] if _TALKS[0] in row.values else _TEXTS[0], "the instruction is empty")
        return turns, None, first, second

    def _models(self, row: FileRow) -> tuple[str, str]:
        for sides in (_SIDES[1], _SIDES[0], _SIDES[2]):
            if all(name in row.values for name in sides):
                self._has_left = sides == _SIDES[1]
                first, second = (
                    row.text(name).strip() if isinstance(row.values[name], str) else None for name in sides
                )
                for name, model in zip(sides, (first, second), strict=True):
                    if not model:
                        raise row.error(name, "holds no name of a model")
                return str(first), str(second)
        raise row.error("model_a", "is missing")

    def _whole(self, row: FileRow) -> tuple[str, str, str]:
        """Both conversations where they are more than texts that follow each other, as JSON."""
        for name in _TALKS:
            if not isinstance(row.values.get(name), list):
                raise row.error(name, f"expected a list of messages, found {kind(row.values.get(name))}")
        label = label_of(row, self._texts)
        one, other = label.first.output, label.second.output
        assert one is not None  # noqa: S101 - both columns are there
        assert other is not None  # noqa: S101 - as above
        first, second = (encoded_trajectory(side.placed(label.instruction)) for side in (one, other))
        return encoded_conversation(label.instruction.conversation), first, second

    def _row(self, *values: Any) -> LabelRow:
        kept = _Kept(*values)
        if kept.turns is not None:
            instruction = Instruction(kept.turns, kept.category)
            sides = [Output(instruction.key, "", replies[-1], replies[:-1]) for replies in (kept.first, kept.second)]
        elif kept.first is not None:
            conversation = decoded_conversation(kept.prompt or "")
            instruction = Instruction(conversation.turns or ("",), kept.category, full=conversation)
            sides = [output_of(instruction, decoded_trajectory(text)) for text in (kept.first, kept.second)]
        else:
            instruction = untold_instruction(kept.prompt or "")
            sides = [untold_output(instruction.key, "")] * 2
        if kept.id is not None:
            instruction = replace(instruction, ids=(kept.id,))
        one, other = (Side(model, side, model) for model, side in zip((kept.model_a, kept.model_b), sides, strict=True))
        return LabelRow(
            Place(self._name, self._unit, kept.number),
            *(instruction, one, other, kept.preference, kept.both_bad, kept.voter),
            order=Order.AB if self._has_left or self._is_arena else None,
            created_at=kept.moment,
            anonymous=kept.voter is None,
            vote=kept.vote,
        )


def _talks(row: FileRow) -> _Exchange | None:
    """Two conversations of texts in which the same was asked; None for all others."""
    turn = row.values.get("turn")
    most = int(turn) if isinstance(turn, int | float) and turn >= 1 else None
    first, second = (_talk(row.values.get(name), most) for name in _TALKS)
    if first is None or second is None:
        return None
    question, other = first[0], second[0]
    if question != other and list(map(normalise_text, question)) != list(map(normalise_text, other)):
        return None
    return question, (first[1], second[1])


def _talk(messages: Any, most: int | None) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The texts of a user and those of a model, one after the other; None for every other conversation."""
    if not isinstance(messages, list) or not messages or len(messages) % 2:
        return None
    texts = []
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") != _ROLES[at % 2]:
            return None
        text = message.get("content")
        if isinstance(text, list):
            text = _joined(text)
        if text is None and at % 2 and "content" in message:
            text = ""
        if not isinstance(text, str) or _says_more(message, _SAID):
            return None
        texts.append(clean_text(text))
    stop = len(texts) if most is None else 2 * most
    return tuple(texts[:stop:2]), tuple(texts[1:stop:2])


_SAID = frozenset(("role", "content", "num_tokens"))  # of a message; the last is how long it is
_PART = frozenset(("type", "text"))


def _says_more(values: Mapping[str, Any], known: frozenset[str]) -> bool:
    """Whether there is anything beside what is read."""
    beside = values.keys() - known
    return bool(beside) and any(values[name] is not None for name in beside)


def _joined(parts: list[Any]) -> str | None:
    """The text of parts that are nothing but texts; None for all others."""
    texts = []
    for part in parts:
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            return None
        if _says_more(part, _PART):
            return None
        texts.append(part["text"])
    return texts[0] if len(texts) == 1 else "\n".join(texts)


def _texts(row: FileRow) -> _Exchange:
    """A prompt and two replies: texts, or all three lists of texts, as JSON or as they are."""
    cells = [row.values.get(name) for name in _TEXTS]
    lists = [_listed(cell) for cell in cells]
    if any(texts is None for texts in lists):
        lists = [[cell] for cell in cells]
    turns, first, second = (_cleaned(row, name, texts or []) for name, texts in zip(_TEXTS, lists, strict=True))
    for name, replies in zip(_TEXTS[1:], (first, second), strict=True):
        if len(replies) != len(turns):
            raise row.error(name, f"holds {len(replies)} replies to {len(turns)} turns of {_TEXTS[0]!r}")
    return turns, (first, second)


def _listed(cell: Any) -> list[Any] | None:
    """The list of texts and nulls that a cell holds, also as JSON; None where it holds anything else."""
    if isinstance(cell, str) and cell[:1] == "[":
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            return None
    texts = isinstance(cell, list) and cell and all(item is None or isinstance(item, str) for item in cell)
    return cell if texts else None


def _cleaned(row: FileRow, name: str, texts: list[Any]) -> tuple[str, ...]:
    """A model whose reply is null replied nothing."""
    return tuple("" if text is None and name != _TEXTS[0] else row.as_text(name, text) for text in texts)


def _choice(row: FileRow, models: tuple[str, str]) -> tuple[float, bool]:
    """Preference for the first, and whether neither will do."""
    first, second = (Side(model, None, "") for model in models)
    return choice(row, _CHOICE, first, second)


_CHOICE = Columns({}, {"label": ("winner",)})


def _moment(row: FileRow) -> str | None:
    """When a vote was given, in UTC; None where nothing says it, or it cannot be read."""
    seconds, date = row.values.get("tstamp"), row.values.get("timestamp")
    try:
        if isinstance(date, Mapping):  # as a table of another process says a date
            date = next(iter(date.values()))
        if isinstance(date, str):
            moment = datetime.fromisoformat(date)
            moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        elif isinstance(seconds := date if seconds is None else seconds, int | float | str) and seconds != "":
            moment = datetime.fromtimestamp(float(seconds), UTC)
        else:
            return None
        return moment.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError) as error:
        raise row.error("tstamp" if "tstamp" in row.values else "timestamp", f"is no time: {error}") from error


def _category(values: Mapping[str, Any]) -> str | None:
    if values.get("is_code") in (True, "True", "true"):
        return "code"
    tags = values.get("category_tag")
    if not isinstance(tags, Mapping):
        return None
    told = (name for tag, of, name in _CATEGORIES if isinstance(tags.get(tag), Mapping) and tags[tag].get(of) is True)
    return next(told, None)


def _first_of(values: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """What the first of the columns says that says something."""
    return next((str(values[name]).strip() for name in names if values.get(name) not in (None, "")), None)


def _is_votes(sample: Sample) -> bool:
    if not any(sample.holds(*sides) for sides in _SIDES):
        return False
    if sample.holds(*_TALKS, "winner"):
        is_judged = sample.holds("question_id", "judge", "turn")  # MT-Bench's
        return is_judged or any(name in sample.columns for name in _ARENA)
    if sample.holds(*_TEXTS, *_ONE_HOT):
        return True
    return sample.holds("winner") and _is_bare(sample)


def _is_bare(sample: Sample) -> bool:
    """Whether the rows hold nothing but names, numbers and winners."""
    if not _BARE.issuperset(sample.columns):
        return False
    return all(_is_name(row.get("prompt")) for row in sample.rows)


def _is_name(prompt: Any) -> bool:
    """Whether it names a prompt, and is none."""
    return prompt is None or isinstance(prompt, int) or (isinstance(prompt, str) and prompt.strip().isdigit())


VOTES = Format(
    name="votes",
    holds="labels",
    help="Votes of LMArena (33k, 55k, 100k, 140k) and MT-Bench; tables of model_a, model_b and winner without texts.",
    recognises=_is_votes,
    read=read_votes,
)

"""Which instructions and outputs hold a text: as one of their turns or replies, or anywhere in their messages."""

import json
from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from judgebench.conversations import Call, Media, Message, Opaque, Part, Tool, decoded_conversation, decoded_trajectory
from judgebench.store import schema as t

_i, _o = t.instructions.c, t.outputs.c


def instructions_with(connection: sa.Connection, benchmark: int, text: str) -> sa.Select[tuple[int]]:
    """The ids of those of the benchmark's instructions that hold the text, in whichever case."""
    rows = connection.execute(
        sa.select(_i.id, _i.messages).where(_i.benchmark_id == benchmark, _holds(_i.messages, text))
    )
    decoded = ((row.id, decoded_conversation(row.messages)) for row in rows)
    ids = [place for place, full in decoded if _is_among(text, (*_of_tools(full.tools), *_of_messages(full.messages)))]
    return sa.select(_i.id).where(_holds(_i.turns, text) | _is_one_of(_i.id, ids))


def outputs_with(connection: sa.Connection, benchmark: int, text: str) -> sa.Select[tuple[int]]:
    """The ids of outputs that hold the text, in whichever case; those with messages of the benchmark's alone."""
    of_benchmark = sa.select(_i.id).where(_i.benchmark_id == benchmark)
    rows = connection.execute(
        sa.select(_o.id, _o.messages).where(_o.instruction_id.in_(of_benchmark), _holds(_o.messages, text))
    )
    decoded = ((row.id, decoded_trajectory(row.messages)) for row in rows)
    ids = [place for place, trajectory in decoded if _is_among(text, _of_messages(trajectory.messages))]
    plainly = _o.text.icontains(text, autoescape=True) | _holds(_o.earlier, text)
    return sa.select(_o.id).where(plainly | _is_one_of(_o.id, ids))


def _holds(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether the JSON in the column has the text somewhere, be it in the name of a field."""
    return column.icontains(json.dumps(text, ensure_ascii=False)[1:-1], autoescape=True)


def _is_one_of(column: sa.ColumnElement[int], ids: list[int]) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam(None, ids, expanding=True, literal_execute=True)) if ids else sa.false()


def _is_among(text: str, parts: Iterable[str | None]) -> bool:
    return any(text.casefold() in part.casefold() for part in parts if part)


def _of_messages(messages: Iterable[Message]) -> Iterator[str | None]:
    """What people can read of them."""
    for message in messages:
        yield from (message.name, message.error)
        for part in message.parts:
            yield from _of_part(part)


def _of_part(part: Part) -> tuple[str | None, ...]:
    match part:
        case Call(name, arguments):
            return name, arguments
        case Media(name=name, url=url):
            return name, url
        case Opaque(kind, value):
            return kind, value
        case _:
            return (part.text,)


def _of_tools(tools: Iterable[Tool]) -> Iterator[str | None]:
    for tool in tools:
        yield from (tool.name, tool.description, tool.parameters)

"""Goals and spans of verdicts as one text of JSON: how files of ours hold them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from judgebench.records import Goal, Span

_Item = TypeVar("_Item", Goal, Span)
_MOST = 10_000  # of one verdict
_GOALS, _SPANS = TypeAdapter(list[Goal]), TypeAdapter(list[Span])


def written_particulars(items: Sequence[Goal] | Sequence[Span]) -> str | None:
    """None where there are none; what is not known is left out."""
    if not items:
        return None
    rows = [{name: value for name, value in asdict(item).items() if value is not None} for item in items]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def read_goals(text: str) -> tuple[Goal, ...]:
    """Raises ValueError."""
    goals = _read(text, _GOALS)
    for goal in goals:
        failed = goal.reached == "no"
        if (goal.cause is not None) != failed or (goal.failed_at is not None) != failed:
            raise ValueError("a cause and a failed turn stand exactly where a goal was not reached")
        turns = goal.turns
        if not turns or list(turns) != sorted(set(turns)) or turns[0] < 1 or (goal.failed_at or turns[0]) < turns[0]:
            raise ValueError("turns are numbers from 1, rising, and none fails before a goal comes up")
        if (goal.declared or 0) < 0:
            raise ValueError("declared goals are counted from 0")
    return goals


def read_spans(text: str) -> tuple[Span, ...]:
    """Raises ValueError."""
    spans = _read(text, _SPANS)
    for span in spans:
        if not 0 <= span.start < span.stop:
            raise ValueError("a span begins at 0 or later and ends behind that")
        if span.rating is None and span.kind is None:
            raise ValueError("a span has a rating or a kind")
    return spans


def _read(text: Any, kind: TypeAdapter[list[_Item]]) -> tuple[_Item, ...]:
    value = json.loads(text)
    if not isinstance(value, list) or len(value) > _MOST:
        raise ValueError(f"expected a list of up to {_MOST}")
    try:
        return tuple(kind.validate_json(text, strict=True))
    except ValidationError as error:
        (first, *_) = error.errors()
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

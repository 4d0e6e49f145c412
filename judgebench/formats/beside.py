"""What stands beside an output in a row: where its steps end, what people say of them, and what happened later.

Files of ours hold the first two as JSON: ends in characters of the output's text, and marks by annotator.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard, get_args

from judgebench.formats.fields import Columns, optional_texts
from judgebench.formats.reading import FileRow
from judgebench.records import Marks, Output, Rating, Span

STEPS_COLUMN, MARKS_COLUMN, AFTERWARDS = "output_steps", "output_marks", "afterwards"
_RATINGS: tuple[Rating, ...] = get_args(Rating)
NOWHERE = "labels of a solution that name steps which it does not have"
_MOST = 100_000  # steps or spans of one output


def with_beside(row: FileRow, columns: Columns, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """The outputs in a row with what it says beside them. Raises InputError, naming row and field."""
    later = optional_texts(row, AFTERWARDS, columns)
    if not later and row.values.get(STEPS_COLUMN) is None and row.values.get(MARKS_COLUMN) is None:
        return outputs
    if len(outputs) != 1:
        column = columns.find(AFTERWARDS, row) or STEPS_COLUMN
        raise row.error(column, "is about one output, and the row holds several: write a row for each")
    (output,) = outputs
    steps = _steps(row, len(output.text))
    marks = _marks(row, len(output.text))
    return (replace(output, steps=steps, afterwards="\n".join(later) or None, marks=marks),)


def beside_values(output: Output) -> dict[str, Any]:
    """What the columns of a file of ours hold of it."""
    return {
        STEPS_COLUMN: json.dumps(output.steps) if output.steps else None,
        MARKS_COLUMN: json.dumps([_object(marks) for marks in output.marks], ensure_ascii=False)
        if output.marks
        else None,
        AFTERWARDS: output.afterwards,
    }


def _steps(row: FileRow, length: int) -> tuple[int, ...]:
    ends = _decoded(row, STEPS_COLUMN)
    if not ends:
        return ()
    whole = isinstance(ends, list | tuple) and all(map(_is_whole, ends))
    if not whole or list(ends) != sorted(set(ends)) or ends[0] < 1 or ends[-1] != length:
        raise row.error(
            STEPS_COLUMN, f"expected where each step ends, in characters, rising to {length}, the end of the output"
        )
    return tuple(ends)


def _marks(row: FileRow, length: int) -> tuple[Marks, ...]:
    items = _decoded(row, MARKS_COLUMN)
    if not items:
        return ()
    if not isinstance(items, list | tuple):
        raise row.error(MARKS_COLUMN, "expected a list of objects with annotator and spans")
    return tuple(item if isinstance(item, Marks) else _read(row, item, length) for item in items)


def _read(row: FileRow, item: Any, length: int) -> Marks:
    annotator, spans = (
        (item.get(name) for name in ("annotator", "spans")) if isinstance(item, Mapping) else (None, None)
    )
    if not isinstance(annotator, str) or not annotator.strip() or not isinstance(spans, list) or len(spans) > _MOST:
        raise row.error(MARKS_COLUMN, "expected objects with annotator, a text, and spans, a list")
    return Marks(annotator, tuple(_span(row, span, length) for span in spans), str(row.place.file))


def _span(row: FileRow, span: Any, length: int) -> Span:
    if not isinstance(span, Mapping):
        raise row.error(MARKS_COLUMN, "expected spans with start, stop, and rating or kind")
    start, stop, rating = span.get("start"), span.get("stop"), span.get("rating")
    kind, reason = (
        None if span.get(name) is None else row.as_text(MARKS_COLUMN, span[name]) for name in ("kind", "reason")
    )
    known = next((name for name in _RATINGS if name == rating), None)
    is_known = (rating is None or known is not None) and bool(known or kind)
    if is_known and _is_whole(start) and _is_whole(stop) and 0 <= start < stop <= length:
        return Span(start, stop, known, kind, reason)
    raise row.error(
        MARKS_COLUMN,
        f"expected a place in the {length} characters of the output, and a rating ({', '.join(_RATINGS)}) or a kind, "
        f"found {str(dict(span))[:80]}",
    )


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _decoded(row: FileRow, column: str) -> Any:
    value = row.values.get(column)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except (ValueError, RecursionError) as error:
        raise row.error(column, f"cannot be read as JSON: {value[:40]!r}") from error


def _object(marks: Marks) -> dict[str, Any]:
    names = ("start", "stop", "rating", "kind", "reason")
    spans = [{name: value for name in names if (value := getattr(span, name)) is not None} for span in marks.spans]
    return {"annotator": marks.annotator, "spans": spans}


def stepped(
    row: FileRow,
    column: str,
    texts: Sequence[Any],
    ratings: Sequence[Rating | None],
    annotator: str,
    unkept: Counter[str],
    more: Mapping[int, tuple[str | None, str | None]] | None = None,
) -> dict[str, Any]:
    """The values of a row whose output is these steps, a line each, with what ``annotator`` says of them, if anything.

    ``more``: kind and reason of a fault, by the step's place from 0. Empty steps at the end are no steps. Where one of
    them is called bad, that is counted in ``unkept``, and where no step before it is, the last step has no label: else
    the output would count as known to be without an error. Raises InputError, naming row and field, for a step that is
    no text.
    """
    steps = [row.as_text(column, text) for text in texts]
    while len(steps) > 1 and not steps[-1]:
        steps.pop()
    kept, dropped = list(ratings[: len(steps)]), ratings[len(steps) :] if any(steps) else ratings
    if "bad" in dropped:
        unkept[NOWHERE] += 1
        if "bad" not in kept:
            kept[-1] = None
    text, ends = "", []
    spans = []
    for at, step in enumerate(steps):
        start = len(text)
        text += step if at == len(steps) - 1 else f"{step}\n"
        ends.append(len(text))
        rating = kept[at] if at < len(kept) else None
        if rating is not None and ends[-1] > start:
            kind, reason = (more or {}).get(at, (None, None))
            spans.append(Span(start, ends[-1], rating, kind, reason))
    marks = (Marks(annotator, tuple(spans), str(row.place.file)),) if spans else ()
    return {"output": text, STEPS_COLUMN: ends if text else None, MARKS_COLUMN: marks or None}

"""What people and sources say of the steps of outputs and of places in them: written with the outputs, and read.

What somebody said of an output stands: saying the same again adds nothing, saying something else is counted and left
out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from judgebench.errors import Conflict
from judgebench.records import Marks, Output, Span
from judgebench.spec.templates import step_protocol
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.database import bulk_insert, next_ids, now
from judgebench.store.models import samples_to
from judgebench.store.verdicts import every_revision, in_force

_m = t.marks.c


@dataclass(frozen=True, slots=True)
class StoredMarks:
    """What became of marks."""

    new: int = 0  # spans
    given: int = 0  # stored outputs that were told their steps or what happened afterwards
    contradicting: int = 0  # annotators' marks of an output that say something else than stored ones

    def __add__(self, other: "StoredMarks") -> "StoredMarks":
        mine, theirs = astuple(self), astuple(other)
        return StoredMarks(*map(sum, zip(mine, theirs, strict=True)))


def add(connection: sa.Connection, outputs: Mapping[int, Output]) -> StoredMarks:
    """Store what the outputs, by their ids, bring of it."""
    marked = {place: output.marks for place, output in outputs.items() if output.marks}
    if not marked:
        return StoredMarks()
    known = of_outputs(connection, list(marked))
    rows: list[tuple[Any, ...]] = []
    contradicting, written = 0, now()
    for place, several in marked.items():
        stated = {marks.annotator: marks.spans for marks in known.get(place, ())}
        for marks in several:
            spans = tuple(sorted(marks.spans, key=lambda span: (span.start, span.stop, span.kind or "")))
            if stated.setdefault(marks.annotator, spans) is not spans:
                contradicting += stated[marks.annotator] != spans
                continue
            rows += [(place, marks, number, span) for number, span in enumerate(spans)]
    values = (
        (
            *(at, place, marks.annotator, number, span.start, span.stop, span.rating, span.kind, span.reason),
            *(Path(marks.source).name, written),
        )
        for at, (place, marks, number, span) in zip(next_ids(connection, t.marks, len(rows)), rows, strict=True)
    )
    bulk_insert(connection, t.marks, list(values))
    return StoredMarks(len(rows), contradicting=contradicting)


def of_outputs(connection: sa.Connection, places: Sequence[int]) -> dict[int, tuple[Marks, ...]]:
    """By the ids of outputs, of those that have any; annotators by name."""
    query = sa.select(t.marks).where(among(_m.output_id)).order_by(_m.output_id, _m.annotator, _m.number)
    spans: dict[int, dict[str, list[Span]]] = {}
    sources: dict[tuple[int, str], str] = {}
    for row in rows_among(connection, query, places):
        span = Span(row.start, row.stop, row.rating, row.kind, row.reason)
        spans.setdefault(row.output_id, {}).setdefault(row.annotator, []).append(span)
        sources[row.output_id, row.annotator] = row.source
    return {
        place: tuple(Marks(name, tuple(theirs), sources[place, name]) for name, theirs in sorted(annotators.items()))
        for place, annotators in spans.items()
    }


def rows_of(connection: sa.Connection, places: Sequence[int]) -> Iterator[Mapping[str, Any]]:
    """The marks of outputs, by the ids of these, as their table holds them."""
    query = sa.select(t.marks).where(among(_m.output_id))
    return (row._asdict() for row in rows_among(connection, query, places))


def has_any(connection: sa.Connection, benchmark: int) -> bool:
    """Whether anybody marked an output to the benchmark."""
    i, o = t.instructions.c, t.outputs.c
    query = (
        sa.select(_m.id)
        .join(t.outputs, o.id == _m.output_id)
        .join(t.instructions, i.id == o.instruction_id)
        .where(i.benchmark_id == benchmark)
        .limit(1)
    )
    return connection.scalar(query) is not None


def marked(connection: sa.Connection, benchmark: int, keys: Sequence[str]) -> dict[int, tuple[str, Output]]:
    """By their ids, the outputs to the instructions with these keys that anybody marked, with their marks and the key
    of the instruction."""
    places = {place: (key, output) for key, place, output in samples_to(connection, benchmark, keys)}
    of = of_outputs(connection, list(places))
    return {place: (key, replace(output, marks=of[place])) for place, (key, output) in places.items() if place in of}


def take(connection: sa.Connection, benchmark: int, outputs: Sequence[Output]) -> StoredMarks:
    """Store what comes beside outputs to the benchmark that are stored: their steps and what happened afterwards, where
    nothing is stored of it, and marks.

    Raises Conflict where an output has other steps, or another text of what happened afterwards, and where it would be
    given steps though verdicts say something of its steps, or of places in it, as it was cut before.
    """
    beside = [output for output in outputs if output.steps or output.afterwards is not None or output.marks]
    if not beside:
        return StoredMarks()
    coming = {(output.instruction, output.model, output.sample): output for output in beside}
    keys = list(dict.fromkeys(output.instruction for output in beside))
    stored = {
        place: (known, coming[key, known.model, known.sample])
        for key, place, known in samples_to(connection, benchmark, keys)
        if (key, known.model, known.sample) in coming
    }
    changes = [change for place, (known, new) in stored.items() if (change := _change(place, known, new)) is not None]
    cut = {place: new for place, (known, new) in stored.items() if new.steps and not known.steps}
    if (judged := _judged(connection, cut)) is not None:
        raise Conflict(str(judged))
    if changes:
        changing: dict[str, Any] = {"steps": sa.bindparam("ends"), "afterwards": sa.bindparam("later")}
        connection.execute(
            sa.update(t.outputs).where(t.outputs.c.id == sa.bindparam("place")).values(changing), changes
        )
    return replace(add(connection, {place: new for place, (_, new) in stored.items()}), given=len(changes))


def _change(place: int, known: Output, new: Output) -> dict[str, Any] | None:
    """Of the row of an output; None: there is none. Raises Conflict."""
    for what, mine, theirs in (
        ("steps", known.steps, new.steps),
        ("text of what happened afterwards", known.afterwards, new.afterwards),
    ):
        if mine and theirs and mine != theirs:
            raise Conflict(f"an output of model {new.model!r} is stored with another {what}: nothing was changed")
    steps, afterwards = known.steps or new.steps, known.afterwards or new.afterwards
    if (steps, afterwards) == (known.steps, known.afterwards):
        return None
    return {"place": place, "ends": json.dumps(steps) if steps else None, "later": afterwards}


@dataclass(frozen=True, slots=True)
class JudgedOtherwise:
    """An output that comes with steps, while a verdict in force is on its steps or places as it was cut before."""

    output: Output
    judge: str

    def __str__(self) -> str:
        return (
            f"judge {self.judge!r} judged this output of model {self.output.model!r} in other steps, and its scores "
            "are made of those: leave the steps out, or import the output with them into another benchmark and judge "
            "it there. Nothing was changed"
        )


def judged_otherwise(connection: sa.Connection, benchmark: int, outputs: Sequence[Output]) -> JudgedOtherwise | None:
    """The first of the outputs to the benchmark that cannot be given the steps that it comes with."""
    coming = {(output.instruction, output.model, output.sample): output for output in outputs if output.steps}
    if not coming:
        return None
    keys = list(dict.fromkeys(key for key, *_ in coming))
    places = {
        place: coming[key, known.model, known.sample]
        for key, place, known in samples_to(connection, benchmark, keys)
        if not known.steps and (key, known.model, known.sample) in coming
    }
    return _judged(connection, places)


def any_spans(connection: sa.Connection) -> bool:
    """Whether any verdict says something of a step or a place."""
    return connection.scalar(sa.select(t.verdict_spans.c.verdict_id).limit(1)) is not None


def _judged(connection: sa.Connection, outputs: Mapping[int, Output]) -> JudgedOtherwise | None:
    """``outputs``: by their ids. A verdict that finds no fault counts too: its judge was shown the output as it is cut,
    or its score is made of how it is cut."""
    if not outputs:
        return None
    verdicts, j = in_force(connection), t.judges.c
    v = verdicts.c
    query = (
        sa.select(v.output_a_id.label("output"), j.id, j.name, j.template, j.template_digest)
        .add_columns(sa.exists().where(t.verdict_spans.c.verdict_id == v.id).label("lists"))
        .select_from(verdicts)
        .join(t.judges, j.id == v.judge_id)
        .where(among(v.output_a_id), v.output_b_id.is_(None), v.score.is_not(None))
        .order_by(v.id)
    )
    asked: dict[int, bool] = {}  # of judges: whether they judge steps, or places
    for row in rows_among(connection, query, list(outputs)):
        if not row.lists and row.id not in asked:
            of_package = step_protocol(row.template, row.template_digest) is not None
            asked[row.id] = of_package or _has_listed(connection, row.id)
        if row.lists or asked[row.id]:
            return JudgedOtherwise(outputs[row.output], row.name)
    return None


def _has_listed(connection: sa.Connection, judge: int) -> bool:
    """Whether any verdict of the judge says something of a step or a place: its template may be no longer here."""
    if not any_spans(connection):
        return False
    verdicts = in_force(connection)
    listed = sa.exists().where(t.verdict_spans.c.verdict_id == verdicts.c.id)
    return connection.scalar(sa.select(verdicts.c.id).where(verdicts.c.judge_id == judge, listed).limit(1)) is not None


def judges(connection: sa.Connection, benchmark: int) -> dict[str, bool | None]:
    """The judges of single outputs to the benchmark, by name, and whether they rated steps; None: they found no fault
    with any place either."""
    verdicts, s, i = every_revision(), t.verdict_spans.c, t.instructions.c
    of_one = (i.benchmark_id == benchmark, verdicts.c.output_b_id.is_(None))
    query = (
        sa.select(t.judges.c.name, sa.func.count(s.verdict_id).label("spans"), sa.func.count(s.rating).label("rated"))
        .select_from(verdicts)
        .join(t.judges, t.judges.c.id == verdicts.c.judge_id)
        .join(t.instructions, i.id == verdicts.c.instruction_id)
        .outerjoin(t.verdict_spans, s.verdict_id == verdicts.c.id)
        .where(*of_one)
        .group_by(t.judges.c.name)
        .order_by(t.judges.c.name)
    )
    return {row.name: bool(row.rated) if row.spans else None for row in connection.execute(query)}

"""Verdicts one by one, with everything about them: for reading them again and for showing them.

Only verdicts in force, see ``reader``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from judgebench.records import Battle, Completion, Order, Output, Reading, Source, Status, TokenLogprob, Trial, Verdict
from judgebench.store import schema as t
from judgebench.store.benchmarks import instruction_of, replies, within
from judgebench.store.judges import judge
from judgebench.store.models import check_model
from judgebench.store.verdicts import IN_FORCE, in_force

_v = t.verdicts.c


@dataclass(frozen=True, slots=True)
class Reply:
    """A stored completion with the verdict in force that was read from it, and the trial that it answered."""

    verdict_id: int
    verdict: Verdict
    trial: Trial | Reading
    completion: Completion


def unread(connection: sa.Connection, name: str, parser: str, *, after: int = 0) -> Iterator[Reply]:
    """Replies of the judge ``name`` whose verdicts in force another parser read; recorded ones are left out.

    Those behind the verdict ``after``, in the order of their verdicts.
    """
    digest = judge(connection, name).digest
    wanted = [t.judges.c.name == name, _v.parser != parser, _v.source != Source.RECORDED, _v.id > after]
    for row in battle_rows(connection, [*wanted, _v.completion_id.is_not(None)]):
        trial = trial_of(row, digest)
        if row.completion_id is not None and trial is not None:
            yield Reply(row.verdict_id, verdict_of(row), trial, completion_of(row))


def rows_of(
    connection: sa.Connection,
    benchmark_id: int,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    by_instruction: bool = False,
) -> Iterator[sa.Row[Any]]:
    """``battle_rows`` of a benchmark, of these judges or all; those of an instruction one after the other if asked.

    Raises UnknownName when there is no such judge.
    """
    chosen = [within(benchmark_id, category)]
    if judges:
        chosen.append(t.judges.c.name.in_([judge(connection, name).name for name in judges]))
    yield from battle_rows(connection, chosen, order=(_v.instruction_id, _v.id) if by_instruction else (_v.id,))


def trial_of(row: sa.Row[Any], digest: str) -> Trial | Reading | None:
    """The trial in a row of ``battle_rows``, by the judge with this digest.

    None where the order was not recorded: what the judge said cannot be unswapped.
    """
    asked, (a, b) = instruction_of(row), sides(row)
    if b is None:
        return Reading(digest, asked, a, row.repeat)
    return None if row.order is None else Trial(digest, Battle(asked, a, b), Order(row.order), row.repeat)


def sides(row: sa.Row[Any]) -> tuple[Output, Output | None]:
    """The outputs in a row of ``battle_rows``; one where it is pointwise."""
    a = Output(row.key, row.model_a, row.text_a, replies(row.earlier_a))
    return a, None if row.model_b is None else Output(row.key, row.model_b, row.text_b, replies(row.earlier_b))


def battle_rows(
    connection: sa.Connection,
    chosen: Sequence[sa.ColumnElement[bool]],
    *,
    order: Sequence[sa.ColumnElement[Any]] = (_v.id,),
) -> Iterator[sa.Row[Any]]:
    """Verdicts in force with everything about them: instruction, both outputs (one where it is pointwise), judge and
    completion."""
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    c = t.completions.c
    replied = [column for column in c if column.name not in ("id", "text", "model")]
    query = (
        sa.select(
            *(_v.id.label("verdict_id"), _v.order, _v.repeat, _v.status, _v.source, _v.preference, _v.score),
            *(_v.label, _v.mass, _v.detail, _v.parser, _v.completion_id, _v.created_at),
            *(t.instructions.c[name] for name in ("key", "turns", "category", "reference", "checklist")),
            *(model_a.c.name.label("model_a"), a.c.text.label("text_a"), a.c.earlier.label("earlier_a")),
            *(model_b.c.name.label("model_b"), b.c.text.label("text_b"), b.c.earlier.label("earlier_b")),
            t.judges.c.name.label("judge"),
            *(c.text.label("reply"), c.model.label("reply_model"), *replied),
        )
        .join(t.instructions, t.instructions.c.id == _v.instruction_id)
        .join(a, a.c.id == _v.output_a_id)
        .outerjoin(b, b.c.id == _v.output_b_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .outerjoin(model_b, model_b.c.id == b.c.model_id)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .outerjoin(t.completions, c.id == _v.completion_id)
        .where(IN_FORCE, *chosen)
        .order_by(*order)
    )
    rows: Iterator[sa.Row[Any]] = iter(connection.execute(query.execution_options(yield_per=500)))
    yield from rows


def output_id(benchmark: str, instruction: str, model: str) -> sa.ScalarSelect[Any]:
    """Finds a model's output to the instruction with this key; null where there is none."""
    return (
        sa.select(t.outputs.c.id)
        .join(t.models, t.models.c.id == t.outputs.c.model_id)
        .join(t.instructions, t.instructions.c.id == t.outputs.c.instruction_id)
        .join(t.benchmarks, t.benchmarks.c.id == t.instructions.c.benchmark_id)
        .where(t.benchmarks.c.name == benchmark, t.instructions.c.key == instruction, t.models.c.name == model)
        .scalar_subquery()
    )


def verdict_of(row: sa.Row[Any]) -> Verdict:
    """The verdict in a row of ``battle_rows``."""
    return Verdict(
        status=Status(row.status),
        source=Source(row.source),
        preference=row.preference,
        score=row.score,
        label=row.label,
        mass=row.mass,
        detail=row.detail,
        parser=row.parser,
    )


def completion_of(row: sa.Row[Any]) -> Completion:
    """The completion in a row of ``battle_rows``."""
    tokens = None
    if row.logprobs is not None:
        tokens = tuple(
            TokenLogprob(token, logprob, tuple((name, value) for name, value in top))
            for token, logprob, top in json.loads(row.logprobs)
        )
    return Completion(
        text=row.reply,
        reasoning=row.reasoning,
        finish_reason=row.finish_reason,
        logprobs=tokens,
        model=row.reply_model,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cost_usd=row.cost_usd,
        latency_s=row.latency_s,
        constrained=row.constrained,
    )


BattleOrder = Literal["instructions", "upsets"]


_LITTLE_MASS = 0.5  # of probability on the labels


_SHORT, _SURE = 0.1, 0.9  # of the other's length; of preference


_o = t.outputs.c


_h = t.human_labels.c


_BATTLE = (_v.instruction_id, _v.output_a_id, _v.output_b_id)


_SUMMARY = (  # of a battle's trials
    sa.func.avg(_v.preference).label("preference"),
    sa.func.min(_v.preference).label("lowest"),
    sa.func.max(_v.preference).label("highest"),
    sa.func.count().label("trials"),
    sa.func.count(_v.preference).label("with_preference"),
)


@dataclass(frozen=True, slots=True)
class BattleFilter:
    """Which battles to list; None and empty let everything pass."""

    judge: str | None = None
    category: str | None = None
    models: tuple[str, ...] = ()  # one: its battles; two: the battles between them
    inconsistent: bool = False  # only those in which verdicts name different winners
    without_verdict: bool = False  # only those with a trial that has no preference
    suspicious: bool = False  # only those with little mass on the labels, or won by an output a tenth as long
    against_human: bool = False  # only those in which people, on average, prefer the other output
    text: str = ""  # found in the instruction or an output
    order: BattleOrder = "instructions"  # as they were asked; or those won most surely by the weaker model first


@dataclass(frozen=True, slots=True)
class BattleSummary:
    """A battle in a list."""

    instruction: str  # key
    text: str  # of the instruction
    category: str | None
    model_a: str
    model_b: str
    preference: float | None  # mean over verdicts, for A
    lowest: float | None
    highest: float | None
    trials: int
    with_preference: int

    @property
    def consistent(self) -> bool | None:
        """Whether all verdicts name the same winner, or a tie; None with fewer than two."""
        if self.with_preference < 2 or self.lowest is None or self.highest is None:
            return None
        return not self.lowest < 0.5 < self.highest


def page(
    connection: sa.Connection, benchmark: int, chosen: BattleFilter, strength: Mapping[str, float], *, at: slice
) -> tuple[list[BattleSummary], int]:
    """The battles from ``at.start`` to ``at.stop``, and how many pass in all.

    ``strength`` is used for the order by upsets alone. Raises UnknownName for a judge or model that is not there.
    """
    trials, kept = _trials(connection, benchmark, chosen), _kept(chosen)
    found = trials.add_columns(*_SUMMARY).group_by(*_BATTLE).having(*kept)
    passing = found if kept else trials.distinct()  # which needs no arithmetic
    total = connection.scalar(sa.select(sa.func.count()).select_from(passing.subquery())) or 0
    ordered = _by_upset(connection, found, strength) if chosen.order == "upsets" else found.order_by(*_BATTLE)
    return _named(connection, ordered.limit(at.stop - at.start).offset(at.start)), total


def _trials(connection: sa.Connection, benchmark: int, chosen: BattleFilter) -> sa.Select[Any]:
    """The battle of each trial that the filter does not leave out by itself. Raises as ``page`` does."""
    i = t.instructions.c
    asked = sa.select(i.id).where(i.benchmark_id == benchmark)
    if chosen.category is not None:
        asked = asked.where(i.category == chosen.category)
    query = sa.select(*_BATTLE).where(_v.instruction_id.in_(asked), _v.output_b_id.is_not(None))
    query = query.where(*in_force(connection))
    if chosen.judge is not None:
        judge(connection, chosen.judge)
        named = sa.select(t.judges.c.id).where(t.judges.c.name == chosen.judge).scalar_subquery()
        query = query.where(_v.judge_id == named)
    for name in chosen.models:
        check_model(connection, name)
        mine = sa.select(_o.id).join(t.models, t.models.c.id == _o.model_id).where(t.models.c.name == name)
        query = query.where(_v.output_a_id.in_(mine) | _v.output_b_id.in_(mine))
    return query.where(_contains(chosen.text)) if chosen.text else query


def _kept(chosen: BattleFilter) -> list[sa.ColumnElement[bool]]:
    """What the trials of a battle must show together; empty where every battle passes."""
    lowest, highest = sa.func.min(_v.preference), sa.func.max(_v.preference)
    conditions = (
        (chosen.inconsistent, (lowest < 0.5) & (highest > 0.5)),
        (chosen.without_verdict, sa.func.count(_v.preference) < sa.func.count()),
        (chosen.suspicious, (sa.func.min(_v.mass) < _LITTLE_MASS) | _won_by_a_short_one()),
        (chosen.against_human, _against_people()),
    )
    return [condition for wanted, condition in conditions if wanted]


def _contains(text: str) -> sa.ColumnElement[bool]:
    i = t.instructions.c
    said = sa.select(_o.id).where(_o.text.icontains(text, autoescape=True))
    asked = sa.select(i.id).where(i.turns.icontains(text, autoescape=True))
    return _v.instruction_id.in_(asked) | _v.output_a_id.in_(said) | _v.output_b_id.in_(said)


def _won_by_a_short_one() -> sa.ColumnElement[bool]:
    a, b = (
        sa.select(_o.length_chars).where(_o.id == side).correlate(t.verdicts).scalar_subquery()
        for side in (_v.output_a_id, _v.output_b_id)
    )
    mean = sa.func.avg(_v.preference)
    return ((a < _SHORT * b) & (mean >= _SURE)) | ((b < _SHORT * a) & (mean <= 1 - _SURE))


def _against_people() -> sa.ColumnElement[bool]:
    people = (
        sa.select(sa.func.avg(_h.preference))
        .where(_h.output_a_id == _v.output_a_id, _h.output_b_id == _v.output_b_id)
        .correlate(t.verdicts)
        .scalar_subquery()
    )
    return (people - 0.5) * (sa.func.avg(_v.preference) - 0.5) < 0


def _by_upset(connection: sa.Connection, found: sa.Select[Any], strength: Mapping[str, float]) -> sa.Select[Any]:
    """The preference for the weaker model beyond a tie, times how much weaker it is; the largest first."""
    ids = {row.name: row.id for row in connection.execute(sa.select(t.models.c.name, t.models.c.id))}
    listed = [(ids[name], float(value)) for name, value in strength.items() if name in ids] or [(0, 0.0)]
    columns = (sa.column("model_id", sa.Integer), sa.column("strength", sa.Float))
    strengths = sa.values(*columns, name="strengths").data(listed).cte("strengths")
    of_a, of_b = strengths.alias("of_a"), strengths.alias("of_b")
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    g = found.subquery("battle")
    upset = (g.c.preference - 0.5) * (of_b.c.strength - of_a.c.strength)
    return (
        sa.select(*g.c)
        .join(a, a.c.id == g.c.output_a_id)
        .join(b, b.c.id == g.c.output_b_id)
        .join(of_a, of_a.c.model_id == a.c.model_id)
        .join(of_b, of_b.c.model_id == b.c.model_id)
        .where(g.c.preference.is_not(None))
        .order_by(upset.desc(), g.c.instruction_id, g.c.output_a_id, g.c.output_b_id)
    )


def _named(connection: sa.Connection, query: sa.Select[Any]) -> list[BattleSummary]:
    """The rows of one page with the instruction and the models' names, in the same order."""
    rows = connection.execute(query).all()
    i = t.instructions.c
    found = sa.select(i.id, i.key, i.turns, i.category).where(i.id.in_([row.instruction_id for row in rows]))
    asked = {row.id: row for row in connection.execute(found)}
    outputs = [output for row in rows for output in (row.output_a_id, row.output_b_id)]
    models = sa.select(_o.id, t.models.c.name).join(t.models, t.models.c.id == _o.model_id).where(_o.id.in_(outputs))
    names = {row.id: row.name for row in connection.execute(models)}
    return [
        BattleSummary(
            instruction=asked[row.instruction_id].key,
            text="\n\n".join(json.loads(asked[row.instruction_id].turns)),
            category=asked[row.instruction_id].category,
            model_a=names[row.output_a_id],
            model_b=names[row.output_b_id],
            preference=row.preference,
            lowest=row.lowest,
            highest=row.highest,
            trials=row.trials,
            with_preference=row.with_preference,
        )
        for row in rows
    ]

"""Battles: lists of them under a filter, and the trials of each with everything about them.

Only verdicts in force, see ``verdicts``.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import sqlalchemy as sa

from judgebench.conversations import Media
from judgebench.judging.templates import shown_key
from judgebench.records import (
    OVERALL,
    Battle,
    Completion,
    Instruction,
    Order,
    Output,
    Reading,
    Source,
    Status,
    TokenLogprob,
    Trial,
    Verdict,
)
from judgebench.store import particulars
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.benchmarks import (
    OUTPUT_COLUMNS,
    has_samples,
    instruction_of,
    instruction_places,
    output_of,
    within,
)
from judgebench.store.judges import judge, names_shown
from judgebench.store.models import MODEL_A, MODEL_B, OUTPUT_A, OUTPUT_B, check_model, join_sides
from judgebench.store.search import instructions_with, outputs_with
from judgebench.store.verdicts import every_revision, in_force

BattleOrder = Literal["instructions", "upsets"]
_LITTLE_MASS = 0.5  # of probability on the labels
_AGREE, _CONTRADICT = 1, 2
_ROWS = 500  # of verdicts, in memory at once
_PAGE = 10  # instructions whose trials are sorted at a time
_SHORT, _SURE = 0.1, 0.9  # of the other's length; of preference
_o, _h = t.outputs.c, t.human_labels.c
# What a trial shows, beside the columns ``order`` and ``repeat``; see ``trial_of``.
SIDES: tuple[sa.ColumnElement[Any], ...] = (
    *(t.instructions.c[name] for name in ("key", "turns", "category", "reference", "checklist", "messages", "goals")),
    *(MODEL_A.c.name.label("model_a"), MODEL_B.c.name.label("model_b")),
    *(OUTPUT_A.c[name].label(f"{name}_a") for name in OUTPUT_COLUMNS),
    *(OUTPUT_B.c[name].label(f"{name}_b") for name in OUTPUT_COLUMNS),
)


@dataclass(frozen=True, slots=True)
class JudgedTrial:
    """A trial with its verdict in force and the completion that this was read from."""

    verdict_id: int
    judge: str  # name
    judge_digest: str
    instruction: Instruction
    output_a: Output
    output_b: Output | None  # None: pointwise
    order: Order | None  # None: pointwise, or imported without it
    repeat: int
    verdict: Verdict
    completion: Completion | None  # None: no reply was ever had, or none was needed
    shows: tuple[str, ...] = ()  # as of ``trial_of``

    @property
    def trial(self) -> Trial | Reading | None:
        """None where the order was not recorded: what the judge said cannot be unswapped."""
        sides = (self.instruction, self.output_a, self.output_b)
        return _trial(self.judge_digest, self.shows, *sides, self.order, self.repeat)


def judged_trials(
    connection: sa.Connection,
    benchmark: int,
    *,
    judges: Sequence[str] | None = None,
    category: str | None = None,
    by_instruction: bool = False,
) -> Iterator[JudgedTrial]:
    """Every trial on the benchmark, of these judges or all, in the order of their verdicts.

    ``by_instruction``: those on an instruction one after the other, the instructions in the order in which they came.
    """
    chosen = [] if judges is None else [t.judges.c.name.in_(judges)]
    verdicts = in_force(connection)
    if not by_instruction:
        yield from _judged(connection, verdicts, within(benchmark, category), *chosen)
        return
    places = instruction_places(connection, benchmark, category=category)
    place = verdicts.c.instruction_id
    for first in range(0, len(places), _PAGE):  # a database sorts all that it is asked for before it gives any
        page = place.in_(places[first : first + _PAGE])
        yield from _judged(connection, verdicts, page, *chosen, order=[place])


def readings_of(connection: sa.Connection, benchmark: int, instruction: str) -> Iterator[JudgedTrial]:
    """The trials of single outputs to the instruction with this key."""
    verdicts = in_force(connection)
    i = t.instructions.c
    of_one = (i.benchmark_id == benchmark, i.key == instruction, verdicts.c.output_b_id.is_(None))
    return _judged(connection, verdicts, *of_one)


def trials_between(
    connection: sa.Connection, benchmark: int, instruction: str, models: tuple[str, str], *, judge: str | None = None
) -> Iterator[JudgedTrial]:
    """The trials of one battle: the instruction is named by its key, the models in the order of their names.

    Those by ``judge``, or by all.
    """
    verdicts = in_force(connection)
    by = [] if judge is None else [t.judges.c.name == judge]
    return _judged(connection, verdicts, *_between(verdicts, benchmark, instruction, models), *by)


def file_sizes(connection: sa.Connection, instruction: Instruction, outputs: Iterable[Output]) -> dict[str, int]:
    """Bytes of each file that their messages hold and that is stored, by its digest."""
    messages = () if instruction.full is None else instruction.full.messages
    replies = (output.trajectory.messages for output in outputs if output.trajectory is not None)
    parts = (part for message in (*messages, *chain.from_iterable(replies)) for part in message.parts)
    digests = sorted({part.digest for part in parts if isinstance(part, Media) and part.digest is not None})
    query = sa.select(t.blobs.c.digest, t.blobs.c.size).where(among(t.blobs.c.digest))
    return {row.digest: row.size for row in rows_among(connection, query, digests)}


def mean_preference(
    connection: sa.Connection, benchmark: int, instruction: str, models: tuple[str, str]
) -> float | None:
    """Of one battle, named as for ``trials_between``; None without a preference."""
    verdicts = in_force(connection)
    query = sa.select(sa.func.avg(verdicts.c.preference))
    return connection.scalar(query.where(*_between(verdicts, benchmark, instruction, models)))


def count(connection: sa.Connection, benchmark: int) -> int:
    """How many battles have been judged."""
    verdicts = _samples(connection, benchmark).merged(every_revision())  # all revisions are about the same battle
    battles = _battles(verdicts, benchmark, None).distinct()
    return connection.scalar(sa.select(sa.func.count()).select_from(battles.subquery())) or 0


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A stored completion with the verdict in force that was read from it, and the trial that it answered."""

    verdict_id: int
    verdict: Verdict
    trial: Trial | Reading
    completion: Completion


def unread(connection: sa.Connection, name: str, parser: str, *, after: int = 0) -> Iterator[StoredReply]:
    """Replies of the judge ``name`` whose verdicts in force another parser read; recorded ones are left out.

    Those behind the verdict ``after``, in the order of their verdicts. Raises UnknownName.
    """
    judge(connection, name)
    verdicts = in_force(connection)
    v = verdicts.c
    readable = (v.parser != parser, v.source != Source.RECORDED, v.completion_id.is_not(None))
    for judged in _judged(connection, verdicts, t.judges.c.name == name, v.id > after, *readable):
        trial = judged.trial
        if judged.completion is not None and trial is not None:
            yield StoredReply(judged.verdict_id, judged.verdict, trial, judged.completion)


def trial_of(row: sa.Row[Any], digest: str, shows: Sequence[str]) -> Trial | Reading | None:
    """The trial in a row of SIDES, by the judge with this digest; None as in ``JudgedTrial.trial``.

    ``shows``: what of the instruction beside its conversation is in the keys of the judge's trials.
    """
    return _trial(digest, shows, instruction_of(row), *_sides(row), _order(row), row.repeat)


def _trial(
    digest: str,
    shows: Sequence[str],
    instruction: Instruction,
    a: Output,
    b: Output | None,
    order: Order | None,
    repeat: int,
) -> Trial | Reading | None:
    shown = shown_key(instruction, shows, (a,) if b is None else (a, b))
    if b is None:
        return Reading(digest, instruction, a, repeat, shown)
    return None if order is None else Trial(digest, Battle(instruction, a, b), order, repeat, shown)


def _judged(
    connection: sa.Connection,
    verdicts: sa.FromClause,
    *chosen: sa.ColumnElement[bool],
    order: Sequence[sa.ColumnElement[Any]] = (),
) -> Iterator[JudgedTrial]:
    v, c = verdicts.c, t.completions.c
    replied = [column for column in c if column.name not in ("id", "text", "model")]
    query = (
        sa.select(
            *(v.id.label("verdict_id"), v.order, v.repeat, v.status, v.source, v.preference, v.score),
            *(v.label, v.mass, v.detail, v.parser, v.completion_id),
            *(t.judges.c.name.label("judge"), t.judges.c.digest, t.judges.c.shows, *SIDES),
            *(c.text.label("reply"), c.model.label("reply_model"), *replied),
        )
        .join(t.instructions, t.instructions.c.id == v.instruction_id)
        .join(t.judges, t.judges.c.id == v.judge_id)
        .outerjoin(t.completions, c.id == v.completion_id)
        .where(*chosen)
        .order_by(*order, v.id)
        .execution_options(yield_per=_ROWS)
    )
    for rows in connection.execute(join_sides(query, verdicts, pointwise=True)).partitions(_ROWS):
        on_one = {row.verdict_id: _verdict(row) for row in rows if row.model_b is None}
        whole = particulars.with_particulars(connection, on_one)
        yield from (_judged_trial(row, whole.get(row.verdict_id) or _verdict(row)) for row in rows)


def _judged_trial(row: sa.Row[Any], verdict: Verdict) -> JudgedTrial:
    a, b = _sides(row)
    return JudgedTrial(
        verdict_id=row.verdict_id,
        judge=row.judge,
        judge_digest=row.digest,
        instruction=instruction_of(row),
        output_a=a,
        output_b=b,
        order=_order(row),
        repeat=row.repeat,
        verdict=verdict,
        completion=None if row.reply is None else _completion(row),
        shows=names_shown(row.shows),
    )


def _sides(row: sa.Row[Any]) -> tuple[Output, Output | None]:
    values = row._mapping
    a = output_of(row.key, row.model_a, *(values[f"{name}_a"] for name in OUTPUT_COLUMNS))
    if row.model_b is None:
        return a, None
    return a, output_of(row.key, row.model_b, *(values[f"{name}_b"] for name in OUTPUT_COLUMNS))


def _order(row: sa.Row[Any]) -> Order | None:
    return None if row.order is None else Order(row.order)


def _between(
    verdicts: sa.FromClause, benchmark: int, instruction: str, models: tuple[str, str]
) -> tuple[sa.ColumnElement[bool], ...]:
    """Of all samples of both models."""
    v, i = verdicts.c, t.instructions.c
    place = sa.select(i.id).where(i.benchmark_id == benchmark, i.key == instruction).scalar_subquery()
    a, b = (
        sa.select(_o.id)
        .join(t.models, t.models.c.id == _o.model_id)
        .where(_o.instruction_id == place, t.models.c.name == model)
        for model in models
    )
    return v.instruction_id == place, v.output_a_id.in_(a), v.output_b_id.in_(b)


def _verdict(row: sa.Row[Any]) -> Verdict:
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


def _completion(row: sa.Row[Any]) -> Completion:
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


@dataclass(frozen=True, slots=True)
class BattleFilter:
    """Which battles to list; None and empty let everything pass."""

    judge: str | None = None
    category: str | None = None
    models: tuple[str, ...] = ()  # one: its battles; two: the battles between them
    inconsistent: bool = False  # only those in which verdicts on the same two outputs name different winners
    without_verdict: bool = False  # only those with a trial that has no preference
    suspicious: bool = False  # only those with little mass on the labels, or won by an output a tenth as long
    against_human: bool = False  # only those in which people, on average, prefer the other output
    text: str = ""  # found in the instruction or an output, calls of tools and their results included
    instruction: str | None = None  # key
    order: BattleOrder = "instructions"  # as they were asked; or those won most surely by the weaker model first


@dataclass(frozen=True, slots=True)
class BattleSummary:
    """A battle in a list: two models on an instruction, whatever the number of their samples."""

    instruction: str  # key
    text: str  # of the instruction, ``Instruction.brief``
    category: str | None
    model_a: str
    model_b: str
    preference: float | None  # mean over verdicts, for A
    lowest: float | None
    highest: float | None
    trials: int
    with_preference: int
    # Whether all verdicts on the same two outputs name the same winner, or a tie; None: none tells of two that another
    # tells of
    consistent: bool | None


def page(
    connection: sa.Connection, benchmark: int, chosen: BattleFilter, strength: Mapping[str, float], *, at: slice
) -> tuple[list[BattleSummary], int]:
    """The battles from ``at.start`` to ``at.stop``, and how many pass in all.

    ``strength`` is used for the order by upsets alone. Raises UnknownName for a judge or model that is not there.
    """
    samples = _samples(connection, benchmark)
    verdicts = samples.merged(_chosen_judges(connection, in_force(connection), chosen))
    v = verdicts.c
    trials, kept = _trials(connection, verdicts, benchmark, chosen, samples), _kept(verdicts, chosen, samples)
    summaries = trials.add_columns(
        sa.func.avg(v.preference).label("preference"),
        sa.func.min(v.preference).label("lowest"),
        sa.func.max(v.preference).label("highest"),
        sa.func.count().label("trials"),
        sa.func.count(v.preference).label("with_preference"),
        samples.accord(verdicts).label("accord"),
    )
    summaries = summaries.group_by(*_battle(verdicts)).having(*kept)
    passing = summaries if kept else trials.distinct()  # which needs no arithmetic
    total = connection.scalar(sa.select(sa.func.count()).select_from(passing.subquery())) or 0
    upsets = chosen.order == "upsets"
    ordered = _by_upset(connection, summaries, strength) if upsets else summaries.order_by(*_battle(verdicts))
    return _named(connection, ordered.limit(at.stop - at.start).offset(at.start)), total


@dataclass(frozen=True, slots=True)
class _Samples:
    """A battle is one row, however many samples of its models were judged: their first ones stand for it."""

    firsts: sa.CTE | None  # every output's ``id`` with the ``first`` of its model to the instruction; None: itself

    def merged(self, verdicts: sa.FromClause) -> sa.FromClause:
        """The pairwise verdicts about first samples."""
        if self.firsts is None:
            return verdicts
        sides = {name: self.firsts.alias(f"of_{name}") for name in ("output_a_id", "output_b_id")}
        kept = [column for column in verdicts.c if column.name not in sides]
        firsts = (side.c.first.label(name) for name, side in sides.items())
        between = verdicts.c.output_a_id, verdicts.c.output_b_id
        accord = _accord(verdicts, lambda figure: sa.over(figure, partition_by=between)).label("accord")
        query = sa.select(*kept, *firsts, accord).select_from(verdicts)
        for name, side in sides.items():
            query = query.join(side, side.c.id == verdicts.c[name])
        return query.subquery("merged")

    def accord(self, merged: sa.FromClause) -> sa.ColumnElement[int]:
        """Of the battle of a group of verdicts, see ``_accord``: contradictions between the same two outputs count."""
        return _accord(merged) if self.firsts is None else sa.func.max(merged.c.accord)

    def first_of(self, outputs: sa.Select[Any]) -> sa.Select[Any]:
        """The first samples of the models that wrote these outputs (ids), to the same instructions."""
        firsts = self.firsts
        return outputs if firsts is None else sa.select(firsts.c.first).where(firsts.c.id.in_(outputs))

    def all_of(self, first: sa.ColumnElement[Any]) -> sa.Select[Any] | tuple[sa.ColumnElement[Any]]:
        """The samples (ids) that a first one stands for."""
        firsts = self.firsts
        return (first,) if firsts is None else sa.select(firsts.c.id).where(firsts.c.first == first)


def _samples(connection: sa.Connection, benchmark: int) -> _Samples:
    if not has_samples(connection, benchmark):
        return _Samples(None)
    of_benchmark = _o.instruction_id.in_(sa.select(t.instructions.c.id).where(within(benchmark, None)))
    first = sa.func.min(_o.id).over(partition_by=(_o.instruction_id, _o.model_id)).label("first")
    return _Samples(sa.select(_o.id, first).where(of_benchmark).cte("firsts"))


def _accord(
    verdicts: sa.FromClause, of: Callable[[Any], sa.ColumnElement[Any]] = lambda figure: figure
) -> sa.ColumnElement[int]:
    """0: fewer than two verdicts tell; _AGREE; _CONTRADICT: one prefers the one side and another the other."""
    preference = verdicts.c.preference
    told, lowest, highest = (of(f(preference)) for f in (sa.func.count, sa.func.min, sa.func.max))
    return sa.case(((lowest < 0.5) & (highest > 0.5), _CONTRADICT), (told > 1, _AGREE), else_=0)


def _battle(verdicts: sa.FromClause) -> tuple[sa.ColumnElement[Any], ...]:
    return verdicts.c.instruction_id, verdicts.c.output_a_id, verdicts.c.output_b_id


def _battles(verdicts: sa.FromClause, benchmark: int, category: str | None) -> sa.Select[Any]:
    """The battle of each pairwise trial."""
    instructions = sa.select(t.instructions.c.id).where(within(benchmark, category))
    v = verdicts.c
    return sa.select(*_battle(verdicts)).where(v.instruction_id.in_(instructions), v.output_b_id.is_not(None))


def _chosen_judges(connection: sa.Connection, verdicts: sa.FromClause, chosen: BattleFilter) -> sa.FromClause:
    """The verdicts of the judge that the filter names, or of all."""
    if chosen.judge is None:
        return verdicts
    judge(connection, chosen.judge)
    by = sa.select(t.judges.c.id).where(t.judges.c.name == chosen.judge).scalar_subquery()
    return sa.select(verdicts).where(verdicts.c.judge_id == by).subquery("chosen")


def _trials(
    connection: sa.Connection, verdicts: sa.FromClause, benchmark: int, chosen: BattleFilter, samples: _Samples
) -> sa.Select[Any]:
    """The battle of each trial that the filter does not leave out by itself. Raises as ``page`` does."""
    v = verdicts.c
    query = _battles(verdicts, benchmark, chosen.category)
    for name in chosen.models:
        check_model(connection, name)
        mine = sa.select(_o.id).join(t.models, t.models.c.id == _o.model_id).where(t.models.c.name == name)
        query = query.where(v.output_a_id.in_(mine) | v.output_b_id.in_(mine))
    if chosen.instruction is not None:
        one = sa.select(t.instructions.c.id).where(t.instructions.c.key == chosen.instruction)
        query = query.where(v.instruction_id.in_(one))
    if not chosen.text:
        return query
    instructions = instructions_with(connection, benchmark, chosen.text)
    outputs = samples.first_of(outputs_with(connection, benchmark, chosen.text))
    return query.where(v.instruction_id.in_(instructions) | v.output_a_id.in_(outputs) | v.output_b_id.in_(outputs))


def _kept(verdicts: sa.FromClause, chosen: BattleFilter, samples: _Samples) -> list[sa.ColumnElement[bool]]:
    """What the trials of a battle must show together; empty where every battle passes."""
    v = verdicts.c
    conditions = (
        (chosen.inconsistent, samples.accord(verdicts) == _CONTRADICT),
        (chosen.without_verdict, sa.func.count(v.preference) < sa.func.count()),
        (chosen.suspicious, (sa.func.min(v.mass) < _LITTLE_MASS) | _won_by_a_short_one(verdicts, samples)),
        (chosen.against_human, _against_people(verdicts, samples)),
    )
    return [condition for applies, condition in conditions if applies]


def _won_by_a_short_one(verdicts: sa.FromClause, samples: _Samples) -> sa.ColumnElement[bool]:
    a, b = (
        sa.select(sa.func.avg(_o.length_chars))
        .where(_o.id.in_(samples.all_of(side)))
        .correlate(verdicts)
        .scalar_subquery()
        for side in (verdicts.c.output_a_id, verdicts.c.output_b_id)
    )
    mean = sa.func.avg(verdicts.c.preference)
    return ((a < _SHORT * b) & (mean >= _SURE)) | ((b < _SHORT * a) & (mean <= 1 - _SURE))


def _against_people(verdicts: sa.FromClause, samples: _Samples) -> sa.ColumnElement[bool]:
    a, b = samples.all_of(verdicts.c.output_a_id), samples.all_of(verdicts.c.output_b_id)
    people = (
        sa.select(sa.func.avg(_h.preference))
        .where(_h.output_a_id.in_(a), _h.output_b_id.in_(b), _h.question == OVERALL)
        .correlate(verdicts)
        .scalar_subquery()
    )
    return (people - 0.5) * (sa.func.avg(verdicts.c.preference) - 0.5) < 0


def _by_upset(connection: sa.Connection, battles: sa.Select[Any], strength: Mapping[str, float]) -> sa.Select[Any]:
    """The preference for the weaker model beyond a tie, times how much weaker it is; the largest first."""
    ids = {row.name: row.id for row in connection.execute(sa.select(t.models.c.name, t.models.c.id))}
    listed = [(ids[name], float(value)) for name, value in strength.items() if name in ids] or [(0, 0.0)]
    columns = (sa.column("model_id", sa.Integer), sa.column("strength", sa.Float))
    strengths = sa.values(*columns, name="strengths").data(listed).cte("strengths")
    of_a, of_b = strengths.alias("of_a"), strengths.alias("of_b")
    battle = battles.subquery("battle")
    upset = (battle.c.preference - 0.5) * (of_b.c.strength - of_a.c.strength)
    return (
        sa.select(*battle.c)
        .join(OUTPUT_A, OUTPUT_A.c.id == battle.c.output_a_id)
        .join(OUTPUT_B, OUTPUT_B.c.id == battle.c.output_b_id)
        .join(of_a, of_a.c.model_id == OUTPUT_A.c.model_id)
        .join(of_b, of_b.c.model_id == OUTPUT_B.c.model_id)
        .where(battle.c.preference.is_not(None))
        .order_by(upset.desc(), battle.c.instruction_id, battle.c.output_a_id, battle.c.output_b_id)
    )


def _named(connection: sa.Connection, query: sa.Select[Any]) -> list[BattleSummary]:
    """The rows of one page with the instruction and the models' names, in the same order."""
    rows = connection.execute(query).all()
    shown = sa.select(t.instructions).where(t.instructions.c.id.in_({row.instruction_id for row in rows}))
    about = {row.id: (row.key, instruction_of(row).brief, row.category) for row in connection.execute(shown)}
    outputs = [output for row in rows for output in (row.output_a_id, row.output_b_id)]
    models = sa.select(_o.id, t.models.c.name).join(t.models, t.models.c.id == _o.model_id).where(_o.id.in_(outputs))
    names = {row.id: row.name for row in connection.execute(models)}
    return [
        BattleSummary(
            *about[row.instruction_id],
            model_a=names[row.output_a_id],
            model_b=names[row.output_b_id],
            preference=row.preference,
            lowest=row.lowest,
            highest=row.highest,
            trials=row.trials,
            with_preference=row.with_preference,
            consistent={_AGREE: True, _CONTRADICT: False}.get(row.accord),
        )
        for row in rows
    ]

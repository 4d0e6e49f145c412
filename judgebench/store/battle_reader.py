"""Verdicts one by one, with everything about them: for reading them again and for showing them.

Only verdicts in force, see ``reader``.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.records import Battle, Completion, Order, Output, Reading, Source, Status, TokenLogprob, Trial, Verdict
from judgebench.store import tables as t
from judgebench.store.reader import IN_FORCE, instruction, judge, replies

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
            yield Reply(row.verdict_id, verdict(row), trial, completion(row))


def rows_of(connection: sa.Connection, benchmark_id: int, *, judge_name: str | None = None) -> Iterator[sa.Row[Any]]:
    """``battle_rows`` of a benchmark, of one judge or all. Raises UnknownName when there is no such judge."""
    within = [t.instructions.c.benchmark_id == benchmark_id]
    if judge_name is not None:
        judge(connection, judge_name)
        within.append(t.judges.c.name == judge_name)
    yield from battle_rows(connection, within)


def trial_of(row: sa.Row[Any], digest: str) -> Trial | Reading | None:
    """The trial in a row of ``battle_rows``, by the judge with this digest.

    None where the order was not recorded: what the judge said cannot be unswapped.
    """
    asked, (a, b) = instruction(row), sides(row)
    if b is None:
        return Reading(digest, asked, a, row.repeat)
    return None if row.order is None else Trial(digest, Battle(asked, a, b), Order(row.order), row.repeat)


def sides(row: sa.Row[Any]) -> tuple[Output, Output | None]:
    """The outputs in a row of ``battle_rows``; one where it is pointwise."""
    a = Output(row.key, row.model_a, row.text_a, replies(row.earlier_a))
    return a, None if row.model_b is None else Output(row.key, row.model_b, row.text_b, replies(row.earlier_b))


def battle_rows(connection: sa.Connection, within: Sequence[sa.ColumnElement[bool]]) -> Iterator[sa.Row[Any]]:
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
        .where(IN_FORCE, *within)
        .order_by(_v.id)
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


def verdict(row: sa.Row[Any]) -> Verdict:
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


def completion(row: sa.Row[Any]) -> Completion:
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

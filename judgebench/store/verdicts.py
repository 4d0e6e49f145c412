"""Everything that is read, in the snapshot of the connection it is given.

Of several revisions of a trial's verdict only the highest is in force; every function here reads that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from judgebench.records import Status
from judgebench.store import schema as t
from judgebench.store.database import IN_LIST

_v = t.verdicts.c


_newer = t.verdicts.alias("newer")


# Hardly any trial is revised: the first test, a look-up in a small index, spares all others the second. The index holds
# revisions above 0, which the engines only see where the 0 is written out.
_is_revision = _newer.c.revision > sa.literal_column("0")


_revised = sa.select(_newer.c.trial_key).where(_is_revision)


IN_FORCE = _v.trial_key.not_in(_revised) | ~sa.exists().where(
    _is_revision, _newer.c.trial_key == _v.trial_key, _newer.c.revision > _v.revision
)


_REVISIONS = (
    sa.select(_v.trial_key, _v.revision, _v.status)
    .where(_v.trial_key.in_(sa.bindparam("keys", expanding=True)))
    .order_by(_v.revision)
)


def in_force(connection: sa.Connection) -> list[sa.ColumnElement[bool]]:
    """The condition IN_FORCE where any verdict was revised, else none: indexes alone answer what asks for no more."""
    # The run is in no index. For the id alone SQLite would scan a large index that holds it, not seek in the small one.
    revised = connection.scalar(sa.select(_newer.c.run_id).where(_is_revision).limit(1))
    return [] if revised is None else [IN_FORCE]


def revisions(connection: sa.Connection, trial_keys: Sequence[str]) -> dict[str, tuple[int, Status]]:
    """The highest revision of each trial that has one, with its status."""
    found: dict[str, tuple[int, Status]] = {}
    for start in range(0, len(trial_keys), IN_LIST):
        for key, revision, status in connection.execute(_REVISIONS, {"keys": trial_keys[start : start + IN_LIST]}):
            found[key] = (revision, Status(status))
    return found


def preferences(connection: sa.Connection, trial_keys: Sequence[str]) -> dict[str, float | None]:
    """The preference in force of each trial that has a verdict; None where the verdict is a failure."""
    found: dict[str, float | None] = {}
    for start in range(0, len(trial_keys), IN_LIST):
        query = sa.select(_v.trial_key, _v.preference).where(_v.trial_key.in_(trial_keys[start : start + IN_LIST]))
        for key, preference in connection.execute(query.order_by(_v.revision)):
            found[key] = preference
    return found


def past_replies(connection: sa.Connection, judge_digest: str, *, most: int = 500) -> tuple[float | None, float | None]:
    """Mean tokens and mean seconds of the judge's last replies; None where none tells."""
    c = t.completions.c
    last = (
        sa.select(c.completion_tokens, c.latency_s)
        .join(t.verdicts, _v.completion_id == c.id)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .where(t.judges.c.digest == judge_digest)
        .order_by(_v.id.desc())
        .limit(most)
        .subquery()
    )
    row = connection.execute(sa.select(sa.func.avg(last.c.completion_tokens), sa.func.avg(last.c.latency_s))).one()
    tokens, seconds = (None if value is None else float(value) for value in row)
    return tokens, seconds


def benchmarks_of(connection: sa.Connection, judge: str) -> dict[str, int]:
    """On which benchmarks the judge has verdicts, failures included, and how many."""
    i, b = t.instructions.c, t.benchmarks.c
    query = (
        sa.select(b.name, sa.func.count())
        .select_from(t.verdicts)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .join(t.instructions, i.id == _v.instruction_id)
        .join(t.benchmarks, b.id == i.benchmark_id)
        .where(t.judges.c.name == judge, IN_FORCE)
        .group_by(b.name)
    )
    return dict(sorted((row[0], row[1]) for row in connection.execute(query)))


def failed_battles(connection: sa.Connection, benchmark_id: int) -> list[tuple[str, str, str, str]]:
    """Judge, instruction's key and both models of every pairwise trial in force without a preference."""
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    i = t.instructions.c
    query = (
        sa.select(t.judges.c.name, i.key, model_a.c.name, model_b.c.name)
        .select_from(t.verdicts)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .join(t.instructions, i.id == _v.instruction_id)
        .join(a, a.c.id == _v.output_a_id)
        .join(b, b.c.id == _v.output_b_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .join(model_b, model_b.c.id == b.c.model_id)
        .where(i.benchmark_id == benchmark_id, IN_FORCE, _v.status.not_in([Status.OK, Status.TIE]))
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


_FAILURES = (Status.UNPARSED, Status.REFUSED, Status.TRUNCATED, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Failure:
    """A trial that ended without a verdict."""

    instruction: str  # key
    models: tuple[str, ...]  # two, or one where it is pointwise
    status: Status


def failures(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> list[Failure]:
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    query = (
        sa.select(t.instructions.c.key, model_a.c.name, model_b.c.name.label("other"), _v.status)
        .select_from(t.verdicts)
        .join(t.instructions, t.instructions.c.id == _v.instruction_id)
        .join(a, a.c.id == _v.output_a_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .outerjoin(b, b.c.id == _v.output_b_id)
        .outerjoin(model_b, model_b.c.id == b.c.model_id)
        .where(_v.status.in_(_FAILURES), *in_force(connection), *_chosen(benchmark, judges, category))
        .where(_v.preference.is_(None))  # an index tells, so that hardly any row is read
    )
    rows = connection.execute(query)
    return [Failure(key, (one,) if other is None else (one, other), Status(status)) for key, one, other, status in rows]


def costs(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> dict[str, float]:
    """USD of the replies about each model, as far as prices were known; a battle's cost counts for both its models."""
    spent: dict[str, float] = {}
    priced = sa.select(t.completions.c.id).where(t.completions.c.cost_usd.is_not(None)).limit(1)
    if connection.scalar(priced) is None:
        return spent
    for side in (_v.output_a_id, _v.output_b_id):
        query = (
            sa.select(t.models.c.name, sa.func.sum(t.completions.c.cost_usd))
            .select_from(t.completions)
            .join(t.verdicts, _v.completion_id == t.completions.c.id)
            .join(t.instructions, t.instructions.c.id == _v.instruction_id)
            .join(t.outputs, t.outputs.c.id == side)
            .join(t.models, t.models.c.id == t.outputs.c.model_id)
            .where(t.completions.c.cost_usd.is_not(None), *_chosen(benchmark, judges, category))
            .group_by(t.models.c.name)
        )
        for model, cost in connection.execute(query):
            spent[model] = spent.get(model, 0.0) + cost
    return spent


def _chosen(benchmark: int, judges: Sequence[str], category: str | None) -> list[sa.ColumnElement[bool]]:
    within = [t.instructions.c.benchmark_id == benchmark]
    if category is not None:
        within.append(t.instructions.c.category == category)
    if judges:
        within.append(_v.judge_id.in_(sa.select(t.judges.c.id).where(t.judges.c.name.in_(judges))))
    return within


@dataclass(frozen=True, slots=True)
class Spent:
    """What a judge's trials on a benchmark took; None where no reply tells."""

    trials: int
    tokens: float | None  # a trial, prompt and reply
    cost_usd: float | None  # of all
    latency_s: float | None  # a trial


def spent(connection: sa.Connection, benchmark: int, judge: str) -> Spent:
    v, c = t.verdicts.c, t.completions.c
    query = (
        sa.select(
            sa.func.count(),
            sa.func.avg(c.prompt_tokens + c.completion_tokens),
            sa.func.sum(c.cost_usd),
            sa.func.avg(c.latency_s),
        )
        .select_from(t.verdicts)
        .join(t.instructions, t.instructions.c.id == v.instruction_id)
        .join(t.judges, t.judges.c.id == v.judge_id)
        .outerjoin(t.completions, c.id == v.completion_id)
        .where(t.instructions.c.benchmark_id == benchmark, t.judges.c.name == judge, IN_FORCE)
    )
    trials, tokens, cost, latency = connection.execute(query).one()
    return Spent(trials, None if tokens is None else float(tokens), cost, None if latency is None else float(latency))

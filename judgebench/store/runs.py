"""Runs: one execution of a study or one import each, with what it stored; and the batches that a run was written into.

A batch says which trials stand in which batch file, where that was submitted, and what is still awaited.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench import __version__
from judgebench.errors import UnknownName
from judgebench.records import Order, Reading, Status, Trial, known_usd
from judgebench.spec.shards import Shard
from judgebench.store import blocks, claims
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.battles import SIDES, trial_of
from judgebench.store.benchmarks import StoredOutputs
from judgebench.store.database import bulk_insert, insert, now
from judgebench.store.events import Kept
from judgebench.store.judges import names_shown
from judgebench.store.models import join_sides
from judgebench.store.verdicts import any_revised, every_revision, newest_id

_b, _bt, _c, _r = t.batches.c, t.batch_trials.c, t.completions.c, t.runs.c
_Counts = tuple[tuple[int, Status, int, float | None], ...]  # run's id, status, trials, USD
_ASKED_HERE = _r.kind.not_in(("import", "merged"))  # else its study names nobody who may be asked
_ANSWERED = [status for status in Status if status is not Status.FAILED]
_KEPT = Kept[int, _Counts]()  # by block, see _counts


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One execution of a study, or one import."""

    id: int
    benchmark: str
    judge: str
    kind: str  # "run", "batch", "import" or "merged"
    started_at: str  # ISO 8601, UTC
    finished_at: str | None  # None while it runs, or when it was stopped
    ended: Mapping[Status, int]  # trials that it stored, by the newest status that it stored of each
    cost_usd: float | None  # of its replies; None where no price was known
    shard: Shard | None = None  # the part of the study that it asks; None: all of it
    job: int | None = None  # the number of that whose process began it; None: no job's


def start_run(
    connection: sa.Connection,
    *,
    benchmark_id: int,
    judge_id: int,
    kind: str,
    specification: Mapping[str, Any],
    shard: Shard | None = None,
) -> int:
    """The id of a new run; ``kind`` is "run", "batch", "import" or "merged"."""
    return insert(
        connection,
        t.runs,
        benchmark_id=benchmark_id,
        judge_id=judge_id,
        kind=kind,
        specification=json.dumps(specification, sort_keys=True),
        version=__version__,
        started_at=claims.now(connection),
        shard=None if shard is None else shard.number,
        shards=None if shard is None else shard.of,
        job_id=connection.get_execution_options().get("judgebench_job"),
    )


def finish_run(connection: sa.Connection, run_id: int) -> None:
    connection.execute(sa.update(t.runs).where(_r.id == run_id).values(finished_at=claims.now(connection)))


def judge_digest(connection: sa.Connection, run_id: int) -> str:
    query = sa.select(t.judges.c.digest).join(t.runs, _r.judge_id == t.judges.c.id).where(_r.id == run_id)
    return str(connection.execute(query).scalar_one())


def drawing_orders(connection: sa.Connection, benchmarks: Sequence[int]) -> int:
    """How many runs on these benchmarks drew the order of each battle."""
    studies = connection.scalars(sa.select(_r.specification).where(_r.benchmark_id.in_(benchmarks)))
    return sum(json.loads(study).get("orders") == "random" for study in studies)


def last_specification(connection: sa.Connection, judge: str) -> tuple[str, Mapping[str, Any]] | None:
    """The kind and the study of the judge's last run, or else of its last batch; None where it never was asked."""
    query = sa.select(_r.kind, _r.specification).join(t.judges).where(t.judges.c.name == judge, _ASKED_HERE)
    row = connection.execute(query.order_by(sa.desc(_r.kind == "run"), _r.id.desc()).limit(1)).first()
    return None if row is None else (row.kind, json.loads(row.specification))


def last_price(connection: sa.Connection, judge: str) -> str | None:
    """The newest "PROMPT,COMPLETION" that a run or batch of the judge was given; None where none was."""
    query = sa.select(_r.specification).join(t.judges).where(t.judges.c.name == judge, _ASKED_HERE)
    for study in connection.scalars(query.where(_r.specification.contains('"price"')).order_by(_r.id.desc())):
        price = json.loads(study)["judge"].get("price")
        if isinstance(price, str):
            return price
    return None


def specifications(connection: sa.Connection, judge: str) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """The id, the kind and the study of each of the judge's runs and batches, the newest first."""
    query = sa.select(_r.id, _r.kind, _r.specification).join(t.judges)
    query = query.where(t.judges.c.name == judge, _ASKED_HERE).order_by(_r.id.desc())
    for row in connection.execute(query):
        yield row.id, row.kind, json.loads(row.specification)


def have_answers(connection: sa.Connection, run_ids: Sequence[int]) -> bool:
    """Whether a judge's reply is stored of one of the runs."""
    v = every_revision().c
    came = sa.select(v.id).where(v.run_id.in_(run_ids), v.status.in_(_ANSWERED)).limit(1)
    return bool(run_ids) and connection.scalar(came) is not None


@dataclass(frozen=True, slots=True)
class EndedStudy:
    """A study all of whose trials were asked: by a run that came to its end, or by batches that are closed."""

    benchmark: str
    judge: str
    kind: str  # "run" or "batch"
    specification: Mapping[str, Any]
    at: str  # when it ended, ISO 8601, UTC


def ended_studies(connection: sa.Connection, benchmark: int | None = None) -> list[EndedStudy]:
    """Of a benchmark or of all, in the order in which they began."""
    open_batches = sa.select(_b.run_id).where(_b.closed_at.is_(None))
    closed = sa.select(_b.run_id, sa.func.max(_b.closed_at).label("at")).where(_b.run_id.not_in(open_batches))
    closed_at = closed.group_by(_b.run_id).subquery()
    at = sa.func.coalesce(_r.finished_at, closed_at.c.at)
    query = (
        sa.select(t.benchmarks.c.name, t.judges.c.name.label("judge"), _r.kind, _r.specification, at.label("at"))
        .join(t.benchmarks, t.benchmarks.c.id == _r.benchmark_id)
        .join(t.judges, t.judges.c.id == _r.judge_id)
        .outerjoin(closed_at, closed_at.c.run_id == _r.id)
        .where(_r.kind != "import", at.is_not(None))
        .order_by(_r.id)
    )
    rows = connection.execute(query if benchmark is None else query.where(_r.benchmark_id == benchmark))
    return [EndedStudy(row.name, row.judge, row.kind, json.loads(row.specification), row.at) for row in rows]


def runs(connection: sa.Connection) -> list[RunSummary]:
    """All runs, the newest first."""
    named = (
        sa.select(_r.id, _r.kind, _r.started_at, _r.finished_at, t.benchmarks.c.name, t.judges.c.name.label("judge"))
        .add_columns(_r.shard, _r.shards, _r.job_id)
        .join(t.benchmarks, t.benchmarks.c.id == _r.benchmark_id)
        .join(t.judges, t.judges.c.id == _r.judge_id)
        .order_by(_r.id.desc())
    )
    rows = connection.execute(named).all()
    ended: dict[int, Counter[Status]] = {row.id: Counter() for row in rows}
    costs: dict[int, list[float]] = {row.id: [] for row in rows}
    full = newest_id(connection) // blocks.BLOCK
    for block in range(full + 1):
        for run_id, status, trials, spent in _counts(connection, block, full=block < full):
            ended[run_id][status] += trials
            costs[run_id] += [] if spent is None else [spent]
    return [
        RunSummary(
            id=row.id,
            benchmark=row.name,
            judge=row.judge,
            kind=row.kind,
            started_at=row.started_at,
            finished_at=row.finished_at,
            ended=dict(+ended[row.id]),
            cost_usd=known_usd(sum(costs[row.id])) if costs[row.id] else None,
            shard=None if row.shard is None else Shard(row.shard, row.shards),
            job=row.job_id,
        )
        for row in rows
    ]


def _counts(connection: sa.Connection, block: int, *, full: bool) -> _Counts:
    """What a block of verdicts adds to each run.

    Verdicts are appended: what a full block adds is kept, and watching a run reads what is new.
    """
    kept = _KEPT.of(connection)
    if block in kept:
        return kept[block]
    counts = _added(connection, block) + (_superseded(connection, block) if any_revised(connection) else ())
    if full:
        kept[block] = counts
    return counts


def _added(connection: sa.Connection, block: int) -> _Counts:
    """Verdicts, and the price of the replies that came with them: reading one again costs nothing."""
    v = every_revision().c
    query = (
        sa.select(v.run_id, v.status, sa.func.count(), sa.func.sum(_c.cost_usd))
        .outerjoin(t.completions, _c.id == v.id)
        .where(v.id > block * blocks.BLOCK, v.id <= (block + 1) * blocks.BLOCK)
        .group_by(v.run_id, v.status)
    )
    return tuple((row[0], Status(row[1]), row[2], row[3]) for row in connection.execute(query))


def _superseded(connection: sa.Connection, block: int) -> _Counts:
    """Less the verdicts, of whichever block, that a later one of the same run in this block takes the place of."""
    new, old = every_revision("new").c, every_revision("old").c
    query = (
        sa.select(old.run_id, old.status, sa.func.count())
        .where(
            new.id > block * blocks.BLOCK, new.id <= (block + 1) * blocks.BLOCK, new.revision > sa.literal_column("0")
        )
        .where(old.trial_key == new.trial_key, old.instruction_id == new.instruction_id)
        .where(old.revision == new.revision - 1, old.run_id == new.run_id)
        .group_by(old.run_id, old.status)
    )
    return tuple((row[0], Status(row[1]), -row[2], None) for row in connection.execute(query))


@dataclass(frozen=True, slots=True)
class BatchTrial:
    """A trial without its texts: tens of thousands of them are held at once."""

    key: str
    instruction: str  # key
    model_a: str
    model_b: str | None  # None: pointwise
    order: Order | None
    repeat: int
    samples: tuple[int, int] = (0, 0)  # of A's output and of B's

    @classmethod
    def of(cls, trial: Trial | Reading) -> "BatchTrial":
        if isinstance(trial, Reading):
            read = trial.output
            return cls(trial.key, trial.instruction.key, read.model, None, None, trial.repeat, (read.sample, 0))
        sides = trial.battle
        models, samples = (sides.a.model, sides.b.model), (sides.a.sample, sides.b.sample)
        return cls(trial.key, sides.instruction.key, *models, trial.order, trial.repeat, samples)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is stored."""

    id: int
    name: str
    run_id: int
    judge: str  # name
    judge_digest: str
    shows: tuple[str, ...]  # as of ``trial_of``
    specification: str  # of the study, as JSON
    benchmark: str
    digest: str  # SHA-256 of its file
    server_id: str | None
    closed: bool
    requests: int
    answered: int  # trials whose result was ingested, failures included

    @property
    def state(self) -> str:
        """ "exported", "submitted" or "closed"."""
        return "closed" if self.closed else "exported" if self.server_id is None else "submitted"


def add_batch(
    connection: sa.Connection,
    *,
    name: str,
    run_id: int,
    digest: str,
    trials: Sequence[BatchTrial],
    outputs: Mapping[str, StoredOutputs],
) -> None:
    """Store a batch and its trials; ``outputs`` says where those of each instruction (by key) are stored."""
    batch_id = insert(connection, t.batches, name=name, run_id=run_id, digest=digest, created_at=now())
    next_id = (connection.scalar(sa.select(sa.func.max(_bt.id))) or 0) + 1
    rows = [
        (
            *(next_id + at, batch_id, trial.key),
            *outputs[trial.instruction].sides(trial.model_a, trial.model_b, trial.samples),
            *(None if trial.order is None else str(trial.order), trial.repeat, None),
        )
        for at, trial in enumerate(trials)
    ]
    bulk_insert(connection, t.batch_trials, rows)


def awaited(connection: sa.Connection, trial_keys: Sequence[str]) -> set[str]:
    """Those of the trials that an open batch asks, of whichever benchmark, and has brought no result for."""
    query = sa.select(_bt.trial_key).join(t.batches, _b.id == _bt.batch_id)
    query = query.where(_b.closed_at.is_(None), ~_came(), among(_bt.trial_key))
    return {row.trial_key for row in rows_among(connection, query, trial_keys)}


def _came() -> sa.Exists:
    """Whether the run of a batch has stored a result of the trial, whatever came of it later."""
    v = every_revision().c
    same = (v.trial_key == _bt.trial_key) & (v.instruction_id == _bt.instruction_id)
    return sa.exists().where(same, v.run_id == _b.run_id)


def batches(connection: sa.Connection) -> list[Batch]:
    """All batches, the oldest first."""
    asks = sa.select(sa.func.count()).where(_bt.batch_id == _b.id)
    query: sa.Select[Any] = (
        sa.select(
            *(_b.id, _b.name, _b.run_id, _b.digest, _b.server_id, _b.closed_at),
            *(t.judges.c.name.label("judge"), t.judges.c.digest.label("judge_digest"), t.judges.c.shows),
            _r.specification,
            t.benchmarks.c.name.label("benchmark"),
            asks.correlate(t.batches).scalar_subquery().label("requests"),
            asks.where(_came()).correlate(t.batches).scalar_subquery().label("answered"),
        )
        .join(t.runs, _r.id == _b.run_id)
        .join(t.judges, t.judges.c.id == _r.judge_id)
        .join(t.benchmarks, t.benchmarks.c.id == _r.benchmark_id)
        .order_by(_b.id)
    )
    return [_batch(row) for row in connection.execute(query)]


def batch(connection: sa.Connection, name: str) -> Batch:
    """Raises UnknownName."""
    known = {batch.name: batch for batch in batches(connection)}
    if name not in known:
        raise UnknownName("batch", name, known)
    return known[name]


def batch_trials(connection: sa.Connection, of: Batch, sent_keys: Sequence[str]) -> dict[str, Trial | Reading]:
    """Those of the trials that the batch asks, by the keys that its file calls them by."""
    trials = _batch_trials(connection, of, _bt.trial_key, sent_keys)
    sent_before = [key for key in sent_keys if key not in trials]
    return trials | _batch_trials(connection, of, _bt.sent_key, sent_before)


def _batch_trials(
    connection: sa.Connection, of: Batch, key: sa.ColumnElement[Any], keys: Sequence[str]
) -> dict[str, Trial | Reading]:
    """Those of the batch's trials whose column ``key`` is among ``keys``, by it."""
    query: sa.Select[Any] = sa.select(key.label("sent"), _bt.order, _bt.repeat, *SIDES)
    query = query.join(t.instructions, t.instructions.c.id == _bt.instruction_id)
    query = join_sides(query, t.batch_trials, pointwise=True).where(_bt.batch_id == of.id, among(key))
    trials: dict[str, Trial | Reading] = {}
    for row in rows_among(connection, query, keys):
        trial = trial_of(row, of.judge_digest, of.shows)
        if trial is not None:
            trials[row.sent] = trial
    return trials


def set_submitted(connection: sa.Connection, of: Batch, server_id: str) -> None:
    values = {"server_id": server_id, "submitted_at": now()}
    connection.execute(sa.update(t.batches).where(_b.id == of.id).values(**values))


def set_closed(connection: sa.Connection, of: Batch) -> bool:
    """Nothing further is expected: what it has brought no result for may be asked otherwise. False where it was so."""
    update = sa.update(t.batches).where(_b.id == of.id, _b.closed_at.is_(None)).values(closed_at=now())
    return connection.execute(update).rowcount > 0


def _batch(row: sa.Row[Any]) -> Batch:
    return Batch(
        id=row.id,
        name=row.name,
        run_id=row.run_id,
        judge=row.judge,
        judge_digest=row.judge_digest,
        shows=names_shown(row.shows),
        specification=row.specification,
        benchmark=row.benchmark,
        digest=row.digest,
        server_id=row.server_id,
        closed=row.closed_at is not None,
        requests=row.requests,
        answered=row.answered,
    )

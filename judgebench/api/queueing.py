"""What is left to workers: runs, audits and collections of outputs; ``judgebench worker`` does them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from judgebench import engine, services
from judgebench.api.asking import Urls, _generation, _study
from judgebench.api.data import Names, names_of
from judgebench.leaderboard.profiles import ProfileName
from judgebench.records import JobState
from judgebench.services.audits.registry import AuditSettings
from judgebench.services.jobs import Job
from judgebench.spec import JudgeSpec
from judgebench.spec.study import Orders, Redo
from judgebench.store.database import Database

__all__ = ["jobs", "queue_answer", "queue_audit", "queue_run", "resume_jobs", "stop_jobs", "wait_jobs"]


_POLL_S = 0.5


def queue_run(
    database: Database, *, benchmark: str, judge: str | Mapping[str, Any] | JudgeSpec = "embedded",
    judge_url: Urls = None, judge_key_env: str | None = None, judge_name: str | None = None, same_judge: bool = False,
    template: str | None = None, settings: Mapping[str, Any] | None = None, price: str | None = None,
    connection: Mapping[str, Any] | None = None, vllm: str | None = None, models: Names = (),
    profile: ProfileName | None = None,
    baseline: str | None = None, all_pairs: bool = False, pairs: Sequence[tuple[str, str]] = (),
    orders: Orders = "both", repeats: int = 1, limit: int | None = None, category: str | None = None,
    shard: str | tuple[int, int] | None = None, seed: int = 0,
    redo: Sequence[Redo] = (), reask: bool = False, concurrency: int = 16,
    max_cost: float | None = None, max_calls: int | None = None,
    max_failures: int = 25, max_errors: int | None = None, stop_after: float | str | None = None,
) -> Job:  # fmt: skip
    """Have a worker do what ``run`` would with these arguments; keys are read from the environment of the worker.

    Returns: the job; its ``id`` is the number by which it is watched, stopped and resumed.
    Raises InputError as ``run`` does and for a judge that is a function or client of this process, and Conflict where
    an open job asks the judge some of the same.
    """
    study, judged = _study(locals())
    return services.jobs.queue_run(database, study, engine.plan.estimate(database, study, judge=judged))


def queue_audit(database: Database, settings: AuditSettings) -> Job:
    """Have a worker do what ``audit`` would with these settings; its report is kept as ``audit`` keeps it.

    Raises InputError, UnknownName, and Conflict where the same audit is open.
    """
    name = services.audits.registry.audit_of(settings).name
    given = {field: getattr(settings, field) for field in services.audits.registry.named(name).hints}
    estimate = services.audits.estimates.estimate(database, settings)
    return services.jobs.queue_audit(database, name, given, estimate)


def queue_answer(
    database: Database, *, benchmark: str, model: str | Mapping[str, Any], model_url: Urls = None,
    model_key_env: str | None = None, model_name: str | None = None, same_model: bool = False,
    system: str | None = None,
    settings: Mapping[str, Any] | None = None, price: str | None = None, connection: Mapping[str, Any] | None = None,
    vllm: str | None = None, limit: int | None = None, category: str | None = None,
    shard: str | tuple[int, int] | None = None, concurrency: int = 16,
    max_cost: float | None = None, max_calls: int | None = None,
    max_failures: int = 25, max_errors: int | None = None, stop_after: float | str | None = None, audit: bool = True,
) -> Job:  # fmt: skip
    """Have a worker do what ``answer`` would with these arguments.

    Raises InputError as ``answer`` does, and Conflict where an open job collects the same.
    """
    generation = _generation(locals() | {"ray": None})
    estimate = engine.answer.estimate_answers(database, generation)
    return services.jobs.queue_answer(database, generation, estimate, audit=audit)


def jobs(
    database: Database, *, state: Names = (), benchmark: str | None = None, last: int | None = None
) -> pd.DataFrame:
    """What workers do, did or are to do, the newest first: all, or the ``last`` so many, in these states.

    Returns: one row a job: ``id``, ``kind`` ("run", "audit", "answer"), ``benchmark``, ``subject`` (the judge or model
    that is asked), ``state`` ("queued", "running", "done", "failed", "stopped"), ``is_stopping``, ``planned`` (trials,
    outputs, or calls at most), ``done`` of these, ``answered`` before it, ``cost_usd`` (as estimated), ``actor``,
    ``worker``, ``attempts``, ``losses`` (of these, those whose worker ended), ``message``, ``report``,
    ``specification``, ``variables`` (names of those that its worker needs), ``created_at``, ``started_at``,
    ``finished_at``, ``expires_at`` (of its lease).
    Raises UnknownName for the benchmark, and DatabaseError.
    """
    listed = services.jobs.jobs(database, states=names_of(state), benchmark=benchmark, most=last)
    runs = services.benchmarks.runs(database) if listed else []
    rows = [asdict(job) | {"worker": job.worker, "done": services.jobs.done(job, runs)} for job in listed]
    return pd.DataFrame(rows, columns=_COLUMNS)


def stop_jobs(database: Database, number: int | Sequence[int]) -> list[Job]:
    """Have jobs end before their end; what is in flight still ends and is stored. Those that have ended stay as they
    are. Raises UnknownName."""
    return [services.jobs.stop(database, one) for one in _numbers(number)]


def resume_jobs(database: Database, number: int | Sequence[int]) -> list[Job]:
    """Queue stopped and failed jobs again: they go on where they were. Raises UnknownName, InputError and Conflict."""
    return [services.jobs.resume(database, one) for one in _numbers(number)]


def wait_jobs(
    database: Database,
    number: int | Sequence[int],
    *,
    on_progress: Callable[[list[dict[str, Any]]], object] | None = None,
) -> list[Job]:
    """The jobs once they have ended; an interrupt ends the waiting alone. ``on_progress`` is told twice a second how
    far they are, by what ``jobs show --format json`` prints of each. Raises UnknownName, and DatabaseError."""
    numbers = _numbers(number)
    while True:
        described = [services.jobs.described(database, one) for one in numbers]
        if on_progress is not None:
            on_progress(described)
        if not any(one["state"] in (JobState.QUEUED, JobState.RUNNING) for one in described):
            return [services.jobs.job(database, one) for one in numbers]
        time.sleep(_POLL_S)


def _numbers(number: int | Sequence[int]) -> Sequence[int]:
    return [number] if isinstance(number, int) else number


_COLUMNS = [
    *("id", "kind", "benchmark", "subject", "state", "is_stopping", "planned", "done", "answered", "cost_usd", "actor"),
    *("worker", "attempts", "losses", "message", "report", "specification", "variables"),
    *("created_at", "started_at", "finished_at", "expires_at"),
]

"""Collecting a model's outputs, and auditing what came."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from judgebench import engine, services, store
from judgebench.engine.answer import AnswerReport
from judgebench.engine.runner import OnProgress, run_async
from judgebench.spec import Generation
from judgebench.store.database import Database


def answer(
    database: Database,
    generation: Generation,
    *,
    environment: Mapping[str, str],
    on_progress: OnProgress | None = None,
    audit: bool = True,
) -> AnswerReport:
    """``answering`` in an event loop of its own."""
    return run_async(answering(database, generation, environment=environment, on_progress=on_progress, audit=audit))


async def answering(
    database: Database,
    generation: Generation,
    *,
    environment: Mapping[str, str],
    on_progress: OnProgress | None = None,
    audit: bool = True,
) -> AnswerReport:
    """Ask for every output that is not there yet, then audit the model, by which leaderboards mark it.

    A collection that was interrupted, or stopped by an error, leaves outputs behind: until the next one ends they are
    unaudited, or their audit is stale. Raises as ``engine.answer.answering`` does.
    """
    report = await engine.answer.answering(database, generation, environment=environment, on_progress=on_progress)
    if not audit or report.interrupted or not _has_outputs(database, generation):
        return report
    audit_stored = services.audits.submissions.audit_stored
    findings = await asyncio.to_thread(audit_stored, database, generation.benchmark, [generation.model])
    return replace(report, audit=findings)


def _has_outputs(database: Database, generation: Generation) -> bool:
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, generation.benchmark)
        return generation.model in store.benchmarks.model_names(connection, benchmark_id)

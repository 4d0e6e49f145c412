"""``python -m judgebench.cli.job NUMBER``: what a worker starts for each job, in a process of its own.

It ends as the command does that does the same, with a document on stdout, and with 75 where the database's server does
not answer. When the worker ends, whose end of the pipe at stdin it holds, it is told to terminate.
"""

import os
import signal
import sys
import threading
from typing import Any

import typer

from judgebench.cli import answer, audit, run
from judgebench.cli.main import guarded
from judgebench.cli.session import DEFAULT_DATABASE, Session, progress_line
from judgebench.services import jobs
from judgebench.services.audits import registry
from judgebench.services.worker import ADDRESS_VARIABLE, AWAY
from judgebench.store.database import Database


def main(number: int) -> None:
    environment = dict(os.environ)
    session = Session(environment.get(ADDRESS_VARIABLE) or DEFAULT_DATABASE, environment)

    def work() -> None:
        with session.database() as database:
            database.job = number
            _do(session, database, jobs.job(database, number))

    threading.Thread(target=_follow, daemon=True).start()
    try:
        guarded(work, away=AWAY)
    except typer.Exit as end:
        sys.exit(end.exit_code)


def _do(session: Session, database: Database, job: jobs.Job) -> None:
    """Raises typer.Exit with the exit code where it is not 0."""
    if job.kind == "run":
        run.judge_study(session, database, jobs.study(job), "json", spent_usd=jobs.spent_usd(database, job))
    elif job.kind == "answer":
        answer.collect(session, database, jobs.generation(job), "json", audit=job.specification["audit"])
    else:
        _audit(session, database, job)


def _audit(session: Session, database: Database, job: jobs.Job) -> None:
    settings = jobs.audit_settings(database, job)
    with progress_line() as show:
        name = registry.audit_of(settings).name
        how: dict[str, Any] = {"environment": session.environment, "on_progress": show}
        report = registry.audit(database, name, settings, spent_usd=jobs.spent_usd(database, job), **how)
    audit.finish(report, "json")


def _follow() -> None:
    """End when the worker does."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))

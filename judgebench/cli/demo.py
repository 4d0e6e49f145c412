"""The demonstration: the whole way on a small benchmark of our own, judged inside this process.

Its judge is weak, and the demonstration shows how weak: that is its first lesson. The benchmark's files are in the
folder ``demo``; nothing here is measured on anything else.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import typer

from judgebench import engine, services, store
from judgebench.audits import NULL_MODELS, SUBMISSIONS
from judgebench.audits.findings import AuditReport
from judgebench.cli.leaderboard import print_board
from judgebench.cli.session import DEFAULT_DATABASE, ProgressLine, Session, err, out, visible
from judgebench.engine.runner import OnProgress
from judgebench.formats.outputs import read_outputs
from judgebench.leaderboard import Leaderboard
from judgebench.records import Order
from judgebench.resources import folder
from judgebench.services.audits import registry
from judgebench.services.audits.registry import NullModelAudit, SubmissionAudit
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database

BENCHMARK = "demo"


ASKED_FOR_A_LETTER = 8  # instructions on which the same model is also asked "A or B?", in both orders


_LIKELIHOOD = JudgeSpec(model="embedded")


_LETTER = JudgeSpec(model="embedded", template="pairwise/letter")


_PAIR = ("demo-careful", "demo-rambling")


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the demonstration's judge was seen to do."""

    named_first: int  # trials in which, asked "A or B?", it preferred the output shown first
    asked: int


def submit(database: Database) -> list[services.submissions.MatchReport]:
    """Submit the benchmark's sets of outputs; submitting again adds nothing."""
    reports = []
    for path in sorted((folder("demo") / "outputs").glob("*.json")):
        prepared = services.submissions.prepare(
            database, read_outputs(path), benchmark=BENCHMARK, model=path.stem, new_benchmark=True
        )
        services.submissions.save(database, prepared)
        reports.append(prepared.report)
    return reports


def judge(
    database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> engine.run.RunReport:
    """Judge all pairs in both orders by likelihood."""
    wanted = Study(benchmark=BENCHMARK, judge=_LIKELIHOOD, all_pairs=True, concurrency=2)
    return engine.run.run(database, wanted, environment=environment, on_progress=on_progress)


def ask_for_a_letter(
    database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> Lesson:
    """Ask the same model "A or B?" about one pair in both orders, and count how often it names the first shown."""
    wanted = Study(benchmark=BENCHMARK, judge=_LETTER, pairs=(_PAIR,), limit=ASKED_FOR_A_LETTER, concurrency=2)
    report = engine.run.run(database, wanted, environment=environment, on_progress=on_progress)
    chosen = store.battles.BattleFilter(judge=report.judge)
    battles, _ = services.battles.battles(database, BENCHMARK, chosen, limit=ASKED_FOR_A_LETTER)
    preferences = [
        shown.verdict.preference if shown.order is Order.AB else 1 - shown.verdict.preference
        for each in battles
        for shown in services.battles.battle(database, BENCHMARK, each.instruction, each.model_a, each.model_b).verdicts
        if shown.judge == report.judge and shown.verdict.preference is not None
    ]
    return Lesson(int(np.sum(np.asarray(preferences) > 0.5)), len(preferences))


def audit(database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None) -> AuditReport:
    """Audit the submissions by their outputs alone, and the judge by outputs that ignore the instruction.

    Returns the judge's report; leaderboards show what either found.
    """
    registry.audit(database, SUBMISSIONS, SubmissionAudit(benchmark=BENCHMARK), environment=environment)
    settings = NullModelAudit(benchmark=BENCHMARK, judge=_LIKELIHOOD, concurrency=2)
    return registry.audit(database, NULL_MODELS, settings, environment=environment, on_progress=on_progress)


def board(database: Database) -> Leaderboard:
    """The leaderboard by likelihood."""
    return services.leaderboards.leaderboard(database, BENCHMARK, judges=["embedded"])


def trust(lesson: Lesson, audited: AuditReport) -> tuple[str, ...]:
    """Lines on how far to trust this judge; what was not counted here is measured in docs/embedded-judge.md."""
    return (
        "How far to trust this judge: on 465 human-labelled pairs it agrees with people in 59.5 % [55, 64], and "
        '"the longer wins" alone in 73 %: a real but weak judge, for trying the machine and not for ranking models.',
        f'Asked "A or B?" in both orders, the same model preferred what it was shown first in {lesson.named_first} of '
        f"{lesson.asked} trials here.",
        "Its null-model audit " + ("passed." if audited.passed else f"failed, {'; '.join(audited.failures)}."),
    )


def demo(context: typer.Context) -> None:
    """The whole way on a small benchmark of our own, with the judge that runs inside this process."""
    session: Session = context.obj
    with session.database(create=True) as database:
        for report in submit(database):
            err().print(visible(f"submitted {report.model}: {report.new + report.matched} outputs"))
        err().print("judging every pair of models in both orders by likelihood")
        with ProgressLine() as line:
            judge(database, session.environment, line.show)
        err().print('asking the same model "A or B?" about one pair, in both orders')
        with ProgressLine() as line:
            lesson = ask_for_a_letter(database, session.environment, line.show)
        err().print("auditing the submissions, and the judge with outputs that ignore the instruction")
        with ProgressLine() as line:
            audited = audit(database, session.environment, line.show)
        out().print()
        print_board(board(database))
        out().print()
        for sentence in trust(lesson, audited):
            out().print(sentence)
    named = "" if session.address == DEFAULT_DATABASE else f"--db {shlex.quote(session.shown_address)} "
    out().print(f"\nOpen it in the browser: judgebench {named}app")

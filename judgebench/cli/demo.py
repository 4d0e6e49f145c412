"""The demonstration: the whole way on a small benchmark of our own, judged inside this process.

Its judge is weak, and the demonstration shows how weak: that is its first lesson. The benchmark's files are in the
folder ``demo``; nothing here is measured on anything else.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from judgebench import engine, services
from judgebench.cli.session import DEFAULT_DATABASE, Session, leave, print_result, progress_line, say, tell
from judgebench.records import Order
from judgebench.resources import folder
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.audits.findings import AuditReport
    from judgebench.engine.run import RunReport
    from judgebench.engine.runner import OnProgress
    from judgebench.leaderboard import Leaderboard
    from judgebench.services.submissions import MatchReport
    from judgebench.spec import JudgeSpec
    from judgebench.store.database import Database

BENCHMARK = "demo"
ASKED_FOR_A_LETTER = 8  # instructions on which the same model is also asked "A or B?", in both orders
_PAIR = ("demo-careful", "demo-rambling")


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the demonstration's judge was seen to do."""

    named_first: int  # trials in which, asked "A or B?", it preferred the output shown first
    trials: int


def submit(database: Database) -> list[MatchReport]:
    """Submit the benchmark's sets of outputs; submitting again adds nothing."""
    from judgebench.formats.outputs import read_outputs

    reports = []
    for path in sorted((folder("demo") / "outputs").glob("*.json")):
        prepared = services.submissions.prepare(
            database, read_outputs(path), benchmark=BENCHMARK, model=path.stem, new_benchmark=True
        )
        services.submissions.save(database, prepared, audit=False)  # all together, by ``audit``
        reports.append(prepared.report)
    return reports


def _asked(template: str | None = None) -> JudgeSpec:
    from judgebench.spec import JudgeSpec

    return JudgeSpec(model="embedded", template=template)


def judge(database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None) -> RunReport:
    """Judge all pairs in both orders by likelihood."""
    from judgebench.spec import Study

    study = Study(benchmark=BENCHMARK, judge=_asked(), all_pairs=True, concurrency=2)
    return engine.run.run(database, study, environment=environment, on_progress=on_progress)


def ask_for_a_letter(
    database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> Lesson:
    """Ask the same model "A or B?" about one pair in both orders, and count how often it names the first shown."""
    from judgebench.spec import Study
    from judgebench.store.battles import BattleFilter

    letter = _asked("pairwise/letter")
    study = Study(benchmark=BENCHMARK, judge=letter, pairs=(_PAIR,), limit=ASKED_FOR_A_LETTER, concurrency=2)
    report = engine.run.run(database, study, environment=environment, on_progress=on_progress)
    leave(interrupted=report.interrupted)
    chosen = BattleFilter(judge=report.judge)
    battles, _ = services.battles.battles(database, BENCHMARK, chosen, limit=ASKED_FOR_A_LETTER)
    preferences = [
        shown.verdict.preference if shown.order is Order.AB else 1 - shown.verdict.preference
        for row in battles
        for shown in services.battles.battle(database, BENCHMARK, row.instruction, row.model_a, row.model_b).verdicts
        if shown.judge == report.judge and shown.verdict.preference is not None
    ]
    return Lesson(sum(preference > 0.5 for preference in preferences), len(preferences))


def audit(database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None) -> AuditReport:
    """Audit the submissions by their outputs alone, and the judge by outputs that ignore the instruction.

    Returns the judge's report; leaderboards show what either found.
    """
    from judgebench.audits import NULL_MODELS, SUBMISSIONS
    from judgebench.services.audits.registry import NullModelAudit, SubmissionAudit, audit

    audit(database, SUBMISSIONS, SubmissionAudit(benchmark=BENCHMARK), environment=environment)
    settings = NullModelAudit(benchmark=BENCHMARK, judge=_asked(), concurrency=2)
    return audit(database, NULL_MODELS, settings, environment=environment, on_progress=on_progress)


def board(database: Database) -> Leaderboard:
    """The leaderboard by likelihood."""
    return services.leaderboards.leaderboard(database, BENCHMARK, scope=services.scope.Scope(("embedded",)))


def trust(lesson: Lesson, audited: AuditReport) -> tuple[str, ...]:
    """Lines on how far to trust this judge; what was not counted here is measured in docs/embedded-judge.md."""
    return (
        "How far to trust this judge: on 465 human-labelled pairs it agrees with people in 59.5 % [55, 64], and "
        '"the longer wins" alone in 73 %: a real but weak judge, for trying the machine and not for ranking models.',
        f'Asked "A or B?" in both orders, the same model preferred what it was shown first in {lesson.named_first:,} '
        f"of {count(lesson.trials, 'trial')} here.",
        "Its null-model audit " + ("passed." if audited.passed else f"failed, {'; '.join(audited.failures)}."),
    )


def demo(context: typer.Context) -> None:
    """The whole way on a small benchmark of our own, with the judge that runs inside this process.

    $ judgebench demo
    $ judgebench --db my.db demo
    """
    from judgebench.clients.embedded import weights_file
    from judgebench.show import results

    session: Session = context.obj
    weights_file.locate()  # before anything is stored that nothing here could judge
    with session.database(create=True) as database:
        for report in submit(database):
            tell(f"submitted {report.model}: {count(report.new + report.matched, 'output')}")
        tell("judging every pair of models in both orders by likelihood")
        with progress_line() as show:
            leave(interrupted=judge(database, session.environment, show).interrupted)
        tell('asking the same model "A or B?" about one pair, in both orders')
        with progress_line() as show:
            lesson = ask_for_a_letter(database, session.environment, show)
        tell("auditing the submissions, and the judge with outputs that ignore the instruction")
        with progress_line() as show:
            audited = audit(database, session.environment, show)
        say("")
        print_result(results.board(board(database), BENCHMARK, "table"))
        say("", *trust(lesson, audited), "")
    named = "" if session.address == DEFAULT_DATABASE else f"--db {shlex.quote(session.shown_address)} "
    say(f"Open it in the browser: judgebench {named}app")

"""The demonstration: the whole way on a small benchmark of our own, judged inside this process.

Its judge is weak, and the demonstration shows how weak: that is its first lesson. The benchmark's files are in the
folder ``demo``; nothing here is measured on anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from judgebench import queries, study
from judgebench.audits.findings import AuditReport
from judgebench.execution.driving import OnProgress
from judgebench.formats.submission import read_submission
from judgebench.leaderboard import Leaderboard
from judgebench.records import Order
from judgebench.resources import folder
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from judgebench.study.audit import submissions
from judgebench.study.null_audit import NullAudit, null_models

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


def submit(database: Database) -> list[study.MatchReport]:
    """Submit the benchmark's sets of outputs; submitting again adds nothing."""
    reports = []
    for path in sorted((folder("demo") / "outputs").glob("*.json")):
        prepared = study.prepare(
            database, read_submission(path), benchmark=BENCHMARK, model=path.stem, new_benchmark=True
        )
        study.store(database, prepared)
        reports.append(prepared.report)
    return reports


def judge(database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None) -> study.RunReport:
    """Judge all pairs in both orders by likelihood."""
    wanted = Study(benchmark=BENCHMARK, judge=_LIKELIHOOD, all_pairs=True, concurrency=2)
    return study.run(database, wanted, environment=environment, on_progress=on_progress)


def ask_for_a_letter(
    database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> Lesson:
    """Ask the same model "A or B?" about one pair in both orders, and count how often it names the first shown."""
    wanted = Study(benchmark=BENCHMARK, judge=_LETTER, pairs=(_PAIR,), limit=ASKED_FOR_A_LETTER, concurrency=2)
    report = study.run(database, wanted, environment=environment, on_progress=on_progress)
    chosen = queries.BattleFilter(judge=report.judge)
    battles, _ = queries.battles(database, BENCHMARK, chosen, limit=ASKED_FOR_A_LETTER)
    preferences = [
        shown.verdict.preference if shown.order is Order.AB else 1 - shown.verdict.preference
        for each in battles
        for shown in queries.battle(database, BENCHMARK, each.instruction, each.model_a, each.model_b).verdicts
        if shown.judge == report.judge and shown.verdict.preference is not None
    ]
    return Lesson(int(np.sum(np.asarray(preferences) > 0.5)), len(preferences))


def audit(database: Database, environment: Mapping[str, str], on_progress: OnProgress | None = None) -> AuditReport:
    """Audit the submissions by their outputs alone, and the judge by outputs that ignore the instruction.

    Returns the judge's report; leaderboards show what either found.
    """
    submissions(database, BENCHMARK)
    asked = NullAudit(BENCHMARK, _LIKELIHOOD, concurrency=2)
    return null_models(database, asked, environment=environment, on_progress=on_progress)


def board(database: Database) -> Leaderboard:
    """The leaderboard by likelihood."""
    return queries.leaderboard(database, BENCHMARK, judges=["embedded"])


def trust(lesson: Lesson, audited: AuditReport) -> tuple[str, ...]:
    """Lines on how far to trust this judge; what was not counted here is measured in docs/embedded-judge.md."""
    return (
        "How far to trust this judge: on 465 human-labelled pairs it agrees with people in 59.5 % [55, 64], and "
        '"the longer wins" alone in 73 %: a real but weak judge, for trying the machine and not for ranking models.',
        f'Asked "A or B?" in both orders, the same model preferred what it was shown first in {lesson.named_first} of '
        f"{lesson.asked} trials here.",
        "Its null-model audit " + ("passed." if audited.passed else f"failed, {'; '.join(audited.failures)}."),
    )

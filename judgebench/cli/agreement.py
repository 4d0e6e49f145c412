"""judgebench agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from judgebench import services
from judgebench.cli.options import Benchmark, Category, Judges, Level, Output, Resamples, Seed
from judgebench.cli.session import opened, print_estimates, print_json, say_coverage
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.bias.human_agreement import AgreementReport, JudgeAgreement
    from judgebench.cli.session import Line
    from judgebench.stats.agreement import Coefficients


def agreement(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    category: Category = None,
    level: Level = 0.95,
    resamples: Resamples = 400,
    seed: Seed = 0,
    output: Output = "table",
) -> None:
    """How far judges agree with people and with each other, beside how far people agree.

    $ judgebench agreement --benchmark demo
    $ judgebench agreement --benchmark demo --judge embedded --category writing
    """
    from judgebench.show import coverage
    from judgebench.show.tables import document
    from judgebench.stats.agreement import Resampling

    with opened(context) as database:
        report = services.agreement.agreement(
            database, benchmark, judges=judge or (), category=category, how=Resampling(level, resamples, seed)
        )
    if output == "json":
        print_json({"benchmark": benchmark, "category": category, **document(report), **coverage.told(report.coverage)})
    else:
        say_coverage(report.coverage)
        _print_agreement(report)


def _print_agreement(report: AgreementReport) -> None:
    people = report.people
    print_estimates(
        f"people: {count(len(people.annotators), 'annotator')}, {count(people.labels, 'label')} on "
        f"{count(people.items, 'battle')}",
        [("human agreement with each other (ceiling)", people.ceiling, "share"), *_coefficients(people.all)[1:]],
    )
    for judge in report.judges:
        _print_judge(judge)
    for pair in report.pairs:
        lines: list[Line] = [
            *_coefficients(pair.agreement),
            ("models' ranks, Kendall", pair.rankings.kendall, "number"),
        ]
        print_estimates(f"{pair.one} and {pair.other} ({count(pair.items, 'battle')})", lines)
    if len(report.judges) > 1:
        print_estimates("all judges", _coefficients(report.all_judges))
    icc: list[Line] = [
        (f"ICC({form})", figure, "number") for form, figure in report.score_icc.items() if figure.identified or figure.n
    ]
    if icc:
        print_estimates("scores of the same outputs", icc)


def _print_judge(judge: JudgeAgreement) -> None:
    test = judge.annotators
    passed = {True: "passed", False: "failed", None: "too few labels by two people or more"}[test.passes]
    failures = f", {judge.without_verdict:,} without a verdict" if judge.without_verdict else ""
    print_estimates(
        f"{judge.judge} and people ({count(judge.items, 'battle')}{failures}; test against leaving out a person: "
        f"{passed})",
        [
            *_coefficients(judge.consensus),
            ("human agreement", judge.each_person, "share"),
            ("accuracy: names people's winner, ties half", judge.accuracy, "share"),
            ("the same, ties wrong", judge.accuracy_strict, "share"),
            ("calibration error", judge.calibration_error, "number"),
            ("Brier score", judge.calibration.brier if judge.calibration else judge.calibration_error, "number"),
            ("models' ranks, Spearman", judge.rankings.spearman, "number"),
            ("models' ranks, Kendall", judge.rankings.kendall, "number"),
            *((f"raw agreement, {c.category}", c.raw, "share") for c in judge.by_category),
        ],
    )


def _coefficients(coefficients: Coefficients) -> list[Line]:
    return [
        ("raw agreement of three outcomes", coefficients.raw, "share"),
        ("where both name a winner", coefficients.decided, "share"),
        ("Cohen's kappa", coefficients.cohen, "number"),
        ("Cohen's kappa, linear weights", coefficients.weighted, "number"),
        ("Fleiss' kappa", coefficients.fleiss, "number"),
        ("Gwet's AC1", coefficients.ac1, "number"),
        ("Krippendorff's alpha", coefficients.krippendorff, "number"),
        ("ICC(2,1) of preferences", coefficients.icc, "number"),
    ]

"""judgebench agreement."""

from typing import Annotated

import typer

from judgebench import services
from judgebench.bias.human_agreement import AgreementReport, JudgeAgreement
from judgebench.cli.figures import Line, print_lines
from judgebench.cli.options import BenchmarkOption, CategoryOption, FormatOption, JudgesOption, LevelOption
from judgebench.cli.session import Format, Session, print_json
from judgebench.show.tables import document
from judgebench.stats.agreement import Coefficients, Resampling


def agreement(
    context: typer.Context,
    benchmark: BenchmarkOption,
    judge: JudgesOption = None,
    category: CategoryOption = None,
    level: LevelOption = 0.95,
    resamples: Annotated[int, typer.Option(min=50, max=100_000, help="Of the bootstrap over instructions.")] = 400,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    output: FormatOption = Format.TABLE,
) -> None:
    """How far judges agree with people and with each other, beside how far people agree."""
    session: Session = context.obj
    with session.database() as database:
        found = services.agreement.agreement(
            database, benchmark, judges=judge or (), category=category, how=Resampling(level, resamples, seed)
        )
    if output is Format.JSON:
        print_json({"benchmark": benchmark, "category": category, **document(found)})
        return
    _print_agreement(found)


def _print_agreement(found: AgreementReport) -> None:
    people = found.people
    print_lines(
        f"people: {len(people.annotators)} annotators, {people.labels} labels on {people.items} battles",
        [("agree with each other (ceiling)", people.ceiling, "share"), *_coefficients(people.all)[1:]],
    )
    for judge in found.judges:
        _print_judge(judge)
    for pair in found.pairs:
        lines = [*_coefficients(pair.agreement), ("models' ranks, Kendall", pair.rankings.kendall, "number")]
        print_lines(f"{pair.one} and {pair.other} ({pair.items} battles)", lines)
    if len(found.judges) > 1:
        print_lines("all judges", _coefficients(found.all_judges))
    icc = [(f"ICC({form})", figure, "number") for form, figure in found.score_icc.items() if figure.identified]
    if icc:
        print_lines("scores of the same outputs", icc)


def _print_judge(judge: JudgeAgreement) -> None:
    test = judge.annotators
    passed = {True: "passed", False: "failed", None: "too few labels by two people or more"}[test.passes]
    failures = f", {judge.without_verdict} without a verdict" if judge.without_verdict else ""
    print_lines(
        f"{judge.judge} and people ({judge.items} battles{failures}; test against leaving out a person: {passed})",
        [
            *_coefficients(judge.consensus),
            ("with each person", judge.each_person, "share"),
            ("names people's winner, ties half", judge.accuracy, "share"),
            ("the same, ties wrong", judge.accuracy_strict, "share"),
            ("calibration error", judge.calibration_error, "number"),
            ("Brier score", judge.calibration.brier if judge.calibration else None, "number"),
            ("models' ranks, Spearman", judge.rankings.spearman, "number"),
            ("models' ranks, Kendall", judge.rankings.kendall, "number"),
            *((f"raw agreement, {c.category}", c.raw, "share") for c in judge.by_category),
        ],
    )


def _coefficients(found: Coefficients) -> list[Line]:
    return [
        ("raw agreement of three outcomes", found.raw, "share"),
        ("where both name a winner", found.decided, "share"),
        ("Cohen's kappa", found.cohen, "number"),
        ("Cohen's kappa, linear weights", found.weighted, "number"),
        ("Fleiss' kappa", found.fleiss, "number"),
        ("Gwet's AC1", found.ac1, "number"),
        ("Krippendorff's alpha", found.krippendorff, "number"),
        ("ICC(2,1) of preferences", found.icc, "number"),
    ]

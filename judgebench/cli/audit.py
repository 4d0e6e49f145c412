"""judgebench audit ...: exit code 0 passed, 1 a high finding or a failed gate, 2 bad input."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.audits.findings import AuditReport, Finding
from judgebench.audits.null_gate import NullGate
from judgebench.cli.audit_print import finish, print_defences, print_entrants, print_estimates
from judgebench.cli.session import Format, ProgressLine, Session
from judgebench.errors import InputError
from judgebench.services.audits.defences import Comparison, compare_defences
from judgebench.services.audits.integrity import integrity
from judgebench.services.audits.judge_based import AskedAudit, asked_findings
from judgebench.services.audits.null_models import NullAudit, defended_spec, null_models
from judgebench.services.audits.robustness import RobustnessAudit, robustness
from judgebench.services.judges import find_judge
from judgebench.spec import load_template
from judgebench.store.database import Database

app = typer.Typer(help="Is this judge, or this submission, to be trusted?", no_args_is_help=True)


@app.command("submissions")
def submissions(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    model: Annotated[list[str] | None, typer.Option(help="Only this model; may be repeated. Default: all.")] = None,
    template: Annotated[
        list[Path] | None, typer.Option(help="An own template file that judges are asked with; may be repeated.")
    ] = None,
    judge: Annotated[str | None, typer.Option(help="A judge to ask, for --permuted and --likelihoods.")] = None,
    judge_url: Annotated[str | None, typer.Option(help="Address of its server.")] = None,
    judge_key_env: Annotated[str | None, typer.Option(help="NAME of the variable that holds its key.")] = None,
    judge_name: Annotated[str | None, typer.Option(help="Name under which it is stored.")] = None,
    judge_template: Annotated[str | None, typer.Option(help="The template that it is asked with.")] = None,
    baseline: Annotated[str | None, typer.Option(help="The model that exchanged outputs meet.")] = None,
    permuted: Annotated[
        int, typer.Option(min=0, metavar="N", help="Judge outputs exchanged between N instructions.")
    ] = 0,
    likelihoods: Annotated[
        int, typer.Option(min=0, metavar="N", help="Weigh outputs to N instructions by a local judge.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the instructions drawn.")] = 0,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Look for outputs that ignore their instruction, work on the judge, or are somebody else's."""
    session: Session = context.obj
    own = [load_template(path) for path in template or ()]
    given = {"url": judge_url, "key_env": judge_key_env, "name": judge_name, "template": judge_template}
    if (permuted or likelihoods) and judge is None:
        raise InputError("exchanged outputs and likelihoods need a judge: add --judge")
    with session.database() as database:
        further: list[Finding] = []
        if judge is not None and (permuted or likelihoods):
            spec = find_judge(database, given | {"model": judge})
            names = model or [each.name for each in services.benchmarks.models(database, benchmark)]
            asked = AskedAudit(benchmark, spec, names, baseline, permuted, likelihoods, seed)
            with ProgressLine() as progress:
                further = asked_findings(database, asked, environment=session.environment, on_progress=progress.show)
        report = services.audits.submissions.submissions(
            database, benchmark, models=model or (), own_templates=own, further=further
        )
    finish(report, output, html)


@app.command("null-models")
def null(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    judge: Annotated[str, typer.Option(help="The judge: its server's name for it, 'embedded', or 'scripted:NAME'.")],
    judge_url: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1")
    ] = None,
    judge_key_env: Annotated[
        str | None, typer.Option(help="NAME of the environment variable that holds the server's key.")
    ] = None,
    judge_name: Annotated[str | None, typer.Option(help="Name under which the judge is stored.")] = None,
    template: Annotated[str | None, typer.Option(help="A template, e.g. pairwise/two-way, or a file.")] = None,
    price: Annotated[
        str | None, typer.Option(metavar="PROMPT,COMPLETION", help="USD per million tokens, e.g. 2.5,10")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="The model that null models meet.")] = None,
    fail_above: Annotated[float, typer.Option(min=0.001, max=1.0, help="Win rate that none may reach.")] = 0.1,
    error: Annotated[float, typer.Option(min=0.0001, max=0.5, help="Chance of a wrong decision.")] = 0.05,
    limit: Annotated[int, typer.Option(min=2, help="Instructions at most; it stops once the gate is decided.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the instructions' order and the shuffled entrant.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, max=4096, help="Questions in flight at most.")] = 16,
    defence: Annotated[
        list[str] | None,
        typer.Option(
            help="Ask under this defence: fixed, escaped, sandwich ...; see the docs. With --defences: several."
        ),
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--defences", help="Measure all defences, or those named, and their price, side by side.")
    ] = False,
    honest: Annotated[int, typer.Option(min=1, help="With --defences: instructions with honest verdicts.")] = 20,
    random_search: Annotated[
        int,
        typer.Option(min=0, max=100_000, metavar="STEPS", help="Search a prefix, on judges with log-probabilities."),
    ] = 0,
    every_entrant: Annotated[
        bool, typer.Option("--every-entrant", help="Decide every entrant, also when one has failed the gate.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Enter models that ignore the instruction, and see whether the judge lets one of them win."""
    session: Session = context.obj
    given = {"url": judge_url, "key_env": judge_key_env, "name": judge_name, "template": template, "price": price}
    with session.database() as database, ProgressLine() as progress:
        asked = NullAudit(
            benchmark=benchmark,
            judge=find_judge(database, given | {"model": judge}),
            baseline=baseline,
            gate=NullGate(fail_above, error),
            limit=limit,
            seed=seed,
            concurrency=concurrency,
            everyone=every_entrant,
            search=random_search,
        )
        report = _null_report(database, asked, defence or [], honest if side_by_side else None, session, progress)
    if output is Format.TABLE:
        print_entrants(report)
        print_defences(report)
    finish(report, output, html)


def _null_report(
    database: Database,
    asked: NullAudit,
    defences: list[str],
    honest: int | None,
    session: Session,
    progress: ProgressLine,
) -> AuditReport:
    """The audit of the judge as it is, or under one defence; or of all defences, where ``honest`` is given."""
    how: dict[str, Any] = {"environment": session.environment, "on_progress": progress.show}
    if honest is not None:
        return compare_defences(database, Comparison(asked, defences, honest), **how)
    if len(defences) > 1:
        raise InputError("several defences are measured side by side: add --defences")
    if defences:
        asked = replace(asked, judge=defended_spec(asked.judge, defences[0]))
    return null_models(database, asked, **how)


@app.command("robustness")
def robust(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    judge: Annotated[str, typer.Option(help="The judge: its server's name for it, 'embedded', or 'scripted:NAME'.")],
    model: Annotated[str, typer.Option(help="The model whose outputs are changed.")],
    opponent: Annotated[str, typer.Option(help="The model that they meet.")],
    judge_url: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1")
    ] = None,
    judge_key_env: Annotated[
        str | None, typer.Option(help="NAME of the environment variable that holds the server's key.")
    ] = None,
    judge_name: Annotated[str | None, typer.Option(help="Name under which the judge is stored.")] = None,
    template: Annotated[str | None, typer.Option(help="A template, e.g. pairwise/two-way, or a file.")] = None,
    limit: Annotated[int, typer.Option(min=2, help="Instructions.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the instructions drawn.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, max=4096, help="Questions in flight at most.")] = 16,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Change outputs in ways that should not, or must, matter, and see what the judge makes of it."""
    session: Session = context.obj
    given = {"url": judge_url, "key_env": judge_key_env, "name": judge_name, "template": template}
    with session.database() as database, ProgressLine() as progress:
        asked = RobustnessAudit(
            benchmark=benchmark,
            judge=find_judge(database, given | {"model": judge}),
            model=model,
            opponent=opponent,
            limit=limit,
            seed=seed,
            concurrency=concurrency,
        )
        report = robustness(database, asked, environment=session.environment, on_progress=progress.show)
    if output is Format.TABLE:
        print_estimates(report)
    finish(report, output, html)


@app.command("integrity")
def integrity_of(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    round_trip: Annotated[
        bool, typer.Option(help="Copy the whole database to a temporary file and compare every row.")
    ] = True,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Hold stored verdicts against their completions, and look for what is missing, doubled or one-sided."""
    session: Session = context.obj
    with session.database() as database:
        report = integrity(database, benchmark, round_trip=round_trip)
    finish(report, output, html)

"""judgebench audit ...: exit code 0 passed, 1 a high finding or a failed gate, 2 bad input."""

from pathlib import Path
from typing import Annotated

import typer

from judgebench.audits.null_gate import Gate
from judgebench.cli.audit_print import finish, print_entrants, print_estimates
from judgebench.cli.progress import ProgressLine
from judgebench.cli.session import Format, Session
from judgebench.spec import load_template
from judgebench.study import audit as audits
from judgebench.study.integrity import integrity
from judgebench.study.judges import find_judge
from judgebench.study.null_audit import NullAudit, defended_spec, null_models
from judgebench.study.robustness import RobustnessAudit, robustness

app = typer.Typer(help="Is this judge, or this submission, to be trusted?", no_args_is_help=True)


@app.command("submissions")
def submissions(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    model: Annotated[list[str] | None, typer.Option(help="Only this model; may be repeated. Default: all.")] = None,
    template: Annotated[
        list[Path] | None, typer.Option(help="An own template file that judges are asked with; may be repeated.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.")] = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Look for outputs that ignore their instruction, work on the judge, or are somebody else's."""
    session: Session = context.obj
    own = [load_template(path) for path in template or ()]
    with session.database() as database:
        report = audits.submissions(database, benchmark, models=model or (), own_templates=own)
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
        str | None, typer.Option(help="Ask under this defence: escaped, datamarked, sandwich ...; see the docs.")
    ] = None,
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
        spec = find_judge(database, judge, given)
        asked = NullAudit(
            benchmark=benchmark,
            judge=spec if defence is None else defended_spec(spec, defence),
            baseline=baseline,
            gate=Gate(fail_above, error),
            limit=limit,
            seed=seed,
            concurrency=concurrency,
            everyone=every_entrant,
        )
        report = null_models(database, asked, environment=session.environment, on_progress=progress.show)
    if output is Format.TABLE:
        print_entrants(report)
    finish(report, output, html)


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
            judge=find_judge(database, judge, given),
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

"""judgebench answer: a benchmark's outputs from a model's server."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from judgebench import engine
from judgebench.cli import options
from judgebench.cli.options import settings_of
from judgebench.cli.session import Format, ProgressLine, Session, complain, counts, out, print_json, summary, visible
from judgebench.records import Status
from judgebench.spec import make_generation

_INTERRUPTED = 130
_WITHOUT_OUTPUT = 3
# Every parameter that shapes an output is sent and stored: a server's own defaults are nobody's settings.
_SETTINGS: dict[str, Any] = {"temperature": 0, "max_tokens": 2048}


def answer(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    model: Annotated[str, typer.Option(help="Its server's name for it, 'embedded', or 'scripted:echo'.")],
    model_url: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1")
    ] = None,
    model_key_env: options.JudgeKeyEnv = None,
    model_name: Annotated[str | None, typer.Option(help="Name under which its outputs are stored.")] = None,
    system: Annotated[str | None, typer.Option(help="A system message before each instruction.")] = None,
    setting: options.Settings = None,
    price: options.Price = None,
    prices: options.Prices = None,
    limit: options.Limit = None,
    category: options.Category = None,
    concurrency: options.Concurrency = None,
    max_cost: options.MaxCost = None,
    max_failures: options.MaxFailures = None,
    max_errors: options.MaxErrors = None,
    dry_run: Annotated[bool, typer.Option(help="Print what would be asked, and ask nothing.")] = False,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Collect a model's outputs; the same command continues a stopped collection and asks for no output twice.

    Settings are temperature=0 and max_tokens=2048 unless --set says otherwise; they are stored with the outputs.
    """
    session: Session = context.obj
    named = {"model": model, "url": model_url, "key_env": model_key_env, "price": price}
    served: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    served |= {"settings": _SETTINGS | settings_of(setting or []), **options.priced(served, prices)}
    given = {
        "benchmark": benchmark,
        "generator": served,
        "model": model_name or model,
        "system": system,
        "limit": limit,
        "category": category,
        "concurrency": concurrency,
        "max_cost": max_cost,
        "max_failures": max_failures,
        "max_errors": max_errors,
    }
    wanted = make_generation({name: value for name, value in given.items() if value is not None}, where="flags")
    with session.database() as database:
        if dry_run:
            _print_estimate(wanted.model, engine.answer.estimate_answers(database, wanted), output)
            return
        with ProgressLine("answering") as progress:
            report = engine.answer.answer(database, wanted, environment=session.environment, on_progress=progress.show)
    _print_report(benchmark, report, output)
    if report.interrupted:
        complain("interrupted; the same command continues where it stopped")
        raise typer.Exit(_INTERRUPTED)
    if report.tally.pending or report.tally.ended.get(Status.FAILED):
        raise typer.Exit(_WITHOUT_OUTPUT)


def _print_report(benchmark: str, report: engine.answer.AnswerReport, output: Format) -> None:
    if report.other_models:
        names = ", ".join(repr(name) for name in report.other_models)
        complain(f"warning: {report.model!r} was answered by {names}, which is not the model that was asked")
    if output is Format.JSON:
        about = {"benchmark": benchmark, "model": report.model}
        print_json(about | counts(report.tally) | {"calls": report.calls, "cost_usd": report.tally.cost_usd})
        return
    out().print(visible(f"{report.model}: {summary(report.tally, report.calls)}"))


def _print_estimate(model: str, estimate: engine.answer.AnswerEstimate, output: Format) -> None:
    if output is Format.JSON:
        found = asdict(estimate)
        renamed = {"prompt_tokens": "prompt_tokens_estimate", "cost_usd": "cost_usd_estimate"}
        print_json({"model": model} | {renamed.get(name, name): value for name, value in found.items()})
        return
    cost = "not known (give --price)" if estimate.cost_usd is None else f"about {estimate.cost_usd:.2f} USD"
    lines = [
        f"{model}: {estimate.planned} instructions, {estimate.answered} answered already, {estimate.calls} calls left",
        f"about {estimate.prompt_tokens:,} prompt tokens (characters / 4), cost {cost}, replies not included",
    ]
    for line in lines:
        out().print(visible(line))

"""judgebench answer: a benchmark's outputs from a model's server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench import engine, services
from judgebench.cli import options
from judgebench.cli.connection import ConnectionOptions
from judgebench.cli.jobs import tell_queued
from judgebench.cli.session import (
    INTERRUPTED,
    WITHOUT_VERDICT,
    Session,
    asked_otherwise,
    complain,
    ending,
    expected,
    print_json,
    progress_line,
    say,
    summary,
    tell_findings,
    tell_stopped,
    warn,
)
from judgebench.records import Status
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.engine.answer import AnswerEstimate, AnswerReport
    from judgebench.spec import Generation
    from judgebench.store.database import Database


@options.flat
def answer(
    context: typer.Context,
    benchmark: options.Benchmark,
    model: options.ServedModel,
    pace: options.PaceOptions,
    connection: ConnectionOptions,
    workers: options.WorkerOptions,
    model_url: options.ModelAddress = None,
    model_key_env: options.ModelKeyVariable = None,
    model_name: Annotated[
        str | None, typer.Option("--model-name", help="Store its outputs under this name.", show_default="the model's")
    ] = None,
    same_model: Annotated[
        bool, typer.Option("--same-model", help="The model is the same at this new address, which is remembered.")
    ] = False,
    system: Annotated[str | None, typer.Option("--system", help="A system message before each instruction.")] = None,
    setting: options.Settings = None,
    price: options.Price = None,
    vllm: options.VllmFlags = None,
    prices: options.Prices = None,
    limit: options.Limit = None,
    category: options.Category = None,
    shard: options.Shard = None,
    audit: options.Audited = True,
    dry_run: options.DryRun = False,
    queue: options.Queue = False,
    output: options.Output = "table",
) -> None:
    """Collect a model's outputs from its server.

    The same command continues a stopped collection and asks for no output twice. Settings are temperature=0 and
    max_tokens=2048 unless --set says otherwise; they are stored with the outputs. At its end the outputs are audited:
    what was found marks the model and does not change the exit code.

    $ judgebench answer --benchmark demo --model scripted:echo --limit 5
    $ judgebench answer --benchmark demo --model qwen3 --model-url http://127.0.0.1:8000/v1 --set temperature=0.7
    $ judgebench answer --benchmark demo --model scripted:echo --model-name echo --queue
    """
    from judgebench.spec import make_generation
    from judgebench.spec.addresses import as_given

    session: Session = context.obj
    served = options.given(model=model, url=as_given(model_url), key_env=model_key_env, price=price, vllm=vllm)
    served |= connection.fields() | workers.fields()
    served |= {"settings": options.settings_of(setting), **({} if prices is None else options.priced(served, prices))}
    fields = options.given(
        benchmark=benchmark,
        generator=served,
        model=model_name or model,
        system=system,
        limit=limit,
        category=category,
        shard=shard,
        same_model=same_model,
        **asdict(pace),
    )
    generation = make_generation(fields, where="flags")
    with session.database() as database:
        if dry_run:
            _print_estimate(generation.model, engine.answer.estimate_answers(database, generation), output)
            return
        if queue:
            estimate = engine.answer.estimate_answers(database, generation)
            tell_queued(services.jobs.queue_answer(database, generation, estimate, audit=audit), output)
            return
        collect(session, database, generation, output, audit=audit)


def collect(session: Session, database: Database, generation: Generation, output: str, *, audit: bool = True) -> None:
    """Ask for the outputs that are not there yet, print how that ended, and leave with the exit code of it."""
    with progress_line("answering") as show:
        report = services.answers.answer(
            database, generation, environment=session.environment, on_progress=show, audit=audit
        )
    _print_report(generation.benchmark, report, output)
    tell_findings(generation.benchmark, report.audit)
    tell_stopped(report.tally)
    if report.interrupted:
        complain("interrupted; the same command continues where it stopped")
        raise typer.Exit(INTERRUPTED)
    if report.tally.pending or report.tally.ended.get(Status.FAILED):
        raise typer.Exit(WITHOUT_VERDICT)


def _print_report(benchmark: str, report: AnswerReport, output: str) -> None:
    warn(repr(report.model), report, lacking="an output")
    if output == "json":
        about = {"benchmark": benchmark, "model": report.model}
        paid = {"calls": report.calls, "cost_usd": report.tally.cost_usd, "not_asked": dict(report.not_asked)}
        audited = {"submission_audit": None if report.audit is None else report.audit.document()}
        print_json(about | ending(report.tally) | paid | asked_otherwise(report) | audited)
    else:
        say(f"{report.model}: {summary(report.tally, report.calls, report.reasons)}", *_not_asked(report.not_asked))


def _print_estimate(model: str, estimate: AnswerEstimate, output: str) -> None:
    if output == "json":
        renamed = {"prompt_tokens": "prompt_tokens_estimate", "cost_usd": "cost_usd_estimate"}
        print_json({"model": model} | {renamed.get(name, name): value for name, value in asdict(estimate).items()})
        return
    say(
        f"{model}: {count(estimate.planned, 'instruction')}, {estimate.answered:,} answered already, "
        f"{count(estimate.calls, 'call')} left",
        f"about {count(estimate.prompt_tokens, 'prompt token')} (characters / 4), {expected(estimate.cost_usd)}, "
        "replies not included",
        *_not_asked(estimate.not_asked),
    )


def _not_asked(reasons: Mapping[str, int]) -> list[str]:
    return [f"{number} not asked: {why}" for why, number in reasons.items()]

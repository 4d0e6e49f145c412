"""judgebench run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgebench import engine, services
from judgebench.cli import options, remote
from judgebench.cli.connection import ConnectionOptions
from judgebench.cli.jobs import tell_queued
from judgebench.cli.session import (
    Session,
    asked_otherwise,
    ending,
    expected,
    leave,
    print_json,
    progress_line,
    say,
    summary,
    tell,
    tell_stopped,
    warn,
)
from judgebench.show.numbers import duration, percent, span
from judgebench.show.sentences import images_shown, not_shown, unseen, within_cost
from judgebench.show.text import count
from judgebench.spec.study import Design

if TYPE_CHECKING:
    from judgebench.engine.adaptive import Settlement
    from judgebench.engine.plan import CostEstimate
    from judgebench.engine.run import RunReport
    from judgebench.spec import Study
    from judgebench.store.database import Database

_METHOD = "betting confidence sequences, valid at any number of looks"


@dataclass(frozen=True, slots=True)
class AdaptiveOptions:
    """Adaptive design"""

    design: Annotated[
        Design | None,
        typer.Option("--design", help="Adaptive: choose battles by what earlier ones said.", show_default="fixed"),
    ] = None
    better: Annotated[
        str | None, typer.Option("--better", metavar="A,B", help="Settle whether A is better than B.")
    ] = None
    top: Annotated[int | None, typer.Option("--top", help="Settle which are the best so many.")] = None
    budget: Annotated[int | None, typer.Option("--budget", help="Trials at most.")] = None
    error: Annotated[float | None, typer.Option("--error", help="Chance of a wrong answer.", show_default="0.05")] = (
        None
    )


@options.flat
def run(
    context: typer.Context,
    judge: options.JudgeOptions,
    design: options.DesignOptions,
    adaptive: AdaptiveOptions,
    pace: options.PaceOptions,
    connection: ConnectionOptions,
    workers: options.WorkerOptions,
    file: options.StudyFile = None,
    prices: options.Prices = None,
    reask: Annotated[
        bool | None, typer.Option("--reask", help="Ask once more, under a constraint, where a reply has no verdict.")
    ] = None,
    redo: Annotated[
        str | None,
        typer.Option("--redo", metavar="STATUS,...", help="Ask those again that are unparsed, truncated or refused."),
    ] = None,
    profile: options.AskedAs = None,
    taxonomy: Annotated[
        Path | None,
        typer.Option("--taxonomy", metavar="FILE", help="Causes of failures, in YAML.", show_default="the template's"),
    ] = None,
    dry_run: options.DryRun = False,
    queue: options.Queue = False,
    output: options.Output = "table",
) -> None:
    """Judge a benchmark's outputs; the same command continues a stopped run and repeats no answered call.

    $ judgebench run --benchmark demo --judge scripted:coin --all-pairs
    $ judgebench run --benchmark demo --judge embedded --baseline demo-careful --limit 5
    $ judgebench run --benchmark demo --judge qwen3 --judge-url http://127.0.0.1:8000/v1 --all-pairs --dry-run
    $ judgebench run --benchmark demo --judge scripted:coin --design adaptive --top 1 --budget 200
    $ judgebench run --benchmark demo --judge scripted:coin --profile lmarena --all-pairs
    $ judgebench run --benchmark demo --judge scripted:goals --template pointwise/goals
    $ judgebench run --benchmark demo --judge scripted:coin --all-pairs --ray local --workers 2 --dry-run
    $ judgebench run --benchmark demo --judge scripted:coin --all-pairs --queue
    """
    session: Session = context.obj
    more = options.given(**asdict(adaptive), **asdict(pace), reask=reask)
    if redo is not None:
        more["redo"] = options.names([redo])
    if adaptive.better is not None:
        more["better"] = tuple(name.strip() for name in adaptive.better.split(","))
    if (server := remote.server_of(context)) is not None:
        remote.refuse(**asdict(adaptive), **asdict(connection), **asdict(workers))
        remote.refuse(prices=prices, profile=profile, drain=pace.drain)
        remote.refuse_dry_run(dry_run=dry_run)
        report = remote.run(server, remote.study(file, design, judge, more), output, waits=not queue)
        if report is not None:
            _finish(report, None, output)
        return
    with session.database() as database:
        if profile is not None and design.benchmark is not None and not dry_run:
            _tell_first_turns(services.benchmark_runs.add_first_turns(database, design.benchmark, profile))
        study = options.study_of(
            *(database, file, design, judge, prices),
            connection=connection,
            workers=workers,
            more=more,
            profile=profile,
            taxonomy=taxonomy,
        )
        if dry_run:
            _print_estimate(engine.plan.estimate(database, study), output)
            return
        if queue:
            tell_queued(services.jobs.queue_run(database, study, engine.plan.estimate(database, study)), output)
            return
        judge_study(session, database, study, output)


def judge_study(session: Session, database: Database, study: Study, output: str, *, spent_usd: float = 0.0) -> None:
    """Ask what has no answer yet, print how that ended, and leave with the exit code of it. ``spent_usd``: before."""
    settlement: Settlement | None = None
    with progress_line() as show:
        how: dict[str, Any] = {"environment": session.environment, "on_progress": show, "spent_usd": spent_usd}
        if study.design == "adaptive":
            settlement = engine.adaptive.settle(database, study, **how)
            report = settlement.run
        else:
            report = engine.run.run(database, study, **how)
    _finish(report, settlement, output)


def _finish(report: RunReport, settlement: Settlement | None, output: str) -> None:
    """Print how it ended, and leave with the exit code of that."""
    _print_report(report, settlement, output)
    warn(f"judge {report.judge!r}", report, lacking="a verdict")
    tell_stopped(report.tally)
    leave(report, interrupted=report.interrupted)


def _tell_first_turns(number: int) -> None:
    if number:
        tell(f"{count(number, 'first turn')} stored as instructions of their own, as the benchmark judges them")


def _print_report(report: RunReport, settlement: Settlement | None, output: str) -> None:
    if output == "json":
        reasked = {} if report.reasked is None else {"reasked": report.reasked}
        more = reasked if settlement is None else reasked | _settled(settlement)
        spent = {"calls": report.calls, "cost_usd": report.tally.cost_usd, "taken_over": report.tally.taken_over}
        seen = {"not_shown": dict(report.not_shown), "identical_as_shown": report.identical_as_shown}
        print_json(ending(report.tally) | spent | seen | asked_otherwise(report) | more)
        return
    again = f"; {report.reasked} asked again under a constraint" if report.reasked else ""
    say(f"{report.judge}: {summary(report.tally, report.calls, report.reasons)}{again}", *not_shown(report.not_shown))
    if report.identical_as_shown:
        ties = count(report.identical_as_shown, "tie")
        say(f"{ties} without a call: the outputs differ only in what the judge is not shown")
    if settlement is not None:
        _print_settlement(settlement)


def _settled(settlement: Settlement) -> dict[str, Any]:
    return {
        "design": "adaptive",
        "question": settlement.question,
        "settled": settlement.settled,
        "answer": list(settlement.answer),
        "ended": settlement.why,
        "error": settlement.error,
        "budget": settlement.budget,
        "looks": settlement.looks,
        "left_out": settlement.left_out,
        "interval": {"level": 1 - settlement.error, "method": _METHOD},
        "models": [asdict(standing) for standing in settlement.standings],
    }


def _print_settlement(settlement: Settlement) -> None:
    answer = ", ".join(settlement.answer) if settlement.settled else f"not settled ({settlement.why})"
    say(f"{settlement.question}? {answer}")
    for model in settlement.standings:
        mean = "not observed" if model.mean is None else percent(model.mean)
        bounds = span(model.lower, model.upper, "share")
        say(f"  {model.model}: preferred {mean} {bounds} on {count(model.observations, 'instruction')}")
    say(f"{1 - settlement.error:.0%} bounds of all together, {_METHOD}; looked at {count(settlement.looks, 'time')}")
    if settlement.left_out:
        say(f"left out: {count(settlement.left_out, 'battle')} without a preference in each order")


def _print_estimate(estimate: CostEstimate, output: str) -> None:
    planned, judge = estimate.plan, estimate.plan.resolved.judge
    if output == "json":
        print_json(
            {
                "judge": judge.name,
                "template": judge.template,
                "models": list(planned.models),
                "battles": planned.battles,
                "outputs": planned.outputs,
                "planned": planned.trials,
                "answered": estimate.answered,
                "taken_over": estimate.taken_over,
                "identical": estimate.identical,
                "unseen": estimate.unseen,
                "calls": estimate.calls,
                "not_shown": dict(estimate.not_shown),
                "prompt_tokens_estimate": estimate.prompt_tokens,
                "images": estimate.images,
                "image_tokens_estimate": estimate.image_tokens,
                "reply_tokens_estimate": estimate.reply_tokens,
                "seconds_estimate": estimate.seconds,
                "cost_usd_estimate": estimate.cost_usd,
                "max_cost_usd": planned.study.max_cost,
                "missing_outputs": dict(planned.missing),
            }
        )
        return
    outputs, battles = count(planned.outputs, "output"), count(planned.battles, "battle")
    matter = f"{outputs} to score" if planned.outputs else battles
    say(
        f"judge {judge.name} with template {judge.template}",
        f"{matter}, {count(planned.trials, 'trial')}: {estimate.answered:,} answered already, {_taken_over(estimate)}"
        f"{estimate.identical:,} decided without a call (identical outputs), {count(estimate.calls, 'call')} to make",
        f"about {count(estimate.prompt_tokens, 'prompt token')} (characters / 4), {_replies(estimate)}, "
        f"{expected(estimate.cost_usd)}",
        _time(estimate),
        *images_shown(estimate.images, estimate.image_tokens),
        *within_cost(estimate.cost_usd, planned.study.max_cost),
        *not_shown(estimate.not_shown),
        *unseen(estimate.unseen),
        *(f"{model}: no output for {count(number, 'instruction')}" for model, number in planned.missing.items()),
    )


def _taken_over(estimate: CostEstimate) -> str:
    return f"{estimate.taken_over:,} to take over from other benchmarks, " if estimate.taken_over else ""


def _replies(estimate: CostEstimate) -> str:
    if estimate.reply_tokens is None:
        return "replies not included, since this judge has given none yet"
    return f"{count(estimate.reply_tokens, 'reply token')} (as in its last replies)"


def _time(estimate: CostEstimate) -> str:
    if estimate.seconds is None:
        hint = "" if estimate.plan.resolved.provider.is_local else "; judgebench judges test NAME times one question"
        return f"time not known until this judge has replied once{hint}"
    return f"about {duration(estimate.seconds)} (at the latency of its last replies)"

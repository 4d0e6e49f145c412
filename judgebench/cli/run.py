"""judgebench run."""

from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from judgebench import engine
from judgebench.cli import options
from judgebench.cli.session import Format, ProgressLine, Session, complain, counts, out, print_json, summary, visible

_REASONS = 3  # shown


_INTERRUPTED = 130


_METHOD = "betting confidence sequences, valid at any number of looks"


_WITHOUT_VERDICT = 3


def _replies(estimate: engine.plan.CostEstimate) -> str:
    if estimate.reply_tokens is None:
        return "replies not included, since this judge has given none yet"
    return f"{estimate.reply_tokens:,} reply tokens (as in its last replies)"


def _time(estimate: engine.plan.CostEstimate) -> str:
    if estimate.seconds is None:
        return "time not known until this judge has replied once; judgebench judges test NAME times one question"
    return f"about {timedelta(seconds=round(estimate.seconds))} (at the latency of its last replies)"


class Design(StrEnum):
    FIXED = "fixed"
    ADAPTIVE = "adaptive"


def run(
    context: typer.Context,
    file: options.StudyFile = None,
    benchmark: options.Benchmark = None,
    judge: options.JudgeModel = None,
    judge_url: options.JudgeUrl = None,
    judge_key_env: options.JudgeKeyEnv = None,
    judge_name: options.JudgeName = None,
    template: options.TemplateId = None,
    price: options.Price = None,
    prices: options.Prices = None,
    models: options.Models = None,
    baseline: options.Baseline = None,
    all_pairs: options.AllPairs = None,
    pair: options.Pairs = None,
    orders: options.OrdersOption = None,
    repeats: options.Repeats = None,
    limit: options.Limit = None,
    category: options.Category = None,
    seed: options.Seed = None,
    design: Annotated[
        Design | None, typer.Option(help="fixed, or adaptive: choose battles by what earlier ones said.")
    ] = None,
    better: Annotated[
        str | None, typer.Option(metavar="A,B", help="Adaptive: settle whether A is better than B.")
    ] = None,
    top: Annotated[int | None, typer.Option(help="Adaptive: settle which are the best so many.")] = None,
    budget: Annotated[int | None, typer.Option(help="Adaptive: trials at most.")] = None,
    error: Annotated[float | None, typer.Option(help="Adaptive: chance of a wrong answer. Default: 0.05.")] = None,
    reask: Annotated[
        bool | None, typer.Option("--reask", help="Ask once more, under a constraint, where a reply has no verdict.")
    ] = None,
    concurrency: options.Concurrency = None,
    max_cost: options.MaxCost = None,
    max_failures: options.MaxFailures = None,
    max_errors: options.MaxErrors = None,
    dry_run: Annotated[bool, typer.Option(help="Print what would be asked, and ask nothing.")] = False,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Judge a benchmark's outputs; the same command continues a stopped run and repeats no answered call."""
    session: Session = context.obj
    given = {
        "benchmark": benchmark,
        "models": options.names(models),
        "baseline": baseline,
        "all_pairs": all_pairs,
        "pairs": options.pairs(pair),
        "orders": None if orders is None else str(orders),
        "repeats": repeats,
        "limit": limit,
        "category": category,
        "seed": seed,
        "design": None if design is None else str(design),
        "better": None if better is None else tuple(name.strip() for name in better.split(",")),
        "top": top,
        "budget": budget,
        "error": error,
        "reask": reask,
        "concurrency": concurrency,
        "max_cost": max_cost,
        "max_failures": max_failures,
        "max_errors": max_errors,
    }
    asked = {
        "model": judge,
        "url": judge_url,
        "key_env": judge_key_env,
        "name": judge_name,
        "template": template,
        "price": price,
    }
    with session.database() as database:
        wanted = options.study_of(database, file, given, asked, prices)
        if dry_run:
            _print_estimate(engine.plan.estimate(database, wanted), output)
            return
        settlement: engine.adaptive.Settlement | None = None
        with ProgressLine() as progress:
            if wanted.design == "adaptive":
                settlement = engine.adaptive.settle(
                    database, wanted, environment=session.environment, on_progress=progress.show
                )
                report = settlement.run
            else:
                report = engine.run.run(database, wanted, environment=session.environment, on_progress=progress.show)
    _print_report(report, settlement, output)
    if report.other_models:
        names = ", ".join(repr(name) for name in report.other_models)
        complain(f"warning: judge {report.judge!r} was answered by {names}, which is not the model that was asked")
    if report.left_out:
        complain(f"warning: the server does not take {', '.join(report.left_out)}: {report.judge!r} was asked without")
    for why, count in report.reasons[:_REASONS]:
        complain(f"{count} without a verdict: {why[:200]}")
    if report.interrupted:
        complain("interrupted; the same command continues where it stopped")
        raise typer.Exit(_INTERRUPTED)
    if report.tally.without_verdict:
        raise typer.Exit(_WITHOUT_VERDICT)


def _print_report(report: engine.run.RunReport, settlement: engine.adaptive.Settlement | None, output: Format) -> None:
    if output is Format.JSON:
        reasked = {} if report.reasked is None else {"reasked": report.reasked}
        more = reasked if settlement is None else reasked | _settled(settlement)
        print_json(counts(report.tally) | {"calls": report.calls, "cost_usd": report.tally.cost_usd} | more)
        return
    again = f"; {report.reasked} asked again under a constraint" if report.reasked else ""
    out().print(visible(f"{report.judge}: {summary(report.tally, report.calls)}{again}"))
    if settlement is not None:
        _print_settlement(settlement)


def _settled(found: engine.adaptive.Settlement) -> dict[str, Any]:
    standings = [asdict(each) for each in found.standings]
    return {
        "design": "adaptive",
        "question": found.question,
        "settled": found.settled,
        "answer": list(found.answer),
        "ended": found.why,
        "error": found.error,
        "budget": found.budget,
        "looks": found.looks,
        "left_out": found.left_out,
        "interval": {"level": 1 - found.error, "method": _METHOD},
        "models": standings,
    }


def _print_settlement(found: engine.adaptive.Settlement) -> None:
    answer = ", ".join(found.answer) if found.settled else f"not settled ({found.why})"
    out().print(visible(f"{found.question}? {answer}"))
    for each in found.standings:
        mean = "not observed" if each.mean is None else f"{100 * each.mean:.1f}%"
        bounds = f"[{100 * each.lower:.1f}%, {100 * each.upper:.1f}%]"
        out().print(visible(f"  {each.model}: preferred {mean} {bounds} on {each.observations} instructions"))
    out().print(f"{1 - found.error:.0%} bounds of all together, {_METHOD}; looked at {found.looks} times")
    if found.left_out:
        out().print(f"left out: {found.left_out} battles without a preference in each order")


def _print_estimate(estimate: engine.plan.CostEstimate, output: Format) -> None:
    planned = estimate.plan
    if output is Format.JSON:
        print_json(
            {
                "judge": planned.resolved.judge.name,
                "template": planned.resolved.judge.template,
                "models": list(planned.models),
                "battles": planned.battles,
                "outputs": planned.outputs,
                "planned": planned.trials,
                "answered": estimate.answered,
                "identical": estimate.identical,
                "calls": estimate.calls,
                "prompt_tokens_estimate": estimate.prompt_tokens,
                "reply_tokens_estimate": estimate.reply_tokens,
                "seconds_estimate": estimate.seconds,
                "cost_usd_estimate": estimate.cost_usd,
                "missing_outputs": dict(planned.missing),
            }
        )
        return
    cost = "not known (give --price)" if estimate.cost_usd is None else f"about {estimate.cost_usd:.2f} USD"
    met = f"{planned.outputs} outputs to score" if planned.outputs else f"{planned.battles} battles"
    lines = [
        f"judge {planned.resolved.judge.name} with template {planned.resolved.judge.template}",
        f"{met}, {planned.trials} trials: {estimate.answered} answered already, "
        f"{estimate.identical} decided without a call (identical outputs), {estimate.calls} calls to make",
        f"about {estimate.prompt_tokens:,} prompt tokens (characters / 4), {_replies(estimate)}, cost {cost}",
        _time(estimate),
    ]
    lines += [f"{model}: no output for {count} instructions" for model, count in planned.missing.items()]
    for line in lines:
        out().print(visible(line))

"""judgebench run, judgebench reparse."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from judgebench import study
from judgebench.cli.session import Format, Session, complain, err, out, print_json, visible
from judgebench.errors import InputError
from judgebench.execution.runner import Tally
from judgebench.records import Status
from judgebench.spec import Study, load_study, make_study
from judgebench.store.database import Database

_INTERRUPTED = 130
_WITHOUT_VERDICT = 3


class Orders(StrEnum):
    BOTH = "both"
    RANDOM = "random"
    SINGLE = "single"


def run(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[STUDY]", help="A study file in YAML; flags win over it.")
    ] = None,
    benchmark: Annotated[str | None, typer.Option(help="Name of the benchmark.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(help="The judge: one that was added, its server's name for it, 'embedded', or 'scripted:NAME'."),
    ] = None,
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
    models: Annotated[
        list[str] | None, typer.Option(help="Models that meet; may be repeated or separated by commas. Default: all.")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="Compare every model with this one.")] = None,
    all_pairs: Annotated[bool | None, typer.Option("--all-pairs", help="Compare every pair of models.")] = None,
    orders: Annotated[Orders | None, typer.Option(help="Orders in which the outputs are shown. Default: both.")] = None,
    repeats: Annotated[int | None, typer.Option(help="How often each order is asked.")] = None,
    limit: Annotated[int | None, typer.Option(help="Take the first N instructions.")] = None,
    category: Annotated[str | None, typer.Option(help="Take the instructions of one category.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of random orders.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Questions in flight at most.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Stop asking once this many USD are spent.")] = None,
    max_failures: Annotated[int | None, typer.Option(help="Give up after so many failures in a row.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Print what would be asked, and ask nothing.")] = False,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Judge a benchmark's outputs; the same command continues a stopped run and repeats no answered call."""
    session: Session = context.obj
    given = {
        "benchmark": benchmark,
        "models": _names(models) if models else None,
        "baseline": baseline,
        "all_pairs": all_pairs,
        "orders": None if orders is None else str(orders),
        "repeats": repeats,
        "limit": limit,
        "category": category,
        "seed": seed,
        "concurrency": concurrency,
        "max_cost": max_cost,
        "max_failures": max_failures,
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
        wanted = _study(database, file, given, asked)
        if dry_run:
            _print_estimate(study.estimate(database, wanted), output)
            return
        with ProgressLine() as progress:
            report = study.run(database, wanted, environment=session.environment, on_progress=progress.show)
    _print_report(report, output)
    if report.other_models:
        names = ", ".join(repr(name) for name in report.other_models)
        complain(f"warning: judge {report.judge!r} was answered by {names}, which is not the model that was asked")
    if report.interrupted:
        complain("interrupted; the same command continues where it stopped")
        raise typer.Exit(_INTERRUPTED)
    if report.tally.without_verdict:
        raise typer.Exit(_WITHOUT_VERDICT)


def reparse(
    context: typer.Context,
    judge: Annotated[str, typer.Argument(help="Name of a judge.")],
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Read a judge's stored replies again with the current parser; no call is made."""
    session: Session = context.obj
    with session.database() as database:
        read, changed = study.reparse(database, judge)
    if output is Format.JSON:
        print_json({"read": read, "changed": changed})
    else:
        out().print(f"{read} replies read again, {changed} verdicts changed")


def _names(given: list[str]) -> tuple[str, ...]:
    return tuple(name.strip() for each in given for name in each.split(",") if name.strip())


def _study(database: Database, file: Path | None, given: dict[str, Any], asked: dict[str, Any]) -> Study:
    """The study of the file with the flags laid over it; a judge without an address may be one that was added."""
    fields: dict[str, Any] = {} if file is None else load_study(file).model_dump(exclude_defaults=True)
    fields |= {name: value for name, value in given.items() if value is not None}
    judge = dict(fields.get("judge", {})) | {name: value for name, value in asked.items() if value is not None}
    if "benchmark" not in fields:
        raise InputError("say which benchmark: --benchmark NAME, or a study file")
    if "model" not in judge:
        raise InputError("say which judge: --judge MODEL --judge-url URL, --judge embedded, or a study file")
    known = {each.judge.name: each.spec for each in study.known_judges(database)} if "url" not in judge else {}
    if known.get(judge["model"]) is not None:
        spec = study.known_judge(database, judge.pop("model")).spec
        judge = ({} if spec is None else spec.model_dump(exclude_none=True)) | judge
    return make_study(fields | {"judge": judge}, where=str(file or "flags"))


def _counts(tally: Tally) -> dict[str, Any]:
    return {"planned": tally.planned} | {str(s): tally.ended.get(s, 0) for s in Status} | {"pending": tally.pending}


def _print_report(report: study.RunReport, output: Format) -> None:
    counts = _counts(report.tally)
    if output is Format.JSON:
        print_json(counts | {"calls": report.calls, "cost_usd": report.tally.cost_usd})
        return
    shown = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    cost = "cost not known" if report.tally.cost_usd is None else f"{report.tally.cost_usd:.4f} USD"
    out().print(visible(f"{report.judge}: {shown}; {report.calls} calls, {cost}"))


def _print_estimate(estimate: study.Estimate, output: Format) -> None:
    planned = estimate.plan
    if output is Format.JSON:
        print_json(
            {
                "judge": planned.judge.name,
                "template": planned.judge.template,
                "models": list(planned.models),
                "battles": planned.battles,
                "outputs": planned.outputs,
                "planned": planned.trials,
                "answered": estimate.answered,
                "identical": estimate.identical,
                "calls": estimate.calls,
                "prompt_tokens_estimate": estimate.prompt_tokens,
                "cost_usd_estimate": estimate.cost_usd,
                "missing_outputs": dict(planned.missing),
            }
        )
        return
    cost = "not known (give --price)" if estimate.cost_usd is None else f"about {estimate.cost_usd:.2f} USD"
    met = f"{planned.outputs} outputs to score" if planned.outputs else f"{planned.battles} battles"
    lines = [
        f"judge {planned.judge.name} with template {planned.judge.template}",
        f"{met}, {planned.trials} trials: {estimate.answered} answered already, "
        f"{estimate.identical} decided without a call (identical outputs), {estimate.calls} calls to make",
        f"about {estimate.prompt_tokens:,} prompt tokens (characters / 4), cost {cost}, replies not included",
    ]
    lines += [f"{model}: no output for {count} instructions" for model, count in planned.missing.items()]
    for line in lines:
        out().print(visible(line))


class ProgressLine:
    """Done, time left, cost and failures on one line of stderr."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("judging"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("eta"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[more]}"),
            console=err(),
        )
        self._task = self._bar.add_task("judging", total=None, more="")

    def __enter__(self) -> "ProgressLine":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, tally: Tally, calls: int) -> None:
        good = (Status.OK, Status.TIE)
        bad = sum(count for status, count in tally.ended.items() if status not in good)
        cost = "" if not tally.cost_usd else f"{tally.cost_usd:.3f} USD "
        more = f"{calls} calls {cost}" + (f"{bad} without verdict" if bad else "")
        self._bar.update(self._task, total=tally.planned, completed=tally.planned - tally.pending, more=more)

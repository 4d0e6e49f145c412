"""judgebench place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer

from judgebench import engine, services
from judgebench.cli import options, remote
from judgebench.cli.session import Session, agreed, leave, print_json, print_result, progress_line, say, tell, warn

if TYPE_CHECKING:
    from judgebench.services.placement import Placement, PlacementPlan
    from judgebench.store.database import Database


@dataclass(frozen=True, slots=True)
class PlacingOptions(options.WorkerOptions):
    """Where, and how fast"""

    judge_url: options.JudgeAddress = None
    judge_key_env: options.JudgeKeyVariable = None
    same_judge: options.SameJudge = False
    concurrency: options.Concurrency = None

    @property
    def is_given(self) -> bool:
        return self != PlacingOptions()

    def fields(self) -> dict[str, Any]:
        """Fields of a judge that were given. Raises InputError on an unusable file."""
        from judgebench.spec.addresses import as_given

        own = options.given(
            url=as_given(self.judge_url), key_env=self.judge_key_env, same_judge=self.same_judge or None
        )
        return own | options.WorkerOptions.fields(self)


@options.flat
def place(
    context: typer.Context,
    model: options.PlacedModels,
    benchmark: options.Benchmark,
    where: PlacingOptions,
    judge: options.PlacingJudges = None,
    template: options.PlacingTemplate = None,
    repeats: options.PlacingRepeats = None,
    max_cost: options.Cap = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    output: options.Output = "table",
) -> None:
    """Have models judged as the board of a benchmark was, and say where they land.

    No other two models are compared anew. The same command continues a stopped one, and repeats no answered call.

    $ judgebench place --model demo-careful --benchmark demo --dry-run
    $ judgebench place --model demo-careful --model demo-hasty --benchmark demo --judge scripted:coin
    $ judgebench place --model demo-careful --benchmark demo --ray local --workers 2 --dry-run
    """
    if (server := remote.server_of(context)) is not None:
        remote.refuse(template=template, repeats=repeats, **asdict(where))
        placing = remote.Placing(benchmark, tuple(model), tuple(judge or ()), max_cost, yes)
        remote.place(server, placing, output, dry_run=dry_run)
        return
    session: Session = context.obj
    with session.database() as database:
        plan = services.placement.plan(
            *(database, benchmark, model),
            judges=judge or (),
            given=where.fields() | {"template": template},
            design={"repeats": repeats, "concurrency": where.concurrency},
            max_cost=max_cost,
        )
        if dry_run:
            _print_bill(database, plan, output)
            return
        placement = ask(session, database, plan, yes=yes, output=output)
    if output == "json":
        from judgebench.show.placement import placement_document

        print_json(placement_document(placement))
    ended(placement)


def _print_bill(database: Database, plan: PlacementPlan, output: str) -> None:
    from judgebench.show.placement import billed, dry_document, planned

    bill = services.placement.bill(services.placement.estimates(database, plan))
    if output == "json":
        print_json(dry_document(plan, bill))
    else:
        say(*planned(plan), *billed(bill))


def ask(session: Session, database: Database, plan: PlacementPlan, *, yes: bool, output: str) -> Placement:
    """Say what it takes, ask for consent where it is needed, then the judges, and print where the models land.

    Raises InputError without consent; then nothing is asked.
    """
    from judgebench.show import results
    from judgebench.show.placement import billed, planned

    estimates = services.placement.estimates(database, plan)
    bill = services.placement.bill(estimates)
    tell(*planned(plan), *billed(bill))
    is_agreed = agreed(needs_consent=bill.needs_consent, yes=yes, output=output)
    services.placement.check_consent(bill, agreed=is_agreed)
    with progress_line() as show:
        placement = engine.runner.run_async(
            services.placement.placing(database, plan, estimates, environment=session.environment, on_progress=show)
        )
    if output == "table":
        print_result(results.placement(placement, "table"))
    return placement


def ended(placement: Placement) -> None:
    """Warn of what went otherwise, and exit as a run does: stopped, or with trials without a verdict."""
    for report in placement.reports:
        warn(f"judge {report.judge!r}", report, lacking="a verdict")
    leave(*placement.reports, interrupted=any(report.interrupted for report in placement.reports))

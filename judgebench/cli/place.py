"""judgebench place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from judgebench import engine, services
from judgebench.cli import options
from judgebench.cli.session import (
    INTERRUPTED,
    WITHOUT_VERDICT,
    Session,
    complain,
    print_json,
    progress_line,
    say,
    tell,
    warn,
)

if TYPE_CHECKING:
    from judgebench.services.placement import Placement, PlacementPlan
    from judgebench.store.database import Database


def place(
    context: typer.Context,
    model: options.PlacedModels,
    benchmark: options.Benchmark,
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
    """
    session: Session = context.obj
    with session.database() as database:
        plan = services.placement.plan(
            database, benchmark, model, judges=judge or (), template=template, repeats=repeats, max_cost=max_cost
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
    from judgebench.show.placement import bill_document, billed, planned

    bill = services.placement.bill(services.placement.estimates(database, plan))
    if output == "json":
        print_json({"judges": list(plan.judges), "opponents": list(plan.opponents)} | bill_document(bill))
    else:
        say(*planned(plan), *billed(bill))


def ask(session: Session, database: Database, plan: PlacementPlan, *, yes: bool, output: str) -> Placement:
    """Say what it takes, ask for consent where it is needed, then the judges, and print where the models land.

    Raises InputError without consent; then nothing is asked.
    """
    from judgebench.show.placement import billed, placed, planned

    bill = services.placement.bill(services.placement.estimates(database, plan))
    tell(*planned(plan), *billed(bill))
    if bill.needs_consent and not yes and output == "table" and sys.stdin is not None and sys.stdin.isatty():
        yes = typer.confirm("Ask?", err=True)
    services.placement.check_consent(bill, agreed=yes)
    with progress_line() as show:
        placement = engine.runner.run_async(
            services.placement.placing(database, plan, environment=session.environment, on_progress=show)
        )
    if output == "table":
        say(*placed(placement))
    return placement


def ended(placement: Placement) -> None:
    """Warn of what went otherwise, and exit as a run does: stopped, or with trials without a verdict."""
    for report in placement.reports:
        warn(f"judge {report.judge!r}", report, lacking="a verdict")
    if any(report.interrupted for report in placement.reports):
        complain("interrupted; the same command continues where it stopped")
        raise typer.Exit(INTERRUPTED)
    if any(report.tally.without_verdict for report in placement.reports):
        raise typer.Exit(WITHOUT_VERDICT)

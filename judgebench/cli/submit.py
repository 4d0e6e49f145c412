"""judgebench submit."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench import services
from judgebench.cli import options, remote
from judgebench.cli.place import PlacingOptions, ask, ended
from judgebench.cli.session import known_to, opened, print_json, say, tell, tell_findings
from judgebench.errors import InputError
from judgebench.records import Lineage, check_name
from judgebench.show.sentences import match_lines
from judgebench.show.text import count, were

if TYPE_CHECKING:
    from judgebench.services.placement import Placement


@options.flat
def submit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="AlpacaEval model_outputs.json, JSONL, CSV or parquet; plain or .gz.")],
    model: options.Model,
    benchmark: options.Benchmark,
    where: PlacingOptions,
    columns: options.Columns = None,
    family: options.Family = None,
    parent: options.Parent = None,
    trained_on: options.TrainedOn = None,
    accept_lineage: Annotated[
        bool,
        typer.Option(
            "--accept-lineage", help="Declare the lineage that the model's name suggests; see judgebench lineage."
        ),
    ] = False,
    extend: options.Extend = False,
    new_benchmark: options.NewBenchmark = False,
    audit: options.Audited = True,
    accept_findings: Annotated[
        bool, typer.Option("--accept-findings", help="Store it in spite of high findings, by which it is marked.")
    ] = False,
    dry_run: options.DryMatch = False,
    rank: Annotated[
        bool, typer.Option("--rank", help="Then have it judged by the standing board, else as others were, and placed.")
    ] = False,
    judge: options.PlacingJudge = None,
    max_cost: options.Cap = None,
    yes: options.Yes = False,
    output: options.Output = "table",
) -> None:
    """Submit a model's outputs to the instructions of a benchmark.

    An audit comes first: with a high finding nothing is stored and the exit code is 2, unless --accept-findings.
    With --rank the same command continues a stopped one, and repeats no answered call.

    $ judgebench submit demo/outputs/demo-careful.json --model demo-careful --benchmark demo
    $ judgebench submit outputs.csv --model mine --benchmark demo --map output=answer --dry-run
    $ judgebench submit outputs.csv --model mine --benchmark demo --rank --max-cost 5
    """
    from judgebench.formats.outputs import read_outputs
    from judgebench.show.tables import brought

    if (server := remote.server_of(context)) is not None:
        _check_ranking(rank=rank, dry_run=dry_run, needs_rank=judge is not None or max_cost is not None or yes)
        remote.refuse(no_audit=not audit, **asdict(where))
        judges = () if judge is None else (judge,)
        placing = remote.Placing(benchmark, (model,), judges, max_cost, yes) if rank else None
        about = {
            "model": model, "benchmark": benchmark, "columns": options.columns_of(columns), "family": family,
            "parent": parent, "trained_on": trained_on or (), "accept_lineage": accept_lineage, "extend": extend,
            "new_benchmark": new_benchmark, "accept_findings": accept_findings, "dry_run": dry_run,
        }  # fmt: skip
        remote.submit(server, file, output, about, placing)
        return
    _check_ranking(rank=rank, dry_run=dry_run, needs_rank=judge is not None or max_cost is not None or yes)
    if where.is_given and not rank:
        raise InputError("where and how fast a judge is asked is about asking one: add --rank")
    check_name("model", model)
    check_name("benchmark", benchmark)
    with known_to(context, benchmark) as known:
        submission = read_outputs(file, columns=options.columns_of(columns), known=known)
    lineage = _lineage(model, Lineage(family, parent, tuple(trained_on or ())), accept_lineage)
    placement: Placement | None = None
    with opened(context, create=True) as database:
        plan = None  # made first: nothing is stored where it cannot be ranked
        if rank:
            judges = () if judge is None else (judge,)
            plan = services.placement.plan(
                *(database, benchmark, [model]),
                judges=judges,
                max_cost=max_cost,
                given=where.fields(),
                design={"concurrency": where.concurrency},
            )
        prepared = services.submissions.prepare(
            database,
            submission,
            benchmark=benchmark,
            model=model,
            lineage=lineage,
            extend=extend,
            new_benchmark=new_benchmark,
        )
        if audit:
            prepared = services.submissions.with_audit(database, prepared)
        if output == "table":
            tell(*match_lines(prepared.report))
        tell_findings(benchmark, prepared.report.audit)
        stored = None
        if not dry_run:
            stored = services.submissions.save(database, prepared, audit=audit, accept_findings=accept_findings)
            if output == "table":
                say(f"stored {count(stored.new, 'output')}; {stored.known:,} {were(stored.known)} stored already")
        if plan is not None:
            placement = ask(context.obj, database, plan, yes=yes, output=output)
    if output == "json":
        from judgebench.show.placement import placement_document

        counts = {"stored": stored.new, "already_stored": stored.known} if stored else {}
        place = {} if placement is None else {"placement": placement_document(placement)}
        print_json(brought(prepared.report) | counts | place)
    if placement is not None:
        ended(placement)


def _check_ranking(*, rank: bool, dry_run: bool, needs_rank: bool) -> None:
    if needs_rank and not rank:
        raise InputError("--judge, --max-cost and --yes are about asking a judge: add --rank")
    if rank and dry_run:
        raise InputError("--dry-run stores nothing, so there is nothing to rank: leave it or --rank out")


def _lineage(model: str, declared: Lineage, accept: bool) -> Lineage:
    """What was declared in flags; else, confirmed by a flag, what the model's name suggests."""
    from judgebench.bias.relatives import propose

    proposal = propose(model) if declared == Lineage() else None
    if accept and proposal is None and declared == Lineage():
        raise InputError(f"the name {model!r} suggests no lineage: declare it by --family, --parent and --trained-on")
    if proposal is None:
        return declared
    if accept:
        return proposal.lineage
    words = ", ".join(
        f"{name} {value if isinstance(value, str) else ', '.join(value)}"
        for name, value in asdict(proposal.lineage).items()
        if value
    )
    tell(f"no lineage declared; the name suggests {words}: --accept-lineage confirms it")
    return declared

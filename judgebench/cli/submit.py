"""judgebench submit."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from judgebench.audits.findings import AuditReport
from judgebench.bias.relatives import propose
from judgebench.cli.options import columns_of
from judgebench.cli.session import Format, Session, err, out, print_json, visible
from judgebench.errors import InputError
from judgebench.formats.outputs import read_outputs
from judgebench.records import Lineage, check_name
from judgebench.services.audits.submissions import audit_prepared, keep_prepared
from judgebench.services.submissions import MatchReport, prepare, save
from judgebench.show.audits import finding_line


def submit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="AlpacaEval model_outputs.json, JSONL, CSV or parquet; plain or .gz.")],
    model: Annotated[str, typer.Option(help="Name of the model that wrote the outputs.")],
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="e.g. instruction=question")
    ] = None,
    family: Annotated[str | None, typer.Option(help="The model's family, e.g. llama-3.")] = None,
    parent: Annotated[str | None, typer.Option(help="The model it was tuned from.")] = None,
    trained_on: Annotated[
        list[str] | None, typer.Option(help="A model whose outputs were in its training data; may be repeated.")
    ] = None,
    accept_lineage: Annotated[
        bool, typer.Option(help="Declare the lineage that the model's name suggests; see judgebench lineage.")
    ] = False,
    extend: Annotated[bool, typer.Option(help="Add instructions that the benchmark lacks to it.")] = False,
    new_benchmark: Annotated[bool, typer.Option(help="Create it although its name is hardly another's.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Print the match report and store nothing.")] = False,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Submit a model's outputs to the instructions of a benchmark."""
    session: Session = context.obj
    check_name("model", model)
    check_name("benchmark", benchmark)
    submission = read_outputs(file, columns=columns_of(columns or []))
    lineage = _lineage(model, Lineage(family, parent, tuple(trained_on or ())), accept_lineage)
    with session.database(create=True) as database:
        prepared = prepare(
            database,
            submission,
            benchmark=benchmark,
            model=model,
            lineage=lineage,
            extend=extend,
            new_benchmark=new_benchmark,
        )
        found = audit_prepared(database, prepared)
        if output is Format.TABLE:
            _print_match(prepared.report)
            _print_findings(found, benchmark, model)
        stored = None if dry_run else save(database, prepared)
        if stored is not None:
            keep_prepared(database, prepared, found)
    if output is Format.JSON:
        counts = {"stored": stored.new, "already_stored": stored.known} if stored else {}
        print_json(asdict(prepared.report) | counts | {"submission_audit": found.document()})
    elif stored:
        out().print(f"stored {stored.new} outputs; {stored.known} were stored already")


def _lineage(model: str, given: Lineage, accept: bool) -> Lineage:
    """What was declared in flags; else, confirmed by a flag, what the model's name suggests."""
    proposal = propose(model) if given == Lineage() else None
    if accept and proposal is None and given == Lineage():
        raise InputError(f"the name {model!r} suggests no lineage: declare it by --family, --parent and --trained-on")
    if proposal is None:
        return given
    if accept:
        return proposal.lineage
    shown = {name: value for name, value in asdict(proposal.lineage).items() if value}
    words = ", ".join(
        f"{name} {value if isinstance(value, str) else ', '.join(value)}" for name, value in shown.items()
    )
    err().print(visible(f"no lineage declared; the name suggests {words}: --accept-lineage confirms it"))
    return given


def _print_match(report: MatchReport) -> None:
    head = "a new benchmark" if report.creates_benchmark else "benchmark"
    err().print(visible(f"{report.model} for {head} {report.benchmark}:"))
    left_out = "" if report.takes_new or not report.new else "  (not in the benchmark, left out; --extend adds them)"
    err().print(f"  new        {report.new:>7}{left_out}")
    err().print(f"  matched    {report.matched:>7}")
    err().print(f"  missing    {report.missing:>7}")
    err().print(f"  duplicate  {report.duplicate:>7}")
    err().print(f"  empty      {report.empty:>7}")


def _print_findings(found: AuditReport, benchmark: str, model: str) -> None:
    """What the submission audit found; it never stops a submission."""
    for finding in found.findings:
        err().print(visible(f"  audit: {finding_line(finding)}"))
    if found.findings:
        command = shlex.join(["judgebench", "audit", "submissions", "--benchmark", benchmark, "--model", model])
        err().print(visible(f"  audit: {command} shows what was counted"))

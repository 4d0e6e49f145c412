"""judgebench labels: import, list, queue."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from judgebench import services
from judgebench.cli.figures import print_lines
from judgebench.cli.import_ import import_one
from judgebench.cli.session import Format, Session, out, print_json, visible, write_file
from judgebench.show.tables import document

app = typer.Typer(help="Human labels: import and list what people say about battles.", no_args_is_help=True)
BenchmarkOption = Annotated[str, typer.Option(help="Name of the benchmark.")]
FormatOption = Annotated[Format, typer.Option("--format")]


@app.command("import")
def import_labels(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, JSONL, CSV or parquet, one row a person and pair; plain or .gz.")],
    benchmark: BenchmarkOption,
    annotator: Annotated[
        str | None, typer.Option(help="Who labelled, where the file does not say; default: the file's name.")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="e.g. annotator=worker_id")
    ] = None,
    extend: Annotated[bool, typer.Option(help="Add instructions and outputs that the benchmark lacks to it.")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Import human preferences between two outputs; a benchmark that is not there is made of the file."""
    options = services.imports.ImportOptions(annotator=annotator, extend=extend)
    import_one(
        context.obj, file, as_format="labels", benchmark=benchmark, columns=columns, options=options, output=output
    )


@app.command("list")
def list_labels(
    context: typer.Context,
    benchmark: BenchmarkOption,
    annotator: Annotated[str | None, typer.Option(help="Only this annotator's.")] = None,
    category: Annotated[str | None, typer.Option(help="Only the instructions of this category.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Count labels by annotator; with --format json every label, for other tools."""
    session: Session = context.obj
    with session.database() as database:
        found = services.labels.human_labels(database, benchmark, annotator=annotator, category=category)
    if output is Format.JSON:
        print_json([asdict(label) for label in found])
        return
    table = Table("annotator", box=None, pad_edge=False)
    for heading in ("labels", "ties", "both bad"):
        table.add_column(heading, justify="right")
    for name in sorted({label.annotator for label in found}):
        mine = [label for label in found if label.annotator == name]
        ties, bad = sum(label.preference == 0.5 for label in mine), sum(label.both_bad for label in mine)
        table.add_row(visible(name), str(len(mine)), str(ties), str(bad))
    out().print(table)


@app.command()
def queue(
    context: typer.Context,
    benchmark: BenchmarkOption,
    judge: Annotated[str, typer.Option(help="The judge that hands battles over.")],
    risk: Annotated[
        float, typer.Option(min=0.001, max=0.999, help="Share of kept verdicts that people may contradict.")
    ] = 0.1,
    failure: Annotated[float, typer.Option(min=0.001, max=0.999, help="Probability that this does not hold.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of the labels used, and of the order of outputs.")] = 0,
    file: Annotated[
        Path | None, typer.Option("--out", help="Write the battles as JSONL, to be labelled and imported again.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Which battles a judge should hand to people: those below a confidence that the labels have shown to be safe."""
    session: Session = context.obj
    with session.database() as database:
        found = services.agreement.human_queue(
            database, benchmark, judge, services.agreement.Allowed(risk, failure, seed=seed)
        )
    if file is not None:
        write_file(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _blind(found)))
    if output is Format.JSON:
        about = document(found)
        battles = about.pop("battles")
        for battle in battles:
            battle["instruction"] = battle["instruction"]["turns"]
        print_json({"benchmark": benchmark, **about, "queued": len(battles), "battles": battles})
        return
    threshold = found.threshold
    kept = "no verdict is kept" if threshold.threshold is None else f"kept from confidence {threshold.threshold:.3f}"
    reason = f": {threshold.reason}" if threshold.reason else ""
    out().print(f"{kept}{reason}; from {threshold.items} labelled instructions")
    if threshold.bound is not None:
        out().print(
            f"people contradict at most {threshold.bound:.1%} of what is kept, with {1 - failure:.0%} confidence "
            f"({threshold.wrong} of {threshold.kept} labelled ones)"
        )
    half = [("kept", found.held_out.coverage, "share"), ("contradicted", found.held_out.risk, "share")]
    print_lines("the same from half of the labels, on the other half", half)
    out().print(f"{len(found.battles)} battles for people, {found.kept} verdicts kept")


def _blind(found: services.agreement.HumanQueue) -> list[dict[str, object]]:
    """Rows that do not name the models; sides are found by their text when the labels are imported."""
    return [
        {
            "instruction": list(each.instruction.turns),
            "output_a": each.text_first,
            "output_b": each.text_second,
            "winner": None,
            "annotator": None,
        }
        for each in found.battles
    ]

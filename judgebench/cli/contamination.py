"""judgebench contamination."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from judgebench import services
from judgebench.cli.figures import print_lines
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.show.tables import document

_SHOWN = 20


def contamination(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark whose texts are looked for.")],
    model: Annotated[
        list[str] | None, typer.Option(help="In this model's outputs; may be repeated. Default: in every model's.")
    ] = None,
    template: Annotated[
        list[str] | None, typer.Option(help="In this template, by name or file; may be repeated. Default: in all.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="In this benchmark; may be repeated. Default: in all others.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="In every text of this JSON, JSONL, CSV or parquet file; nowhere else by default."),
    ] = None,
    threshold: Annotated[float, typer.Option(min=0.3, max=1.0, help="Similarity from which a pair is found.")] = 0.75,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Look for a benchmark's instructions and references in submissions, templates, other benchmarks or a file."""
    session: Session = context.obj
    chosen = any(given is not None for given in (model, template, against, file))
    nowhere: list[str] | None = [] if chosen else None
    places = services.contamination.Places(
        models=model or nowhere,
        templates=template or nowhere,
        benchmarks=against or nowhere,
        texts=services.contamination.texts_of(file) if file else (),
    )
    with session.database() as database:
        found = services.contamination.contamination(database, benchmark, places, threshold=threshold)
    if output is Format.JSON:
        print_json(document(found))
        return
    print_lines(
        f"{benchmark}, looked for in {found.searched} texts",
        [
            ("instructions found", found.instructions, "share"),
            ("of them with thirteen words in a row", found.verbatim, "share"),
            ("references found", found.references, "share"),
        ],
    )
    table = Table("similarity", "13 words", "what", "where", "text", box=None, pad_edge=False)
    for each in found.found[:_SHOWN]:
        text = " ".join(each.excerpt.split())[:60]
        cells = (f"{each.similarity:.2f}", "yes" if each.verbatim else "no", each.what, each.where, text)
        table.add_row(*(visible(cell) for cell in cells))
    if found.found:
        out().print(table)
    if len(found.found) > _SHOWN:
        out().print(f"and {len(found.found) - _SHOWN} more, see --format json")

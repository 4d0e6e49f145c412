"""judgebench contamination."""

from pathlib import Path
from typing import Annotated

import typer

from judgebench import services
from judgebench.cli.options import Benchmark, Models, Output, SoughtIn, Templates
from judgebench.cli.session import opened, print_estimates, print_json, print_table, say
from judgebench.show.numbers import amount
from judgebench.show.text import count

_SHOWN = 20


def contamination(
    context: typer.Context,
    benchmark: Benchmark,
    model: Models = None,
    template: Templates = None,
    against: SoughtIn = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="In every text of this JSON, JSONL, CSV or parquet file.")
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", min=0.3, max=1.0, help="Similarity from which a pair is shown.")
    ] = 0.75,
    output: Output = "table",
) -> None:
    """Look for a benchmark's texts in submissions, templates, other benchmarks or a file.

    Its instructions and references are looked for everywhere, or where --model, --template, --against and --file say.

    $ judgebench contamination --benchmark demo
    $ judgebench contamination --benchmark demo --model demo-careful --threshold 0.6
    $ judgebench contamination --benchmark demo --file demo/instructions.jsonl
    """
    from judgebench.show.tables import document

    chosen = any(place is not None for place in (model, template, against, file))
    nowhere: list[str] | None = [] if chosen else None
    places = services.contamination.Places(
        models=model or nowhere,
        templates=template or nowhere,
        benchmarks=against or nowhere,
        texts=services.contamination.texts_of(file) if file else (),
    )
    with opened(context) as database:
        report = services.contamination.contamination(database, benchmark, places, threshold=threshold)
    if output == "json":
        print_json(document(report))
        return
    print_estimates(
        f"{benchmark}, looked for in {count(report.searched, 'text')}",
        [
            ("instructions found", report.instructions, "share"),
            ("of them with thirteen words in a row", report.verbatim, "share"),
            ("references found", report.references, "share"),
        ],
    )
    rows = [
        (
            *(amount(match.similarity, "number"), "yes" if match.verbatim else "no", match.what, match.where),
            " ".join(match.excerpt.split())[:60],
        )
        for match in report.found[:_SHOWN]
    ]
    if rows:
        print_table(("similarity", "13 words", "what", "where", "text"), rows)
    if len(report.found) > _SHOWN:
        say(f"and {len(report.found) - _SHOWN:,} more, see --format json")

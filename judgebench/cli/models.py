"""judgebench models."""

import typer

from judgebench import services
from judgebench.cli.options import Benchmark, Output
from judgebench.cli.session import opened, print_json, print_table


def models(context: typer.Context, benchmark: Benchmark, output: Output = "table") -> None:
    """List the models that have outputs in a benchmark, with their declared lineage.

    $ judgebench models --benchmark demo
    $ judgebench models --benchmark demo --format json
    """
    with opened(context) as database:
        stored = services.benchmarks.models(database, benchmark)
        generated = services.benchmarks.generated(database)
    if output == "table":
        print_table(
            ("model", "family", "parent", "trained on"),
            [(m.name, m.lineage.family, m.lineage.parent, ", ".join(m.lineage.trained_on)) for m in stored],
        )
        return
    print_json(
        [
            {
                "model": model.name,
                "family": model.lineage.family,
                "parent": model.lineage.parent,
                "trained_on": [*model.lineage.trained_on],
                "generated": generated.get(model.name),
            }
            for model in stored
        ]
    )

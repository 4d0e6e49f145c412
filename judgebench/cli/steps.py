"""judgebench steps."""

from __future__ import annotations

from typing import Any

import typer

from judgebench import services
from judgebench.cli import options, remote
from judgebench.cli.session import opened, print_result, write_page


def steps(
    context: typer.Context,
    benchmark: options.Benchmark,
    judge: options.StepJudge = None,
    annotator: options.StepAnnotator = None,
    category: options.Category = None,
    model: options.Models = None,
    level: options.Level = 0.95,
    html: options.Html = None,
    output: options.ComparisonOutput = "table",
) -> None:
    """What a judge says of each step of outputs, or which places are at fault, beside what people say.

    CSV has a row for each step.

    $ judgebench steps --benchmark demo --judge checker
    $ judgebench steps --benchmark demo --judge checker --format csv
    """
    if (server := remote.server_of(context)) is not None:
        parameters: dict[str, Any] = {"judge": judge, "annotator": annotator, "category": category, "model": model}
        parameters |= {"benchmark": benchmark, "level": level}
        remote.write_page(server, "steps", html, **parameters)
        remote.show(server, "steps", output, **parameters)
        return
    from judgebench.show import results
    from judgebench.show.html import steps_page

    with opened(context) as database:
        report = services.steps.steps(
            database, benchmark, judge=judge, annotator=annotator, category=category, models=model or (), level=level
        )
        page = None if html is None else steps_page(report, *services.seen.beside_steps(database, report))
    if html is not None and page is not None:
        write_page(html, page)
    print_result(results.steps(report, output))

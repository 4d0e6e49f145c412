"""judgebench goals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli import options, remote
from judgebench.cli.session import opened, print_result


def goals(
    context: typer.Context,
    benchmark: options.Benchmark,
    judge: Annotated[
        str | None,
        options.varied(
            options.OneJudge.__metadata__[0],
            "A judge that has listed goals, or its model.",
            default="the only one that has",
        ),
    ] = None,
    model: options.Models = None,
    category: options.Category = None,
    baseline: Annotated[
        str | None,
        options.varied(
            options.Baseline.__metadata__[0],
            "The older version that each other model is compared with.",
            default="none",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="Goals that people labelled, beside the judge's.")
    ] = None,
    level: options.Level = 0.95,
    seed: options.Seed = 0,
    output: options.BoardOutput = "table",
) -> None:
    """How many of users' goals dialogues reached, and why the others failed.

    By a judge that was asked with the template pointwise/goals; one that was not yet is asked by judgebench run.

    $ judgebench run --benchmark demo --judge scripted:goals --template pointwise/goals
    $ judgebench goals --benchmark demo --judge scripted:goals
    $ judgebench goals --benchmark demo --judge scripted:goals --baseline demo-hasty --format csv
    """
    if (server := remote.server_of(context)) is not None:
        remote.refuse(labels=labels)
        parameters: dict[str, Any] = {"judge": judge, "model": model, "category": category, "baseline": baseline}
        remote.show(server, "goals", output, benchmark=benchmark, **parameters, level=level, seed=seed)
        return
    from judgebench.formats.goal_labels import read_goal_labels
    from judgebench.show import results

    given = () if labels is None else read_goal_labels(str(labels))
    choice = services.goals.GoalChoice(judge, tuple(model or ()), category, baseline, given)
    with opened(context) as database:
        report = services.goals.goals(database, benchmark, choice, level=level, seed=seed)
    print_result(results.goals(report, output))

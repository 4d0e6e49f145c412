"""judgebench multiverse."""

import math
from collections.abc import Sequence

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage
from judgebench.show.numbers import percent
from judgebench.show.numbers import ranks as rank_range
from judgebench.show.text import count


@options.flat
def multiverse(
    context: typer.Context,
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    seed: options.Seed = 0,
    output: options.Output = "table",
) -> None:
    """Rank under every reasonable choice of method, judges and verdicts; see what survives them all.

    $ judgebench multiverse --benchmark demo
    $ judgebench multiverse --benchmark demo --category writing --format json
    """
    from judgebench.show import coverage

    with opened(context) as database:
        many = services.leaderboards.multiverse(database, benchmark, scope=counted.scope(), seed=seed)
    ranks, rows = many.together, many.together.rows()
    if output == "json":
        universes = [{"choices": dict(u.choices), "ranks": _ranks(ranks.models, u.estimates)} for u in many.universes]
        document = {"benchmark": benchmark, "universes": universes, "impossible": many.impossible}
        told = coverage.told(many.coverage)
        print_json({**document, "models": rows, "influence": dict(ranks.influence), **told})
        return
    say_coverage(many.coverage)
    print_table(
        ("ranks", "model", "first in", "above in all"),
        [
            (
                rank_range(row["best_rank"], row["worst_rank"]),
                row["model"],
                percent(row["leads"]),
                len(row["above_in_all"]),
            )
            for row in rows
        ],
        text=("model",),
    )
    models, survived = len(rows), sum(len(row["above_in_all"]) for row in rows)
    say(f"{count(ranks.universes, 'way')} of ranking; {many.impossible:,} more do not fit these verdicts")
    say(f"{survived} of {count(models * (models - 1) // 2, 'pair')} stand in the same order in all of them")
    say("no interval is looked at here: what chance leaves open, the rank ranges of a leaderboard tell")
    for name, share in ranks.influence.items():
        say(f"changing {name} alone turns round {percent(share)} of pairs on average")


def _ranks(models: Sequence[str], estimates: Sequence[float]) -> dict[str, int]:
    """One rank for each model that has an estimate; equal ones share it."""
    return {
        model: 1 + sum(other > value for other in estimates)
        for model, value in zip(models, estimates, strict=True)
        if math.isfinite(value)
    }

"""judgebench multiverse."""

from collections.abc import Sequence

import numpy as np
import typer

from judgebench import services
from judgebench.cli.options import BenchmarkOption, CategoryOption, FormatOption, JudgesOption, SeedOption
from judgebench.cli.session import Format, Session, percent, print_json, print_rows, say


def multiverse(
    context: typer.Context,
    benchmark: BenchmarkOption,
    judge: JudgesOption = None,
    category: CategoryOption = None,
    seed: SeedOption = 0,
    output: FormatOption = Format.TABLE,
) -> None:
    """The ranking under every reasonable choice of method, judges and verdicts, and what survives them all."""
    session: Session = context.obj
    with session.database() as database:
        many = services.leaderboards.multiverse(database, benchmark, judges=judge or (), category=category, seed=seed)
    found, rows = many.together, many.together.rows()
    if output is Format.JSON:
        universes = [{"choices": dict(u.choices), "ranks": _ranks(found.models, u.estimates)} for u in many.universes]
        document = {"benchmark": benchmark, "universes": universes, "impossible": many.impossible}
        print_json({**document, "models": rows, "influence": dict(found.influence)})
        return
    print_rows(
        ("ranks", "model", "first in", "above in all"),
        [
            (f"{r['best_rank']}-{r['worst_rank']}", r["model"], percent(r["leads"]), str(len(r["above_in_all"])))
            for r in rows
        ],
    )
    k = len(rows)
    survived = sum(len(row["above_in_all"]) for row in rows)
    say(f"{found.universes} ways of ranking; {many.impossible} more do not fit these verdicts")
    say(f"{survived} of {k * (k - 1) // 2} pairs stand in the same order in all of them")
    for name, share in found.influence.items():
        say(f"changing {name} alone turns round {percent(share)} of pairs on average")


def _ranks(models: Sequence[str], estimates: Sequence[float]) -> dict[str, int]:
    values = np.array(estimates)
    return {
        model: 1 + int((values > value).sum())
        for model, value in zip(models, values, strict=True)
        if np.isfinite(value)
    }

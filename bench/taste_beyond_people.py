"""Is an unbiased judge accused of a taste that people share, or of changing places?  For docs/statistics.md.

    taskset -c 0 python -m bench.taste_beyond_people [--boards 500] [--seed 0] [--only taste|favour|places]

Each board has models and instructions of its own, all pairs in both orders, and outputs whose quality rises with their
length. Its judge's log-odds are ``sharpness`` times what people go by, plus a taste for length, its place and noise of
its own. People vote once or several times on each battle. Rates are percent of boards.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from judgebench.bias.counterfactual import counterfactuals
from judgebench.bias.effects import length_effect, place_effect
from judgebench.bias.self_preference import favour_beyond_people
from judgebench.bias.taste import slopes
from judgebench.estimate import Estimate
from judgebench.stats.verdict_table import Floats, VerdictTable
from tests.bias.factories import JudgedWorld as World

SIZES = ((5, 100, 1), (5, 100, 3), (5, 100, 10), (3, 100, 1), (5, 30, 1), (8, 40, 1), (8, 300, 1))  # and votes
JUDGES = {"equal": 1.0, "sharper": 1.6, "much sharper": 3.0, "duller": 0.6}
Board = tuple[VerdictTable, Floats]


def delta(board: Board) -> Estimate:
    """Of length beyond people."""
    table, human = board
    return slopes(table, [length_effect(table)], human=human)["length"].beyond_people


def favour(board: Board) -> Estimate:
    """For the judge's own model beyond people."""
    table, human = board
    return favour_beyond_people(table, "m0", human)


def rates(figures: list[Estimate]) -> str:
    values = [figure.value for figure in figures if figure.value is not None]
    above, below, missing = (
        100 * float(np.mean(shares))
        for shares in (
            [figure.ends[0] > 0 for figure in figures],
            [figure.ends[1] < 0 for figure in figures],
            [not figure.identified for figure in figures],
        )
    )
    return f"{above:.1f} / {below:.1f} / {missing:.0f} / {np.mean(values) if values else np.nan:+.2f}"


def show(name: str, cells: Iterable[str]) -> None:
    print(f"| {name} |", end="", flush=True)
    for cell in cells:
        print(f" {cell} |", end="", flush=True)
    print()


def beyond(title: str, figure: Callable[[Board], Estimate], biased: World, boards: int, seed: int) -> None:
    """A column is a kind of judge, the last biased; cells: above 0 / below 0 / not identified / mean where it is."""
    rng = np.random.default_rng(seed)
    print(f"\n| {title} | {' | '.join([*JUDGES, 'biased'])} |\n|---|{'---|' * (len(JUDGES) + 1)}")
    unbiased: list[Estimate] = []
    for models, instructions, votes in SIZES:
        size = replace(biased, models=models, instructions=instructions, votes=votes)
        worlds = [replace(size, taste=0.0, favour=0.0, sharpness=sharpness) for sharpness in JUDGES.values()]
        drawn = [[figure(world.board(rng)) for _ in range(boards)] for world in (*worlds, size)]
        unbiased += [one for figures in drawn[:-1] for one in figures]
        show(f"{models} models, {instructions} instructions, votes: {votes}", map(rates, drawn))
    print(f"\nAll {len(unbiased)} boards of unbiased judges: {rates(unbiased)}")


PLACES = {
    "no taste, close models": World(spread=0.1, quality=0.0, longer=0.0),
    "no taste, lengths differ": World(spread=0.4, quality=0.0, longer=0.5),
    "no taste, sharper, quality rises with length": World(spread=0.4, longer=0.3, sharpness=1.6),
    "no taste, quality rises with length": World(spread=0.4, longer=0.3),
    "no taste, duller, quality rises with length": World(spread=0.4, longer=0.3, sharpness=0.6),
    "no taste, quality rises, lengths differ much": World(spread=0.4, longer=0.8),
    "taste .8, strong models brief": World(spread=0.0, quality=0.0, taste=0.8, longer=0.0, brief=True),
}


def places(boards: int, seed: int) -> None:
    """Boards on which places change in any way; on which it is shown, quality included; with three votes a battle."""
    rng = np.random.default_rng(seed)
    sizes = (30, 100, 300)
    title = "a change of places: any / without length and its quality / without length beyond people, with labels"
    print(f"\n| {title} | {' | '.join(map(str, sizes))} |\n|---|{'---|' * len(sizes)}")
    for name, world in PLACES.items():
        show(name, (changes(replace(world, instructions=n, votes=3), boards, rng) for n in sizes))


def changes(world: World, boards: int, rng: np.random.Generator) -> str:
    told = []
    for _ in range(boards):
        table, human = world.board(rng)
        effects = [place_effect(table), length_effect(table)]
        raw, beyond = (counterfactuals(table, effects, human=votes).entries[1] for votes in (None, human))
        judged = [row.win_rate.value or 0.0 for row in raw.board]
        told.append((judged != sorted(judged, reverse=True), bool(raw.flips), bool(beyond.flips)))
    return " / ".join(f"{100 * share:.1f}" for share in np.mean(told, axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("taste", "favour", "places"))
    chosen = parser.parse_args()
    start = time.process_time()
    if chosen.only in (None, "taste"):
        beyond("length beyond people", delta, World(taste=0.4), chosen.boards, chosen.seed)
    if chosen.only in (None, "favour"):
        own = World(own_strength=1.5, favour=0.6)
        beyond("favour for a strong model of its own", favour, own, chosen.boards, chosen.seed)
    if chosen.only in (None, "places"):
        places(chosen.boards, chosen.seed)
    print(f"\n{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()

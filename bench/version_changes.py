"""Are equal versions of a model called worse, and are worse ones found?  For docs/statistics.md.

    taskset -c 0 python -m bench.version_changes [--draws 500] [--seed 0]

Three designs: the versions are compared with each other, each with a baseline, or scored as right or wrong. The judge
errs on 20 % of readings of pairs (10 % of scores), follows the first place in 15 % and ties 25 %, independently in
every reading. Versions that are equal on the whole differ on about half of the instructions, in either direction alike;
a dialogue of 5 shares half of what its instructions have. A cell has the percent of draws on which NEW is called worse
at level 95 % and margin 0 / the smallest difference that is seen four times in five, in points, the median / the
percent of draws on which negative flips are above the judge's noise.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import VerdictTable
from judgebench.stats.versions import (
    PairedVersions,
    VersionChange,
    against_baseline,
    between_versions,
    by_scores,
    decide,
    version_change,
)

WRONG, FIRST, TIED = 0.2, 0.15, 0.25
WRONG_SCORE, RIGHT = 0.1, 0.7
LOSS = 0.2  # of the worse version: net share of instructions


@dataclass(frozen=True, slots=True)
class Design:
    """What is judged."""

    instructions: int
    repeats: int = 1
    cluster: int = 1  # instructions of one dialogue
    loss: float = 0.0  # share of instructions on which NEW is worse, besides
    differing: bool = True  # on single instructions

    @property
    def clusters(self) -> np.ndarray:
        return np.arange(self.instructions) // self.cluster


def judged_pairs(better: np.ndarray, repeats: int, rng: np.random.Generator, models: tuple[int, int]) -> VerdictTable:
    """Both orders, so many times: ``better`` (n,) is 1 where the second model is, 0 equal, -1 worse."""
    n = len(better)
    i, order = (grid.ravel() for grid in np.meshgrid(np.arange(n), np.tile([0, 1], repeats), indexing="ij"))
    drawn = rng.random((3, len(i)))
    truth = np.where(better[i] == 0, np.where(rng.random(len(i)) < 0.5, 1, -1), better[i])
    said = np.where(drawn[0] < WRONG, -truth, truth) * (drawn[1] >= TIED)
    said = np.where(drawn[2] < FIRST, np.where(order == 0, -1, 1), said)
    none = np.zeros(len(i), dtype=np.int32)
    return VerdictTable(
        ("base", "new", "old"), tuple(map(str, range(n))), ("judge",), none + models[0], none + models[1],
        i.astype(np.int32), none, order.astype(np.int8), (1 - said) / 2, none, none,
    )  # fmt: skip


def drawn_truth(design: Design, rng: np.random.Generator) -> np.ndarray:
    """(n,) which version is better on an instruction: those of one cluster lean to the same one half of the time."""
    alone, together = rng.choice([-1, 0, 1], design.instructions), rng.choice([-1, 0, 1], design.clusters[-1] + 1)
    better = np.where(rng.random(design.instructions) < 0.5, together[design.clusters], alone) * design.differing
    return np.where(rng.random(design.instructions) < design.loss, -1, better)


def compared(design: Design, rng: np.random.Generator) -> PairedVersions:
    table = judged_pairs(drawn_truth(design, rng), design.repeats, rng, (2, 1))
    return between_versions(table, "old", "new")


def with_baseline(design: Design, rng: np.random.Generator) -> PairedVersions:
    equal = Design(design.instructions, cluster=design.cluster)
    old, own = drawn_truth(equal, rng), drawn_truth(equal, rng)
    new = np.where((rng.random(len(old)) < 0.5) & design.differing, own, old)
    new = np.where(rng.random(len(old)) < design.loss, -1, new)
    one, other = (judged_pairs(better, design.repeats, rng, (0, model)) for better, model in ((old, 2), (new, 1)))
    columns = ("model_a", "model_b", "instruction", "judge", "order", "preference", "length_a", "length_b")
    joined = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in columns}
    table = VerdictTable(one.models, one.instructions, one.judges, **joined)
    return against_baseline(table, "old", "new", "base")


def drawn_right(design: Design, rng: np.random.Generator) -> np.ndarray:
    """(n,) whether a version is right, which those of one cluster are together half of the time."""
    n, together = design.instructions, rng.random(design.clusters[-1] + 1)[design.clusters]
    return np.where(rng.random(n) < 0.5, together, rng.random(n)) < RIGHT


def scored(design: Design, rng: np.random.Generator) -> PairedVersions:
    n, k = design.instructions, design.repeats
    right, own = (drawn_right(design, rng) for _ in range(2))
    now = np.where((rng.random(n) < 0.5) & design.differing, own, right) & (rng.random(n) >= design.loss / RIGHT)
    truth = np.repeat(np.stack([right, now]), k, axis=1).ravel()
    said = np.where(rng.random(len(truth)) < WRONG_SCORE, ~truth, truth).astype(np.float64)
    model = np.repeat([1, 0], n * k).astype(np.int32)
    instruction = np.tile(np.repeat(np.arange(n), k), 2).astype(np.int32)
    none = np.zeros(len(said), dtype=np.int32)
    table = ScoreTable(("new", "old"), tuple(map(str, range(n))), ("judge",), model, instruction, none, said, none)
    return by_scores(table, "old", "new")


DRAW: dict[str, Callable[[Design, np.random.Generator], PairedVersions]] = {
    "compared with each other": compared,
    "each with a baseline": with_baseline,
    "right or wrong": scored,
}


def changes(name: str, design: Design, draws: int, seed: int) -> list[VersionChange]:
    """Of so many draws of one design."""
    rng = np.random.default_rng(seed)
    return [version_change(DRAW[name](design, rng), design.clusters) for _ in range(draws)]


def worse(known: list[VersionChange]) -> float:
    """Percent that are called worse."""
    return 100 * float(np.mean([decide(change.difference) == "worse" for change in known]))


def flips_found(known: list[VersionChange]) -> float:
    """Percent whose flips are above the judge's noise."""
    return 100 * float(np.mean([change.flips.excess.ends[0] > 0 for change in known]))


def cell(known: list[VersionChange], *, flips: bool) -> str:
    smallest = 100 * float(np.median([change.smallest for change in known]))
    floor = f" / {flips_found(known):.1f}" if flips and known[0].flips.floor.value is not None else ""
    return f"{worse(known):.1f} / {smallest:.1f}{floor}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    sizes = (20, 50, 200, 500)
    worlds = (
        ("equal on the whole", 0.0, True),
        ("equal on every instruction", 0.0, False),
        ("worse on one instruction in five", LOSS, True),
    )
    for title, loss, differing in worlds:
        print(f"\n| {title} | {' | '.join(map(str, sizes))} |\n|---|{'---|' * len(sizes)}")
        for name in DRAW:
            for repeats, cluster in ((1, 1), (2, 1), (2, 5)):
                designs = [Design(n, repeats, cluster, loss, differing) for n in sizes]
                flips = bool(loss) or not differing  # else there are some
                cells = [cell(changes(name, design, chosen.draws, chosen.seed), flips=flips) for design in designs]
                kind = f"{name}, {repeats} reading{'s' * (repeats > 1)}{', dialogues of 5' if cluster > 1 else ''}"
                print(f"| {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

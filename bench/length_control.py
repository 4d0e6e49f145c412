"""Length-controlled win rates of random sets of AlpacaEval's models, against the published ones.

    python -m bench.length_control --sets 40
    python -m bench.length_control --folder FOLDER    # of MODEL/annotations.json.gz, and official_leaderboard.csv

The verdicts are those of the published files; a set is the k models with the baseline, ranked as the leaderboard
does. A line is of k models: the mean absolute error, the mean and the largest error in points, how often the published
rate lies in the interval, and half the interval's width, the median. Then the same where the judge goes by another
name, so that nothing is known of its slopes; "known" is how often its interval holds the rate with the known ones.
Last, each model alone on random instructions.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from judgebench.leaderboard import Choices
from judgebench.leaderboard.build import estimate
from judgebench.stats.verdict_table import VerdictTable
from tests.stats import alpaca

FEW = (5, 10, 20, 50, 200)
SIZES = (1, 2, 3, 5, 8, 12, 20)
FEWEST_LEARNT = 3


@dataclass(frozen=True)
class Held:
    """Of the models of one set that have a published rate; in points."""

    rate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    published: np.ndarray


def whole() -> tuple[VerdictTable, dict[str, float]]:
    table, order = alpaca.verdicts()
    board = alpaca.official("official_leaderboard.csv")
    published = {name: float(row["length_controlled_winrate"]) for name, row in board.items()}
    return replace(table, arrival=order.astype(np.int32)), published


def ranked(table: VerdictTable, published: dict[str, float], models: list[str], resamples: int, seed: int) -> Held:
    met = [table.model_code(name) for name in models]
    some = table.select(np.isin(table.model_a, met) | np.isin(table.model_b, met))
    choices = Choices("length-controlled", baseline=alpaca.BASELINE, resamples=resamples, seed=seed)
    rates = estimate(some, choices, baseline=alpaca.BASELINE)
    at = [code for code, name in zip(met, models, strict=True) if name in published]
    truth = [published[name] for name in models if name in published]
    return Held(*(100 * column[at] for column in (rates.value, rates.lower, rates.upper)), np.array(truth))


def sets(names: list[str], k: int, number: int, rng: np.random.Generator) -> Iterator[list[str]]:
    """Each model once where k is 1."""
    if k == 1:
        yield from ([name] for name in names)
        return
    for _ in range(number):
        yield sorted(rng.choice(names, k, replace=False).tolist())


def show(label: str, held: list[Held], known: list[Held] | None = None) -> None:
    rate, lower, upper, published = (
        np.concatenate([getattr(one, name) for one in held]) for name in ("rate", "lower", "upper", "published")
    )
    error, inside = rate - published, (lower <= published) & (published <= upper)
    line = f"{label:>6s} {np.abs(error).mean():6.2f} {error.mean():+6.2f} {np.abs(error).max():6.2f} "
    line += f"{100 * inside.mean():6.1f} {np.median(upper - lower) / 2:6.2f}"
    if known:
        other = np.concatenate([one.rate for one in known])
        line += f" {np.abs(rate - other).mean():6.2f} {100 * ((lower <= other) & (other <= upper)).mean():6.1f}"
    print(line)


def few(table: VerdictTable, published: dict[str, float], names: list[str], draws: int, seed: int) -> None:
    print("each model alone, by number of instructions\n     n    MAE   bias  worst inside   half")
    for n in FEW:
        rng = np.random.default_rng([seed, n])
        drawn = [rng.choice(len(table.instructions), n, replace=False) for _ in range(draws)]
        parts = [replace(table.select(np.isin(table.instruction, rows)), arrival=None) for rows in drawn]
        show(str(n), [ranked(part, published, [name], 60, seed) for part in parts for name in names])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=40, help="random sets of each size")
    parser.add_argument("--resamples", type=int, default=60, help="refits for each interval")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=alpaca.FOLDER, help="of the published files")
    options = parser.parse_args()
    alpaca.FOLDER = options.folder
    table, published = whole()
    names = [name for name in alpaca.names() if name in published and name != alpaca.BASELINE]
    unknown = replace(table, judges=("another judge",))
    print(f"{len(names)} models, {len(table.instructions)} instructions\n     k    MAE   bias  worst inside   half")
    everyone = [ranked(table, published, names, options.resamples, options.seed)]
    kept: dict[int, list[tuple[list[str], Held]]] = {}
    for k in (size for size in SIZES if size <= len(names)):
        rng = np.random.default_rng([options.seed, k])
        chosen = list(sets(names, k, options.sets, rng))
        kept[k] = [(one, ranked(table, published, one, options.resamples, options.seed)) for one in chosen]
        show(str(k), [held for _, held in kept[k]])
    show("all", everyone)
    print(f"   rank correlation of all: {spearmanr(everyone[0].rate, everyone[0].published).statistic:.4f}")
    print("the judge by another name\n     k    MAE   bias  worst inside   half  apart  known")
    for k in (size for size in kept if size >= FEWEST_LEARNT):
        show(
            str(k),
            [ranked(unknown, published, one, options.resamples, options.seed) for one, _ in kept[k]],
            [held for _, held in kept[k]],
        )
    show("all", [ranked(unknown, published, names, options.resamples, options.seed)], everyone)
    few(table, published, names, options.sets // 3, options.seed)


if __name__ == "__main__":
    main()

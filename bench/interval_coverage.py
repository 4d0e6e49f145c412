"""Do win rates, rank ranges and ratings hold what they say with few instructions?  The tables of docs/statistics.md.

    taskset -c 0 python -m bench.interval_coverage [--draws 600] [--seed 0] [--only alpaca]

``alpaca`` draws instructions with replacement from the published verdicts beside this checkout; the truth is the mean
over all of them. The other sections draw from generators whose means are known: hard and soft verdicts, both orders, a
field, instructions with unlike numbers of battles. A column is a number of instructions; a cell of win rates is mean
coverage / that of the worst model / mean width, in percent and as a share.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import expit, logit

from judgebench.stats.bradley_terry import effective_clusters, fit_bradley_terry
from judgebench.stats.bradley_terry.covariates import rating_estimates
from judgebench.stats.intervals import ClusterSums, bounded_ends
from judgebench.stats.method import Choices, Estimates
from judgebench.stats.ranks import ranks_of
from judgebench.stats.scores import ScoreTable
from judgebench.stats.scores import estimates as score_estimates
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.stats.win_rate import InstructionSums
from tests.stats import alpaca

SIZES = (3, 5, 10, 20, 50, 100, 200, 805)
RANKED = (3, 4, 5, 10, 20, 50, 200)
RATED = (3, 5, 10, 20, 50, 200)
# (n, draws, k) summed preference and battles a model on each instruction, and of soft ones (draws, k) summed squares
Drawn = tuple[Floats, Floats] | tuple[Floats, Floats, Floats]


def heading(title: str, sizes: tuple[int, ...]) -> None:
    print(f"\n| {title} | {' | '.join(map(str, sizes))} |\n|---|{'---|' * len(sizes)}")


def show(name: str, cells: Iterator[str]) -> None:
    print(f"| {name} |", end="", flush=True)
    for cell in cells:
        print(f" {cell} |", end="", flush=True)
    print()


def cell(drawn: Drawn, truth: Floats) -> str:
    """Of the models alone whose truth is a number."""
    lower, upper = bounded_ends(ClusterSums.of(*drawn))
    held = ((lower <= truth) & (truth <= upper)).mean(axis=0)
    return f"{100 * held.mean():.1f} / {100 * held.min():.1f} / {np.nanmean(upper - lower):.3f}"


def published() -> Floats:
    """(805, 23) preference for each model over the baseline; NaN where there is no verdict."""
    table, _ = alpaca.verdicts()
    matrix = np.full((len(table.instructions), len(table.models)), np.nan)
    matrix[table.instruction, table.model_a] = table.preference
    return matrix[:, np.isfinite(matrix).any(axis=0)]


def resampled(rng: np.random.Generator, n: int, draws: int, matrix: Floats) -> Drawn:
    rows = matrix[rng.integers(0, len(matrix), (n, draws))]
    return np.nan_to_num(rows), np.isfinite(rows) * 1.0


def in_both_orders(rng: np.random.Generator, rows: Floats) -> Floats:
    """Mean of two hard verdicts, with .7 log-odds for what is shown first."""
    lean = logit(np.clip(rows, 1e-3, 1 - 1e-3))
    return sum((rng.random(rows.shape) < expit(lean + slot)) / 2.0 for slot in (0.7, -0.7))


def draws_for(n: int, draws: int) -> int:
    return max(draws * 50 // max(n, 50), draws // 2)


def of_alpaca(draws: int, seed: int) -> None:
    matrix, rng = published(), np.random.default_rng(seed)
    truth = np.nanmean(matrix, axis=0)
    lean = logit(np.clip(matrix, 1e-3, 1 - 1e-3))
    both = np.nanmean((expit(lean + 0.7) + expit(lean - 0.7)) / 2, axis=0)

    def hard(n: int) -> str:
        won, there = resampled(rng, n, draws_for(n, draws), matrix)
        return cell(((rng.random(won.shape) < won) * there, there), truth)

    def orders(n: int) -> str:
        won, there = resampled(rng, n, draws_for(n, draws), matrix)
        return cell((in_both_orders(rng, won) * there, there), both)

    heading("AlpacaEval, 23 models", SIZES)
    show("soft verdicts", (cell(resampled(rng, n, draws_for(n, draws), matrix), truth) for n in SIZES))
    show("hard verdicts", map(hard, SIZES))
    show("hard, both orders", map(orders, SIZES))


def of_simulated(draws: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = np.array([0.5, 0.7, 0.8, 0.9, 0.95, 0.98])

    def hard(n: int, k: int) -> Drawn:
        won = (rng.random((n, k, len(rates))) < rates) * 1.0
        return won, np.ones_like(won)

    def soft(n: int, k: int) -> Drawn:
        """Mostly all but won, and a clear loss now and then."""
        lost = rng.random((n, k, len(rates))) < (1 - rates) / 0.8
        won = np.where(lost, rng.beta(4, 16, lost.shape), rng.beta(400, 1e-2, lost.shape))
        return won, np.ones_like(won)

    def field(n: int, k: int) -> Drawn:
        """Four battles an instruction that share what is odd about it."""
        p = rng.beta(2 * rates, 2 * (1 - rates), (n, k, len(rates)))
        return rng.binomial(4, p) * 1.0, np.full(p.shape, 4.0)

    def uneven(n: int, k: int) -> Drawn:
        """One instruction in ten has ten times as many battles as the others."""
        battles = np.where(np.arange(n) % 10 == 0, 10, 1)[:, None, None]
        p = rng.beta(2 * rates, 2 * (1 - rates), (n, k, len(rates)))
        return rng.binomial(battles, p) * 1.0, np.broadcast_to(battles * 1.0, p.shape)

    def very_uneven(n: int, k: int) -> Drawn:
        """One in ten, at random, has thirty times as many."""
        battles = np.broadcast_to(rng.choice([1, 30], (n, k, 1), p=[0.9, 0.1]), (n, k, len(rates)))
        return rng.binomial(battles, rng.beta(2 * rates, 2 * (1 - rates), battles.shape)) * 1.0, battles * 1.0

    def repeated(n: int, k: int) -> Drawn:
        """Twenty soft battles an instruction: a bad output all but loses them all."""
        won = np.where(rng.random((n, k, len(rates))) < (0.99 - rates) / 0.79, 0.2, 0.99)
        return 20 * won, np.full(won.shape, 20.0), 20 * (won**2).sum(axis=0)

    truth = {"soft": 1 - (1 - rates) / 0.8 * (1 - 0.2)}
    heading("simulated, rates .5 to .98", SIZES)
    kinds = {"hard": hard, "soft": soft, "field of 5": field, "uneven battles": uneven, "very uneven": very_uneven}
    kinds["20 soft battles alike"] = repeated
    for name, make in kinds.items():
        cells = (cell(make(n, 2 * draws_for(n, draws)), truth.get(name, rates)) for n in SIZES)
        show(name, cells)


SCORES: dict[str, tuple[float, Callable[[np.random.Generator, tuple[int, int]], Floats]]] = {
    "10, and one in twenty a 1": (9.55, lambda rng, shape: np.where(rng.random(shape) < 0.95, 10.0, 1.0)),
    "five levels, mostly the best": (
        4.63,
        lambda rng, shape: rng.choice(5, shape, p=[0.02, 0.03, 0.05, 0.1, 0.8]) + 1.0,
    ),
    "exponential": (1.0, lambda rng, shape: rng.exponential(1.0, shape)),
    "normal": (0.0, lambda rng, shape: rng.standard_normal(shape)),
}


def of_scores(draws: int, seed: int) -> None:
    """Mean coverage / mean width, of four alike models; where scores are not all the same."""
    rng = np.random.default_rng(seed)
    heading("mean scores", RATED)
    for name, (truth, make) in SCORES.items():

        def held(n: int, truth: float = truth, make: Callable[..., Floats] = make) -> str:
            found = [scored(make(rng, (n, 4)), rng) for _ in range(draws)]
            lower, upper = (np.concatenate([getattr(one, end) for one in found]) for end in ("lower", "upper"))
            known = np.isfinite(lower)
            inside = np.mean((lower <= truth) & (truth <= upper), where=known)
            return f"{100 * inside:.1f} / {np.mean(upper - lower, where=known):.2f}"

        show(name, map(held, RATED))


def scored(rows: Floats, rng: np.random.Generator) -> Estimates:
    """A leaderboard of (instructions, k) scores."""
    i, model = (index.ravel().astype(np.int32) for index in np.indices(rows.shape))
    nothing = np.zeros(rows.size, dtype=np.int32)
    instructions, models = (tuple(map(str, range(size))) for size in rows.shape)
    table = ScoreTable(models, instructions, ("judge",), model, i, nothing, rows.ravel(), nothing)
    return score_estimates(table, Choices("score"), None, rng)


def sums_of(won: Floats) -> InstructionSums:
    """Of (n, k) preferences over a baseline, which is the last model."""
    n, k = won.shape
    padded = np.column_stack([won, np.full(n, 0.5)])
    return InstructionSums(tuple(map(str, range(k + 1))), padded, np.ones_like(padded), k)


def separations(won: Floats, rng: np.random.Generator) -> np.ndarray:
    sums = sums_of(won)
    known = sums.compared()
    rates, (lower, upper) = sums.rates(np.ones(len(won))), sums.ends(0.95)
    shown = Estimates(rates, lower, upper, known.covariance, [""] * len(rates), "", "rate", compared=known)
    return ranks_of(shown, rng=rng).separated


def of_ranks(draws: int, seed: int) -> None:
    """No pair is separated the wrong way, or at all where equal; in brackets the share of true differences found."""
    rng = np.random.default_rng(seed)
    boards: dict[str, tuple[Floats, Callable[[int], Floats]]] = {}
    for name, rates in {
        "4 equal, .5": [0.5] * 4,
        "4 equal, .9": [0.9] * 4,
        ".9 .7 .5 .3": [0.9, 0.7, 0.5, 0.3],
    }.items():
        p = np.array(rates)
        boards[f"{name}, hard"] = p, lambda n, p=p: (rng.random((n, len(p))) < p) * 1.0
    for k in (4, 10):
        boards[f"{k} equal, .8, soft"] = np.full(k, 0.8), lambda n, k=k: rng.beta(1.6, 0.4, (n, k))
    if alpaca.FOLDER.is_dir():
        matrix = published()
        matrix = matrix[np.isfinite(matrix).all(axis=1)]
        boards["AlpacaEval, soft"] = matrix.mean(axis=0), lambda n: matrix[rng.integers(0, len(matrix), n)]
    heading("rank ranges", RANKED)
    for name, (rates, make) in boards.items():
        truth = np.append(rates, 0.5)
        above = truth[:, None] > truth[None, :] + 1e-9

        def held(n: int, make: Callable[[int], Floats] = make, above: np.ndarray = above) -> str:
            boards = [separations(make(n), rng) for _ in range(draws // 2)]
            right = np.mean([not (board & ~above).any() for board in boards])
            power = f" ({100 * np.mean([board[above].mean() for board in boards]):.0f})" if above.any() else ""
            return f"{100 * right:.0f}{power}"

        show(name, map(held, RANKED))


def everyone(rng: np.random.Generator, counts: np.ndarray, strengths: Floats) -> VerdictTable:
    """All pairs in both orders, ``counts`` times on each instruction; quality noise of standard deviation 1."""
    k, n = len(strengths), len(counts)
    quality = strengths + rng.standard_normal((n, k))
    first, second = np.triu_indices(k, 1)
    i = np.repeat(np.arange(n), counts * 2 * len(first))
    pair = np.concatenate([np.tile(np.repeat(np.arange(len(first)), 2), count) for count in counts])
    a, b = first[pair], second[pair]
    order = np.arange(len(i)) % 2
    won = rng.random(len(i)) < expit(quality[i, a] - quality[i, b] + 0.4 * (1 - 2 * order))
    return table_of(i, a, b, won * 1.0, n, k)


def table_of(i: np.ndarray, a: np.ndarray, b: np.ndarray, preference: Floats, n: int, k: int) -> VerdictTable:
    nothing = np.zeros(len(i), dtype=np.int32)
    return VerdictTable(
        models=tuple(f"m{m:02d}" for m in range(k)),
        instructions=tuple(map(str, range(n))),
        judges=("judge",),
        model_a=a.astype(np.int32),
        model_b=b.astype(np.int32),
        instruction=i.astype(np.int32),
        judge=nothing,
        order=nothing.astype(np.int8),
        preference=preference,
        length_a=nothing,
        length_b=nothing,
    )


def rated(table: VerdictTable, truth: Floats) -> tuple[Floats, Floats]:
    """Which ratings are held, and how wide their intervals are."""
    degrees = effective_clusters(table, "instruction") - 1
    known = fit_bradley_terry(table, imagined=True)
    found = rating_estimates(fit_bradley_terry(table), known, degrees, 0.95)
    return (found.lower <= truth) & (truth <= found.upper), found.upper - found.lower


def of_ratings(draws: int, seed: int) -> None:
    """Mean coverage / that of the worst model / median width in log-odds."""
    rng, strengths = np.random.default_rng(seed), np.linspace(1, -1, 5)
    truth = fit_bradley_terry(everyone(rng, np.ones(20_000, dtype=int), strengths)).theta
    heading("Bradley-Terry ratings", RATED)
    makes: dict[str, tuple[Floats, Callable[[int], VerdictTable]]] = {
        "5 models, all pairs, hard": (truth, lambda n: everyone(rng, np.ones(n, dtype=int), strengths)),
        "a tenth with 10 times the battles": (
            truth,
            lambda n: everyone(rng, np.where(np.arange(n) % 10 == 0, 10, 1), strengths),
        ),
    }
    if alpaca.FOLDER.is_dir():
        matrix = published()
        matrix = matrix[np.isfinite(matrix).all(axis=1)]
        k = matrix.shape[1]
        theta = np.append(logit(matrix.mean(axis=0)), 0.0)

        def against(n: int) -> VerdictTable:
            rows = matrix[rng.integers(0, len(matrix), n)]
            i, a = np.divmod(np.arange(n * k), k)
            return table_of(i, a, np.full(n * k, k), rows.ravel(), n, k + 1)

        makes["AlpacaEval, soft"] = theta - theta.mean(), against
    for name, (target, make) in makes.items():

        def held(n: int, target: Floats = target, make: Callable[[int], VerdictTable] = make) -> str:
            inside, width = zip(*(rated(make(n), target) for _ in range(max(draws // 4, 20))), strict=True)
            share = np.mean(inside, axis=0)
            return f"{100 * share.mean():.1f} / {100 * share.min():.1f} / {np.median(width):.2f}"

        show(name, map(held, RATED))


SECTIONS = {
    "alpaca": of_alpaca,
    "simulated": of_simulated,
    "scores": of_scores,
    "ranks": of_ranks,
    "ratings": of_ratings,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(SECTIONS), action="append")
    options = parser.parse_args()
    for name in options.only or SECTIONS:
        if name == "alpaca" and not alpaca.FOLDER.is_dir():
            print("\nalpaca: the published verdicts are not beside this checkout")
            continue
        start = time.perf_counter()
        SECTIONS[name](options.draws, options.seed)
        print(f"\n{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()

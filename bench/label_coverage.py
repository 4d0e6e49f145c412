"""Do intervals that rest on few labels, few judges or few looks hold what they say?  Tables of docs/statistics.md.

    taskset -c 0 python -m bench.label_coverage [--draws 200] [--seed 0] [--only anchored]

A column is a number of labels (items, instructions), a cell the mean coverage of nominal 95 % intervals over worlds /
that of the worst world / mean width. Worlds differ in the true rate (.5 to .98) and in how the judge errs.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from bench.interval_coverage import heading, show
from bench.rank_coverage import verdicts
from judgebench.bias.confidence import calibration
from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.stats import agreement
from judgebench.stats.adaptive import Race, RankingQuestion
from judgebench.stats.bradley_terry import fit_bradley_terry
from judgebench.stats.intervals import critical_values
from judgebench.stats.judge_model import fit_judge_model
from judgebench.stats.ppi import JudgeErrorRates, anchored_mean, anchored_ratings, corrected_share
from judgebench.stats.verdict_table import Floats
from tests.stats.test_judge_model import GAMMA, SLOT, TIES, world

SIZES = (5, 10, 20, 50, 100, 200, 805)
RATES = (0.5, 0.7, 0.9, 0.98)
JUDGES = {"right on 85 %": (0.85, 0.85), "lenient": (0.98, 0.4), "strict": (0.5, 0.98), "perfect": (1.0, 1.0)}
World = tuple[Callable[[int], Estimate], float]  # an estimate from n items, and the truth


def covered(worlds: Iterable[World], n: int, draws: int) -> str:
    """Estimates that are not identified, or have no interval, count nowhere."""
    shares, widths = [], []
    for draw, truth in worlds:
        known = [e for e in (draw(n) for _ in range(draws)) if e.lower is not None and e.upper is not None]
        if known:
            shares.append(np.mean([e.lower <= truth + 1e-9 and truth - 1e-9 <= e.upper for e in known]))
            widths += [e.upper - e.lower for e in known]
    return f"{100 * np.mean(shares):.1f} / {100 * np.min(shares):.1f} / {np.mean(widths):.3f}"


def rows(title: str, kinds: dict[str, list[World]], draws: int, sizes: tuple[int, ...] = SIZES) -> None:
    heading(title, sizes)
    for name, worlds in kinds.items():
        show(name, (covered(worlds, n, draws) for n in sizes))


def anchored(draws: int, rng: np.random.Generator) -> None:
    """People's labels on n of n + 500 items; soft ones are means of two."""

    def labels(n: int, rate: float, judge: tuple[float, float], soft: bool) -> Estimate:
        chance = rng.beta(2 * rate, 2 * (1 - rate), n + 500) if soft else np.full(n + 500, rate)
        truth = ((rng.random(n + 500) < chance) * 1.0 + (rng.random(n + 500) < chance)) / 2 if soft else (
            (rng.random(n + 500) < chance) * 1.0
        )  # fmt: skip
        likes = rng.random(n + 500) < truth
        said = (rng.random(n + 500) < np.where(likes, judge[0], 1 - judge[1])) * 1.0
        return anchored_mean(truth[:n], said[:n], said[n:]).interval()

    kinds = {
        f"{'soft' if soft else 'hard'} labels, judge {name}": [
            (partial(labels, rate=rate, judge=judge, soft=soft), rate) for rate in RATES
        ]
        for soft in (False, True)
        for name, judge in JUDGES.items()
    }
    rows("rates anchored to people, by labels", kinds, draws)
    bias = 0.6 * np.array([0, 0, 1, 0, -1, 1])
    theta = fit_bradley_terry(verdicts(rng, 40_000, 0.8)[1]).theta

    def ratings(n: int) -> str:
        held, widths = [], []
        for _ in range(max(draws // 2, 50)):
            quality, human = verdicts(rng, n + 200, 0.8)
            judge = verdicts(rng, n + 200, 0.8, bias=bias, quality=quality)[1]
            try:
                known = anchored_ratings(human.select(human.instruction < n), judge)
            except StatisticsError:  # of so few labels some models always won
                continue
            half = critical_values(known.degrees, 0.95) * np.sqrt(np.diag(known.covariance + known.doubt))
            held.append(np.abs(known.theta - theta) <= half)
            widths.append(2 * half)
        share = np.mean(held, axis=0)
        return f"{100 * share.mean():.1f} / {100 * share.min():.1f} / {np.median(widths):.2f}"

    show("ratings, biased judge (log-odds)", (ratings(n) for n in SIZES[:5]))


def corrected(draws: int, rng: np.random.Generator) -> None:
    """Shares of n items as a judge called them, whose errors are known from labels of either class."""

    def share(n: int, rate: float, errors: tuple[float, float], labels: int) -> Estimate:
        specificity, sensitivity = errors
        known = rng.binomial(labels, specificity) / labels, rng.binomial(labels, sensitivity) / labels
        called = rng.binomial(n, rate * sensitivity + (1 - rate) * (1 - specificity)) / n
        if sum(known) <= 1:
            return Estimate(None, None, None, 0.95, "none", n, "no better than chance")
        return corrected_share(called, n, JudgeErrorRates(known[0], labels, known[1], labels)).estimate

    kinds = {
        f"errors from {labels} labels a class": [
            (partial(share, rate=rate, errors=errors, labels=labels), rate)
            for rate in (0.02, *RATES)
            for errors in ((0.85, 0.85), (0.98, 0.98), (0.7, 0.95), (0.6, 0.7))
        ]
        for labels in (10, 20, 100)
    }
    rows("shares corrected for a judge's errors, by items", kinds, draws)


def raters(rng: np.random.Generator, n: int, shares: tuple[float, ...], error: float, k: int) -> Floats:
    """k raters of one truth, who guess on a share ``error`` of the items."""
    values = np.array([0.0, 2.0] if len(shares) == 2 else [0.0, 1.0, 2.0])
    truth, guess = rng.choice(values, (n, 1), p=shares), rng.choice(values, (n, k), p=shares)
    return np.where(rng.random((n, k)) < error, guess, truth)


def coefficients(draws: int, rng: np.random.Generator) -> None:
    statistics = {
        "Cohen's kappa": (agreement.cohen_kappa, 2),
        "weighted kappa": (partial(agreement.cohen_kappa, weights="linear"), 2),
        "Fleiss's kappa": (agreement.fleiss_kappa, 3),
        "Gwet's AC1": (agreement.gwet_ac1, 3),
        "Krippendorff's alpha": (agreement.krippendorff_alpha, 3),
        "ICC(2,1)": (agreement.icc, 3),
    }

    def world_of(statistic: Callable[[Floats], float], k: int, shares: tuple[float, ...], error: float) -> World:
        def draw(n: int) -> Estimate:
            ratings = raters(rng, n, shares, error, k)
            return agreement.agreement(statistic, ratings, np.arange(n), rng=rng, resamples=100)

        return draw, statistic(raters(rng, 200_000, shares, error, k))

    kinds = {
        name: [
            world_of(statistic, k, shares, error)
            for shares in ((0.5, 0.5), (0.1, 0.9), (0.45, 0.1, 0.45))
            for error in (0.02, 0.1, 0.4)
        ]
        for name, (statistic, k) in statistics.items()
    }
    rows("coefficients of agreement, .4 to .98, by items", kinds, max(draws // 4, 25))


def calibrations(draws: int, rng: np.random.Generator) -> None:
    """A judge that is as often right as it says, and ones that are too sure."""

    def said(n: int, shift: float) -> Estimate:
        sure = rng.uniform(0.5, 1.0, n)
        right = (rng.random(n) < sure + shift) * 1.0
        return calibration(sure, right, np.arange(n), rng=rng, resamples=100).expected_error

    sizes = (10, 20, 50, 100, 200, 805)
    kinds = {"expected calibration error": [(partial(said, shift=shift), -shift) for shift in (0.0, -0.1, -0.2, -0.4)]}
    rows("calibration, by items", kinds, max(draws // 2, 50), sizes)


def correlations(draws: int, rng: np.random.Generator) -> None:
    """Two rankings of models whose scores are bivariate normal."""

    def ranked(n: int, rho: float, method: str) -> Estimate:
        scores = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n).T
        named = [{str(i): float(x) for i, x in enumerate(side)} for side in scores]
        return agreement.rank_correlation(*named, method=method)

    kinds = {
        method: [(partial(ranked, rho=rho, method=method), truth(rho)) for rho in (0.0, 0.5, 0.9, 0.97, 0.995)]
        for method, truth in (
            ("spearman", lambda rho: 6 / np.pi * np.arcsin(rho / 2)),
            ("kendall", lambda rho: 2 / np.pi * np.arcsin(rho)),
        )
    }
    rows("rank correlations, by models", kinds, draws, (6, 8, 12, 20, 50))


def judges(draws: int, rng: np.random.Generator) -> None:
    """Four models, all pairs in both orders, three judges that differ in sharpness, place and ties."""
    sizes, truths = (
        (3, 5, 10, 20, 50),
        {"discrimination": np.log(GAMMA), "first_place": SLOT, "tie_tendency": np.log(TIES)},
    )
    heading("judge-aware terms, by instructions", sizes)
    fits = {
        n: [
            fit_judge_model(world(n, seed=int(seed), lineage=0.0)[0])
            for seed in rng.integers(0, 2**31, max(draws // 2, 50))
        ]
        for n in sizes
    }
    for name, truth in truths.items():

        def cell(n: int, name: str = name, truth: Floats = truth) -> str:
            terms = [[e for _, e in getattr(fit, name).items(0.95)] for fit in fits[n]]
            held = [[e.lower <= t <= e.upper for e, t in zip(row, truth, strict=True)] for row in terms]
            share = np.mean(held, axis=0)
            width = np.mean([[e.upper - e.lower for e in row] for row in terms])
            return f"{100 * share.mean():.1f} / {100 * share.min():.1f} / {width:.2f}"

        show(name.replace("_", " "), map(cell, sizes))


def adaptive(draws: int, rng: np.random.Generator) -> None:
    """Races between equal models that are settled, at error .05, once all instructions of a benchmark are asked."""
    sizes = (20, 100, 400)
    heading("equal models settled, % of races, by instructions", sizes)
    chances: dict[str, Callable[[int], Floats]] = {
        "every verdict a coin": lambda n: np.full(n, 0.5),
        "clear, half for either": lambda n: np.repeat([0.02, 0.98], n // 2),
        "mixed": lambda n: np.ravel(np.column_stack([half := rng.beta(0.5, 0.5, n // 2), 1 - half])),
    }

    def settled(n: int, chance: Callable[[int], Floats]) -> bool:
        race = Race(["a", "b"], RankingQuestion(better=("a", "b")), error=0.05)
        for p in rng.permutation(chance(n)):
            race.observe("a", ((rng.random() < p) * 1.0 + (rng.random() < p)) / 2)
            if race.settled:
                return True
        return False

    def cells(chance: Callable[[int], Floats]) -> Iterator[str]:
        for n in sizes:
            yield f"{100 * np.mean([settled(n, chance) for _ in range(draws)]):.1f}"

    for name, chance in chances.items():
        show(name, cells(chance))


SECTIONS = {
    "anchored": anchored,
    "corrected": corrected,
    "coefficients": coefficients,
    "calibrations": calibrations,
    "correlations": correlations,
    "judges": judges,
    "adaptive": adaptive,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(SECTIONS), action="append")
    options = parser.parse_args()
    for name in options.only or SECTIONS:
        start = time.process_time()
        SECTIONS[name](options.draws, np.random.default_rng(options.seed))
        print(f"\n{name}: {time.process_time() - start:.0f} s of processor time", flush=True)


if __name__ == "__main__":
    main()

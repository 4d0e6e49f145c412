"""Do nominal 95 % intervals hold the truth 95 % of the time?  Simulated draws, one line a statistic.

    taskset -c 0 python bench/rank_coverage.py --draws 500 [--only ratings]

The truth is what the same estimator says of a sample hundreds of times larger: the marginal parameter, not the logit
that generated the data, which averages over instructions shrink. A Monte-Carlo interval of the coverage is printed.
"""

import argparse
import time

import numpy as np
from scipy.special import expit
from scipy.stats import beta

from judgebench.stats.bradley_terry import bootstrap_ratings, fit_bradley_terry
from judgebench.stats.bradley_terry.covariates import bradley_terry_estimates
from judgebench.stats.intervals import critical_value, critical_values
from judgebench.stats.length_control import controlled_win_rates, empirical_prior
from judgebench.stats.length_control.likelihood import Comparisons
from judgebench.stats.method import Choices
from judgebench.stats.ppi import anchored_ratings, anchored_win_rates
from judgebench.stats.ranks import rank_sets, ranks_of
from judgebench.stats.verdict_table import VerdictTable
from judgebench.stats.win_rate import win_rates

STRENGTHS = np.linspace(1.2, -1.2, 6)


def verdicts(rng, instructions, noise, *, slot=0.4, bias=None, quality=None):
    """All pairs in both orders; quality noise of standard deviation ``noise`` shared by a model's battles on one."""
    k = len(STRENGTHS)
    if quality is None:
        quality = STRENGTHS + noise * rng.standard_normal((instructions, k))
    seen = quality if bias is None else quality + bias
    first, second = np.triu_indices(k, 1)
    i = np.repeat(np.arange(instructions), 2 * len(first))
    a, b = (np.tile(np.repeat(side, 2), instructions) for side in (first, second))
    order = np.tile([0, 1], len(i) // 2)
    p = expit(seen[i, a] - seen[i, b] + slot * (1 - 2 * order))
    zeros = np.zeros(len(i), dtype=np.int32)
    return quality, VerdictTable(
        models=tuple(f"m{m}" for m in range(k)),
        instructions=tuple(str(n) for n in range(instructions)),
        judges=("judge",),
        model_a=a.astype(np.int32),
        model_b=b.astype(np.int32),
        instruction=i.astype(np.int32),
        judge=zeros,
        order=order.astype(np.int8),
        preference=(rng.random(len(i)) < p).astype(float),
        length_a=zeros,
        length_b=zeros,
    )


def line(name, held):
    """``held`` (draws, ...) of booleans; the Monte-Carlo interval counts draws, whose entries are dependent."""
    share, n = float(np.mean(held)), len(held)
    low, high = beta.ppf([0.025, 0.975], share * n + 0.5, (1 - share) * n + 0.5)
    print(f"| {name} | {100 * share:.1f} | {100 * low:.1f}-{100 * high:.1f} | {n} |", flush=True)


def inside(lower, upper, truth):
    return (lower <= truth) & (truth <= upper)


def rated(table):
    """Bradley-Terry as a leaderboard states it."""
    return bradley_terry_estimates(table, Choices(), None, np.random.default_rng(0))


def ranked(estimates, rng):
    return ranks_of(estimates, rng=rng)


def ratings(draws, rng):
    for noise, label in ((0.8, "noise 0.8"), (2.0, "noise 2.0")):
        large = verdicts(rng, 60_000, noise)[1]
        theta, rate, against = (
            fit_bradley_terry(large).theta,
            win_rates(large).rate,
            win_rates(large, baseline="m2").rate,
        )
        held = {name: [] for name in ("by verdict", "by instruction", "field", "baseline", "ranks")}
        true_rank = np.arange(1, 7)
        for _ in range(draws):
            table = verdicts(rng, 300, noise)[1]
            known = rated(table)
            held["by instruction"].append(inside(known.lower, known.upper, theta))
            rows = fit_bradley_terry(table, cluster="verdict")
            held["by verdict"].append(np.abs(rows.theta - theta) <= critical_value(0.95) * rows.standard_error)
            held["field"].append(inside(*win_rates(table).sums.ends(0.95), rate))
            others = [0, 1, 3, 4, 5]
            held["baseline"].append(inside(*win_rates(table, baseline="m2").sums.ends(0.95), against)[others])
            sets = ranked(known, rng)
            held["ranks"].append(inside(sets.lower, sets.upper, true_rank).all())
        line(f"ratings, sandwich by verdict (too narrow; shown why), {label}", np.array(held["by verdict"]))
        line(f"ratings, sandwich by instruction, {label}", np.array(held["by instruction"]))
        line(f"win rate against the field, {label}", np.array(held["field"]))
        line(f"win rate against a baseline, {label}", np.array(held["baseline"]))
        line(f"rank sets, all six at once, {label}", np.array(held["ranks"]))


def bootstrap(draws, rng):
    theta = fit_bradley_terry(verdicts(rng, 60_000, 0.8)[1]).theta
    held = []
    for _ in range(draws):
        boot = bootstrap_ratings(verdicts(rng, 300, 0.8)[1], resamples=400, rng=rng)
        held.append(inside(boot.lower, boot.upper, theta))
    line("ratings, bootstrap over instructions, 400 resamples", np.array(held))


def close_ranks(draws, rng):
    """Rank sets where models are equal: an equal model's set must hold every rank that it shares."""
    root = np.linalg.cholesky(0.03 * np.eye(5) + 0.01)
    for truth, label in (([0, 0, 0, 0, 0], "five equal models"), ([9, 0, 0, 0, -9], "three equal among five")):
        truth = np.array(truth, dtype=float)
        best = np.array([1 + (truth > t).sum() for t in truth])
        worst = np.array([(truth >= t).sum() for t in truth])
        held = []
        for _ in range(draws):
            # 21 degrees of freedom: a covariance of 22 instructions, not known exactly
            spread = np.cov(root @ rng.standard_normal((5, 22)))
            drawn = truth + root @ rng.standard_normal(5)
            sets = rank_sets(drawn, spread, degrees=np.full(5, 21.0), rng=rng, draws=1000)
            held.append(((sets.lower <= best) & (sets.upper >= worst)).all())
        line(f"rank sets, {label}, all at once", np.array(held))


def comparisons(rng, abilities, instructions, slopes, shift):
    m = len(abilities)
    difficulty = 1.2 * rng.standard_normal(instructions)
    control = np.tanh(rng.standard_normal((m, instructions)) + shift[:, None])
    noise = 0.5 * rng.standard_normal((m, instructions))
    logits = abilities[:, None] + difficulty + slopes[:, None] * control + noise
    everywhere = np.ones((m, instructions))
    return Comparisons(
        tuple(f"m{i}" for i in range(m)),
        "zz",
        tuple(map(str, range(instructions))),
        ("length",),
        (rng.random((m, instructions)) < expit(logits)).astype(float),
        everywhere,
        control[:, :, None],
    )


def length(draws, rng):
    for m in (6, 15):
        abilities = np.linspace(0.8, -2.0, m)
        slopes, shift = -1.5 + 0.2 * rng.standard_normal(m), rng.uniform(-0.8, 0.8, m)
        nodes = rng.standard_normal(200_000)
        truth = np.array([expit(a + np.sqrt(1.2**2 + 0.5**2) * nodes).mean() for a in abilities])
        held, off = [], []
        for _ in range(draws):
            data = comparisons(rng, abilities, 500, slopes, shift)
            found = controlled_win_rates(data, prior=empirical_prior(data), resamples=100, rng=rng)
            held.append(inside(found.lower, found.upper, np.append(truth, 0.5))[:-1])
            off.append(found.rate[:-1] - truth)
        line(f"length-controlled win rate, empirical prior, {m} models", np.array(held))
        print(f"  largest mean error {np.abs(np.mean(off, axis=0)).max():.4f}, mean {np.mean(off):.4f}")


def anchored(draws, rng):
    bias = 0.6 * np.array([0, 0, 1, 0, -1, 1])
    large = verdicts(rng, 60_000, 0.8)[1]
    rate, theta = win_rates(large).rate, fit_bradley_terry(large).theta
    held = {"rate": [], "rating": []}
    for _ in range(draws):
        quality, human = verdicts(rng, 300, 0.8)
        judge = verdicts(rng, 300, 0.8, bias=bias, quality=quality)[1]
        some = human.select(human.instruction < 80)
        means = anchored_win_rates(some, judge)
        ends = [means[name].interval() for name in human.models]
        held["rate"].append([inside(end.lower, end.upper, rate[m]) for m, end in enumerate(ends)])
        known = anchored_ratings(some, judge)
        half = critical_values(known.degrees, 0.95) * np.sqrt(np.diag(known.covariance + known.doubt))
        held["rating"].append(np.abs(known.theta - theta) <= half)
    line("anchored win rates (PPI++), 80 of 300 labelled, biased judge", np.array(held["rate"]))
    line("anchored ratings (PPI++), the same", np.array(held["rating"]))


SECTIONS = {"ratings": ratings, "bootstrap": bootstrap, "ranks": close_ranks, "length": length, "anchored": anchored}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(SECTIONS), action="append")
    options = parser.parse_args()
    print("| statistic | coverage % | Monte-Carlo 95 % | draws |\n|---|---|---|---|")
    for name in options.only or SECTIONS:
        start = time.perf_counter()
        SECTIONS[name](options.draws, np.random.default_rng(options.seed))
        print(f"  {name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()

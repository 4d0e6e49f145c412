"""Boards of judges by benchmarks of judges: scored items in, numbers by section with intervals out.

Benchmarks publish no intervals; these take instructions as drawn, within subsets where the benchmark weighs them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard.judge_benchmarks import JudgeBenchmark, Section
from judgebench.leaderboard.published.board import LEVEL, Measure, percent_of
from judgebench.leaderboard.published.judged_pairs import JudgedPairs, ScoredItems, Subsets
from judgebench.records import Status
from judgebench.stats.intervals import bounded_mean, stratified_mean

_Part = tuple[float, frozenset[str]]  # a weight, and the subsets whose items it is of together
_EVERYTHING: frozenset[str] = frozenset()  # of items of any subset, or of none


@dataclass(frozen=True, slots=True)
class EvaluatedJudge:
    """One judge on one benchmark of judges."""

    judge: str
    numbers: Mapping[str, Estimate]  # by measure's name, in percent
    pairs: int  # labelled pairs that it was asked about
    both_orders: int  # of these in both orders; of a judge that scores 0
    statuses: Mapping[Status, int]  # how its trials on labelled pairs, or outputs in these, ended
    tokens: float | None  # a trial, prompt and reply; None where no reply tells, as below
    cost_usd: float | None  # of all its trials on the benchmark
    latency_s: float | None  # a trial


@dataclass(frozen=True, slots=True)
class JudgeBoard:
    """The best by the first measure first."""

    profile: str  # a name in JUDGE_BENCHMARKS
    measures: tuple[Measure, ...]
    rows: tuple[EvaluatedJudge, ...]
    labelled: int  # pairs of which it is known which is better
    notes: tuple[str, ...] = ()


def judge_numbers(
    benchmark: JudgeBenchmark, pairs: JudgedPairs, *, level: float = LEVEL
) -> list[tuple[Measure, Estimate]]:
    """Every measure of the benchmark, in its order. Raises StatisticsError for a level outside (0, 1)."""
    numbers: list[tuple[Measure, Estimate]] = []
    for name, items in benchmark.rule()(pairs).items():
        if name in benchmark.also:
            numbers += _further(benchmark, name, items, level)
        else:
            numbers += _accuracy(benchmark, items, level)
    return numbers


def _accuracy(benchmark: JudgeBenchmark, items: ScoredItems, level: float) -> Iterator[tuple[Measure, Estimate]]:
    if benchmark.overall is not None:
        about = "The mean of the sections." if benchmark.overall == "sections" else "The mean of all pairs."
        yield Measure("overall", "overall", "percent", about), _overall(benchmark, items, level)
    for section in benchmark.sections:
        about = f"Accuracy in {section.name}."
        yield Measure(_named(section.name), section.name, "percent", about), _of_section(section, items, level)
    for section in benchmark.sections:
        for subset in section.weights if len(section.weights) > 1 else ():
            measure = Measure(f"subset.{subset}", subset, "percent", f"Accuracy in {subset}.", is_main=False)
            yield measure, _mean(items, [(1.0, frozenset({subset}))], [subset], level)


def _further(
    benchmark: JudgeBenchmark, name: str, items: ScoredItems, level: float
) -> Iterator[tuple[Measure, Estimate]]:
    heading = benchmark.also[name]
    if benchmark.overall == "sections":
        overall = _overall(benchmark, items, level)
    else:
        overall = _mean(items, [(1.0, _EVERYTHING)], [], level)
    yield Measure(name, heading, "percent", f"The share that is {heading}."), overall
    for section in benchmark.sections:
        about = f"The share that is {heading}, in {section.name}."
        measure = Measure(f"{name}.{_named(section.name)}", section.name, "percent", about, is_main=False)
        yield measure, _of_section(section, items, level)


def _named(section: str) -> str:
    return section.lower().replace(" ", "_")


def _of_section(section: Section, items: ScoredItems, level: float) -> Estimate:
    return _mean(items, _parts(section, items.subset), [section.name], level)


def _overall(benchmark: JudgeBenchmark, items: ScoredItems, level: float) -> Estimate:
    if benchmark.overall == "pairs":
        return _mean(items, [(1.0, _EVERYTHING)], [], level)
    present = {section.name: _parts(section, items.subset) for section in benchmark.sections}
    counted = [section for section in benchmark.sections if section.in_overall]
    missing = [section.name for section in counted if not (present[section.name] or section.optional)]
    if missing:
        why = "; ".join(
            dict.fromkeys(items.without.get(name, "it was asked about none of their pairs") for name in missing)
        )
        return unidentified(f"it is a mean of all sections, and {', '.join(missing)} are missing: {why}", level=level)
    parts = [(section.in_overall * weight, of) for section in counted for weight, of in present[section.name]]
    return _mean(items, parts, [], level)


def _parts(section: Section, subsets: Subsets) -> list[_Part]:
    """What the section is a weighted mean of, as far as there are items."""
    present = [subset for subset in section.weights if (subsets == subset).any()]
    if section.pooled:
        return [(1.0, frozenset(present))] if present else []
    total = sum(section.weights[subset] for subset in present)
    return [(section.weights[subset] / total, frozenset({subset})) for subset in present]


def _mean(items: ScoredItems, parts: Sequence[_Part], names: Sequence[str], level: float) -> Estimate:
    """The weighted mean of parts, in percent; ``names``: of what, where it has no items."""
    strata = np.full(len(items), -1)
    for code, (_, of) in enumerate(parts):
        strata[np.isin(items.subset, list(of)) if of else slice(None)] = code
    chosen = items.select(strata >= 0)
    if not len(chosen):
        why = next((items.without[name] for name in names if name in items.without), "no such pair was judged")
        return unidentified(why, level=level)
    weights = np.array([weight for weight, _ in parts])
    if len(parts) == 1:
        mean = bounded_mean(chosen.value, chosen.cluster, level=level)
    else:
        of_rows = strata[strata >= 0]
        mean = stratified_mean(chosen.value, chosen.cluster, of_rows, weights / weights.sum(), level=level)
    return mean.mapped(percent_of)

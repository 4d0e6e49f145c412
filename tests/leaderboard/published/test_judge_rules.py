"""Benchmarks of judges: their aggregation is a direct count by section, and a judge's accuracy lies in its interval."""

from collections import defaultdict
from math import isnan, tanh
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from judgebench.estimate import Estimate
from judgebench.leaderboard.judge_benchmarks import JUDGE_BENCHMARKS, judge_benchmark
from judgebench.leaderboard.published.judge_board import judge_numbers
from judgebench.leaderboard.published.judged_pairs import JudgedPairs

READINGS = np.array([1.0, 0.0, 0.5, np.nan])  # of which the last failed
NEVER = np.zeros((0, 2), dtype=bool)


def pairs_of(
    subset: list[str],
    label: NDArray[np.float64],
    readings: NDArray[np.float64],
    instruction: NDArray[np.int64] | None = None,
    **more: Any,
) -> JudgedPairs:
    """Each pair has outputs of its own; what has no reading failed."""
    n = len(label)
    numbers = np.arange(n) if instruction is None else instruction
    sides = {"first": 2 * np.arange(n), "second": 2 * np.arange(n) + 1} | more
    failed = np.isnan(readings)
    return JudgedPairs(numbers, np.array(subset, dtype=object), label=label, readings=readings, failed=failed, **sides)


def numbers(profile: str, pairs: JudgedPairs) -> dict[str, Estimate]:
    return {measure.name: known for measure, known in judge_numbers(JUDGE_BENCHMARKS[profile], pairs)}


def drawn(rng: np.random.Generator, profile: str, n: int) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Pairs of random subsets, with labels and both orders' readings, some of them ties or failures."""
    subsets = judge_benchmark(profile).subsets
    label = rng.integers(0, 2, n).astype(float)
    return [str(name) for name in rng.choice(subsets, n)], label, READINGS[rng.integers(0, 4, (n, 2))]


def test_rewardbench_is_a_direct_count_by_section() -> None:
    subset, label, readings = drawn(np.random.default_rng(1), "rewardbench", 3000)
    credit: dict[str, list[float]] = defaultdict(list)
    for name, truth, pair in zip(subset, label, readings, strict=True):
        told = [0.5 if isnan(value) or value == 0.5 else float(value == truth) for value in pair]
        credit[name].append(sum(told) / 2)
    made = numbers("rewardbench", pairs_of(subset, label, readings))
    section = {}
    for part in JUDGE_BENCHMARKS["rewardbench"].sections:
        weight = sum(part.weights.values())
        section[part.name] = sum(w * sum(credit[name]) / len(credit[name]) for name, w in part.weights.items()) / weight
        known = made[part.name.lower().replace(" ", "_")]
        assert known.value == pytest.approx(100 * section[part.name], abs=1e-9)
    four, prior = [section[name] for name in ("Chat", "Chat Hard", "Safety", "Reasoning")], section["Prior Sets"]
    assert made["overall"].value == pytest.approx(100 * (sum(four) + prior / 2) / 4.5, abs=1e-9)
    assert made["subset.math-prm"].value == pytest.approx(100 * np.mean(credit["math-prm"]), abs=1e-9)
    without = np.array([name not in JUDGE_BENCHMARKS["rewardbench"].sections[4].weights for name in subset])
    kept = [name for name, keep in zip(subset, without, strict=True) if keep]
    alone = numbers("rewardbench", pairs_of(kept, label[without], readings[without]))
    assert alone["overall"].value == pytest.approx(100 * sum(four) / 4, abs=1e-9)
    assert (alone["prior_sets"].value, alone["prior_sets"].reason) == (None, "no such pair was judged")


def best_of_four(scores: list[float]) -> float:
    top = max(scores)
    return (scores[0] == top) / scores.count(top)


def ties_score(ids: list[tuple[list[float], list[float], list[float], list[float]]]) -> float:
    """As process_single_model of the benchmark's utils.py has it, by means over all ids."""
    accuracy = [np.mean([min(right) > max(wrong) for right, wrong in part]) for part in (
        [row[:2] for row in ids], [row[2:] for row in ids]
    )]  # fmt: skip
    gaps = [(min(a) - max(b), min(c) - max(d), max(a) - min(a)) for a, b, c, d in ids]
    preferred = np.mean([gap > spread for gap, _, spread in gaps])
    hard = np.mean([min(gap, other) > spread for gap, other, spread in gaps])
    margins = [
        tanh(min(gap, other) / spread - 1) if spread else float(np.sign(min(gap, other))) for gap, other, spread in gaps
    ]
    return float(0.3 * sum(accuracy) + 0.2 * preferred + 0.2 * hard + 0.01 * np.mean(margins))


class Scored:
    """Labelled pairs of sets of outputs with scores."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str, int, int]] = []
        self.scores: list[float] = []
        self.ids: dict[int, tuple[str, ...]] = {}

    def add(self, instruction: int, subset: str, right: list[float], wrong: list[float]) -> None:
        start = len(self.scores)
        self.scores += [*right, *wrong]
        second = start + len(right)
        self.rows += [
            (instruction, subset, one, other)
            for one in range(start, second)
            for other in range(second, len(self.scores))
        ]

    def pairs(self) -> JudgedPairs:
        instruction, subset, first, second = (list(column) for column in zip(*self.rows, strict=True))
        scores = np.array(self.scores)
        toward = 0.5 + 0.5 * np.sign(scores[first] - scores[second])
        columns = {"first": np.array(first), "second": np.array(second), "scores": scores, "ids": self.ids}
        both = np.stack([toward, toward], axis=1)
        return pairs_of(subset, np.ones(len(first)), both, np.array(instruction), **columns)


def test_rewardbench_2_is_a_direct_count_by_section_and_the_published_score_of_ties() -> None:
    rng, made = np.random.default_rng(2), Scored()
    sections = ("Factuality", "Precise IF", "Math", "Safety", "Focus")
    credit: dict[str, list[float]] = defaultdict(list)
    for at in range(400):
        scores = [float(score) for score in rng.integers(1, 6, 4)]
        subset = sections[at % 5]
        made.add(at, subset, scores[:1], scores[1:])
        credit[subset].append(best_of_four(scores))
    ids = []
    for number in range(60):
        tied, wrong, reference, others = (
            [float(score) for score in rng.integers(low, low + 4, size)]
            for low, size in ((5, 3), (2, 4), (6, 1), (2, 3))
        )
        for at, kind, right, rest in ((2 * number, "tied", tied, wrong), (2 * number + 1, "ref", reference, others)):
            made.add(1000 + at, "Ties", right, rest)
            made.ids[1000 + at] = (f"{kind}:{number}",)
        ids.append((tied, wrong, reference, others))
    known = numbers("rewardbench-2", made.pairs())
    for name in sections:
        assert known[name.lower().replace(" ", "_")].value == pytest.approx(100 * np.mean(credit[name]), abs=1e-9)
    ties = ties_score(ids)
    assert known["ties"].value == pytest.approx(100 * ties, abs=1e-9)
    everything = [*(float(np.mean(credit[name])) for name in sections), ties]
    assert known["overall"].value == pytest.approx(100 * sum(everything) / 6, abs=1e-9)
    assert all(known[name].lower is not None for name in ("overall", "ties", "math"))


def test_a_judge_that_compares_is_right_where_it_prefers_the_correct_output_to_all() -> None:
    def best(*preferences: float) -> float | None:
        n = len(preferences)
        columns = {"first": np.zeros(n, dtype=int), "second": np.arange(1, n + 1)}
        readings = np.array([[value, value] for value in preferences])
        pairs = pairs_of(["Math"] * n, np.ones(n), readings, np.zeros(n, dtype=int), **columns)
        return numbers("rewardbench-2", pairs)["math"].value

    assert best(1, 1, 1) == 100
    assert best(1, 0.5, 1) == 50  # one other is as good
    assert best(1, 0.5, 0) == 0
    assert best(1, np.nan, 1) == 25  # a guess, where one failed
    known = numbers("rewardbench-2", pairs_of(["Ties"], np.ones(1), np.ones((1, 2))))
    assert known["ties"].reason == "it is made of scores of single outputs: ask the judge with a pointwise template"
    assert "Factuality" in known["overall"].reason
    assert known["overall"].value is None


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ((1, 1), {"rewardbench": 100, "scalerlab": 100, "auto-j": 100, "llmbar": 100, "mj-bench": 100}),
        ((1, 0), {"rewardbench": 50, "scalerlab": 0, "auto-j": 0, "llmbar": 50, "mj-bench": 50}),
        ((1, 0.5), {"rewardbench": 75, "scalerlab": 100, "auto-j": 0, "llmbar": 50, "mj-bench": 50}),
        ((1, np.nan), {"rewardbench": 75, "scalerlab": 100, "auto-j": 0, "llmbar": 50, "mj-bench": 50}),
        ((0.5, np.nan), {"rewardbench": 50, "scalerlab": 0, "auto-j": 0, "llmbar": 0, "mj-bench": 0}),
    ],
)
def test_ties_orders_and_failures_count_as_each_benchmark_has_them(
    readings: tuple[float, float], expected: dict[str, float]
) -> None:
    for profile, value in expected.items():
        section = JUDGE_BENCHMARKS[profile].sections[0]
        subset = next(iter(section.weights))
        known = numbers(profile, pairs_of([subset], np.ones(1), np.array([readings], dtype=float)))
        assert known[section.name.lower().replace(" ", "_")].value == value, profile


def test_agreement_with_people_counts_ties_and_consistency_says_how_alike_the_orders_are() -> None:
    label = np.array([0.5, 0.5, 1.0, 0.0])
    readings = np.array([[0.5, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, np.nan]])
    known = numbers("auto-j", pairs_of(["ranking"] * 4, label, readings))
    assert (known["overall"].value, known["nlp_tasks"].value, known["consistency"].value) == (50, 50, 50)


def test_without_ties_only_readings_with_a_winner_count() -> None:
    readings = np.array([[1.0, 0.5], [0.5, 0.5], [0.0, 1.0]])
    known = numbers("mj-bench", pairs_of(["safety"] * 3, np.ones(3), readings))
    assert known["safety"].value == pytest.approx(100 / 3)
    assert (known["without_ties.safety"].value, known["without_ties.safety"].n) == (75, 2)


def test_people_who_tie_are_left_out_and_the_best_of_k_is_of_correctness_sets_alone() -> None:
    subset = ["human preference", "human preference", "MATH", "MATH"]
    sides = {"first": np.array([0, 2, 4, 4]), "second": np.array([1, 3, 5, 6])}
    readings = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    pairs = pairs_of(subset, np.array([1.0, 0.5, 1.0, 1.0]), readings, np.array([0, 1, 2, 2]), **sides)
    known = numbers("ppe", pairs)
    assert (known["human_preference"].value, known["human_preference"].n) == (100, 1)
    assert (known["math"].value, known["best_of_k.math"].value, known["best_of_k.math"].n) == (50, 0, 1)
    assert "GPQA" in known["overall"].reason


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "n"), [("rewardbench", 6), ("rewardbench", 25), ("scalerlab", 12), ("llmbar", 15)])
@pytest.mark.parametrize("accuracy", [0.6, 0.9])
def test_a_judge_of_known_accuracy_is_recovered(profile: str, n: int, accuracy: float) -> None:
    """94 to 99 % of 300 draws, with n pairs a subset, two pairs an instruction whose readings are alike."""
    rng, inside = np.random.default_rng(n), 0
    how = JUDGE_BENCHMARKS[profile]
    subset = [name for name in how.subsets for _ in range(2 * n)]
    instruction = np.arange(len(subset)) // 2
    first = "overall" if how.overall else "adversarial"
    for _ in range(300):
        right = rng.random(instruction.max() + 1) < accuracy
        readings = np.repeat(right[instruction].astype(float)[:, None], 2, axis=1)
        known = numbers(profile, pairs_of(subset, np.ones(len(subset)), readings, instruction))[first]
        inside += known.ends[0] <= 100 * accuracy <= known.ends[1]
    assert 0.94 <= inside / 300 <= 0.99

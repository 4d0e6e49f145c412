"""Nothing that was seen a few times, always alike, is stated as certain: whatever states an estimate, wherever.

The table names how every public function that returns estimates is called with n observations that are all alike; a
function that is missing in it fails the last test.
"""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import get_args, get_type_hints

import numpy as np
import pytest

import judgebench.bias
import judgebench.stats
from judgebench.bias import (
    card,
    confidence,
    counterfactual,
    effects,
    human_agreement,
    position,
    report,
    self_preference,
    taste,
    voters,
)
from judgebench.bias.relatives import Relation
from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.leaderboard import METHODS, Choices
from judgebench.leaderboard.anchored import build_anchored, build_corrected
from judgebench.leaderboard.build import build
from judgebench.records import HumanLabel, Order
from judgebench.stats import agreement, goals, intervals, ppi, scores, steps, versions
from judgebench.stats.verdict_table import LabelTable, VerdictTable
from tests.bias.factories import table_of

ALIKE = [1.0, 0.5, 0.909]
NUMBERS = [2, 4, 6, 12]


def verdicts(n: int, preference: float, *, models: int = 2, judges: int = 1) -> VerdictTable:
    """All pairs in both orders on n instructions; the earlier model is always preferred to the same degree."""
    first, second = np.triu_indices(models, 1)
    i, pair, order, judge = (
        grid.ravel() for grid in np.meshgrid(range(n), range(len(first)), [0, 1], range(judges), indexing="ij")
    )
    return table_of(
        first[pair],
        second[pair],
        np.full(len(i), preference),
        models=[f"m{m}" for m in range(models)],
        instruction=i,
        order=order,
        judge=judge,
        judges=[f"j{j}" for j in range(judges)],
        lengths=(100 + 10 * first[pair], 100 + 10 * second[pair]),
    )


def labels(table: VerdictTable, preference: float) -> LabelTable:
    """Two people who say the same of every battle."""
    n = len(table)
    return LabelTable(
        annotators=("p", "q"),
        annotator=np.repeat([0, 1], n).astype(np.int32),
        instruction=np.tile(table.instruction, 2),
        model_a=np.tile(table.model_a, 2),
        model_b=np.tile(table.model_b, 2),
        preference=np.full(2 * n, preference),
    )


def estimates(result: object) -> Iterator[Estimate]:
    """All that a result holds, however deep."""
    if isinstance(result, Estimate):
        yield result
    elif is_dataclass(result):
        for field in fields(result):
            yield from estimates(getattr(result, field.name))
    elif isinstance(result, Mapping):
        for value in result.values():
            yield from estimates(value)
    elif isinstance(result, list | tuple):
        for value in result:
            yield from estimates(value)


def few_labels(n: int, preference: float) -> tuple[VerdictTable, VerdictTable]:
    """A judge on 30 instructions, and people on n of them."""
    judge = verdicts(30, preference, models=3)
    return judge, judge.select(judge.instruction < n)


RNG = partial(np.random.default_rng, 0)


def related(table: VerdictTable) -> np.ndarray:
    relations = np.full((len(table.judges), len(table.models)), Relation.UNRELATED, dtype=object)
    relations[0, 0] = Relation.SAME
    return relations


def shares(n: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    return np.full(n, p), np.arange(n)


def board(method: str, n: int, p: float) -> object:
    """No rows where the method refuses verdicts that are all alike."""
    try:
        return build(verdicts(n, p, models=3), Choices(method)).rows
    except StatisticsError:
        return ()


def changes_of_versions(n: int, p: float) -> object:
    """By battles, each with a baseline, and by scores, all judged twice."""
    table = repeated(n, p, models=3)
    models, instruction, none = np.tile([0, 1], 2 * n), np.repeat(np.arange(n), 4), np.zeros(4 * n, dtype=np.int32)
    keys = tuple(map(str, range(n)))
    scored = scores.ScoreTable(("m0", "m1"), keys, ("j",), models, instruction, none, np.full(4 * n, p), none)
    paired = (
        versions.between_versions(table, "m0", "m1"),
        versions.against_baseline(table, "m0", "m1", "m2"),
        versions.by_scores(scored, "m0", "m1"),
        versions.by_scores(scored, "m0", "m1", right_from=0.7),
    )
    return [versions.version_change(one, np.arange(n)) for one in paired]


def recorded(n: int, p: float) -> card.TrialRecord:
    return card.TrialRecord(np.arange(n), np.ones(n, bool), np.ones(n, bool), np.full(n, p), np.full(n, p), False)


CALLS = {
    "steps.step_agreement": lambda n, p: [
        steps.step_agreement([steps.LabelledReading(i, i, labels, ("good", "bad" if p else "good")) for i in range(n)])
        for labels in (("good", "good"), ("good", "bad"), ("bad", None))
    ],
    "agreement.accuracy": lambda n, p: agreement.accuracy(*shares(n, p)[:1], np.ones(n), np.arange(n)),
    "agreement.agreement": lambda n, p: [
        agreement.agreement(coefficient, np.full((n, 2), 2 * p), np.arange(n), rng=RNG())
        for coefficient in (agreement.raw_agreement, agreement.gwet_ac1, agreement.cohen_kappa, agreement.icc)
    ],
    "agreement.coefficients": lambda n, p: [
        agreement.coefficients(np.tile([p, 1 - p], (2, n // 2)).T, np.arange(n // 2 * 2), agreement.Resampling()),
        agreement.coefficients(np.full((n, 3), p), np.arange(n), agreement.Resampling()),
    ],
    "agreement.no_coefficients": lambda n, p: agreement.no_coefficients("nobody", 0.95),
    "agreement.rank_correlation": lambda n, p: [
        agreement.rank_correlation(*[{f"m{i}": p * i for i in range(n)}] * 2, method=method)
        for method in ("spearman", "kendall")
    ],
    "agreement.share_alike": lambda n, p: agreement.share_alike(np.full((n, 2), 2.0), np.arange(n)),
    "intervals.bootstrap_estimate": lambda n, p: None,  # of what is alike it tells nothing: see FEWEST_RESAMPLED
    "intervals.bounded_difference": lambda n, p: intervals.bounded_difference(*shares(n, p)),
    "intervals.bounded_mean": lambda n, p: intervals.bounded_mean(*shares(n, p)),
    "intervals.difference_estimate": lambda n, p: intervals.difference_estimate(
        intervals.bounded_mean(*shares(n, p)), intervals.bounded_mean(*shares(n, 0.0))
    ),
    "intervals.influence_estimate": lambda n, p: intervals.influence_estimate(p, np.zeros(n), np.arange(n)),
    "intervals.jackknife_estimate": lambda n, p: intervals.jackknife_estimate(
        lambda rows: float(np.append(np.full(n, p), [0.0, 1.0])[rows].mean()), np.arange(n), np.arange(2), rng=RNG()
    ),
    "intervals.normal_estimate": lambda n, p: intervals.normal_estimate(p, 0.0, n=n),
    "intervals.stratified_mean": lambda n, p: intervals.stratified_mean(
        np.full(2 * n, p), np.arange(2 * n), np.repeat([0, 1], n), np.array([0.4, 0.6])
    ),
    "ppi.anchored_win_rates": lambda n, p: [
        mean.interval() for mean in ppi.anchored_win_rates(*reversed(few_labels(n, p))).values()
    ],
    "ppi.corrected_share": lambda n, p: ppi.corrected_share(p, n, ppi.JudgeErrorRates(1.0, n, 1.0, n)),
    "card.bias_lines": lambda n, p: card.bias_lines(biases(n, p), "j0"),
    "card.lines_without_pairs": lambda n, p: card.lines_without_pairs("every trial failed", level=0.95),
    "card.null_line": lambda n, p: card.null_line(intervals.bounded_mean(*shares(n, p)), "", level=0.95),
    "card.people_lines": lambda n, p: [card.people_lines(judge, people(n, p).people) for judge in people(n, p).judges],
    "card.record_lines": lambda n, p: card.record_lines(recorded(n, p), level=0.95),
    "card.transitivity_line": lambda n, p: card.transitivity_line(verdicts(n, p, models=3), level=0.95),
    "confidence.calibration": lambda n, p: confidence.calibration(np.full(n, p), np.ones(n), np.arange(n), rng=RNG()),
    "confidence.evaluate": lambda n, p: confidence.evaluate(
        confidence.Threshold(0.5, 0.1, n, 0, n, 0.1, 0.05), np.full(n, max(p, 0.5)), np.zeros(n, bool), np.arange(n)
    ),
    "counterfactual.counterfactuals": lambda n, p: counterfactual.counterfactuals(
        verdicts(n, p, models=3), [effects.place_effect(verdicts(n, p, models=3))]
    ),
    "effects.in_points": lambda n, p: effects.in_points(intervals.normal_estimate(p, 0.0, n=n), 1.0),
    "taste.length": lambda n, p: taste.length(verdicts(n, p, models=3), human=np.full(6 * n, p)),
    "taste.slopes": lambda n, p: taste.slopes(
        verdicts(n, p, models=3), [effects.length_effect(verdicts(n, p, models=3))]
    ),
    "human_agreement.agreement_report": lambda n, p: people(n, p),
    "human_agreement.score_agreement": lambda n, p: human_agreement.score_agreement(
        np.full((n, 2), p), np.arange(n), how=agreement.Resampling()
    ),
    "human_agreement.human_agreement": lambda n, p: agrees(labelled(n, p)[0]),
    "human_agreement.people_agreement": lambda n, p: human_agreement.people_agreement(
        labelled(n, p)[0], agreement.Resampling()
    ),
    "voters.voters_report": lambda n, p: voters.voters_report(*labelled(n, p)),
    "position.effect_at": lambda n, p: position.effect_at(intervals.normal_estimate(p, 0.0, n=n)),
    "position.hard_effect": lambda n, p: position.hard_effect(position.match_orders(verdicts(n, p))),
    "position.position": lambda n, p: position.position(verdicts(n, p)),
    "position.position_curve": lambda n, p: position.position_curve(position.match_orders(verdicts(n, p))),
    "position.repeatability": lambda n, p: position.repeatability(repeated(n, p)),
    "position.soft_effect": lambda n, p: position.soft_effect(position.match_orders(verdicts(n, p))),
    "relatives.leakage": lambda n, p: biases(n, p).leakage,
    "report.bias_report": lambda n, p: biases(n, p),
    "self_preference.consensus_residuals": lambda n, p: self_preference.consensus_residuals(
        verdicts(n, p, models=3, judges=3), related(verdicts(n, p, models=3, judges=3))
    ),
    "self_preference.equal_opportunity": lambda n, p: self_preference.equal_opportunity(
        verdicts(n, p), "m0", np.tile([1.0, 0.0], n)
    ),
    "self_preference.familiarity": lambda n, p: self_preference.familiarity(
        verdicts(n, p, judges=2), ["llm", "llm"], {"j1"}, chosen=np.array([True, False])
    ),
    "self_preference.favour_beyond_people": lambda n, p: self_preference.favour_beyond_people(
        verdicts(n, p, models=3), "m0", np.full(6 * n, p)
    ),
    "self_preference.no_opportunity": lambda n, p: self_preference.no_opportunity("nobody", 0.95),
    "versions.version_change": changes_of_versions,
    "goals.goal_share": lambda n, p: goals.goal_share(np.full(n, p), np.ones(n), np.arange(n)),
    "goals.goal_difference": lambda n, p: goals.goal_difference(
        (np.full(n, p), np.ones(n)), (np.full(n, p), np.ones(n)), np.arange(n)
    ),
    "goals.ratio_beyond_chance": lambda n, p: goals.ratio_beyond_chance(np.full(n, p), np.full(n, p / 2), np.arange(n)),
    "anchored board": lambda n, p: build_anchored(*few_labels(n, p), Choices()).rows,
    "corrected board": lambda n, p: (
        build_corrected(verdicts(n, p), Choices(), ppi.JudgeErrorRates(0.9, n, 0.9, n), source="labels").rows
    ),
} | {f"board by {method}": partial(board, method) for method in METHODS if method not in ("score", "length-controlled")}


def biases(n: int, p: float) -> report.BiasReport:
    table = verdicts(n, p, models=3, judges=2)
    return report.bias_report(table, ["m0", "llm"], report.SideInformation(labels=labels(table, p)))


def people(n: int, p: float) -> human_agreement.AgreementReport:
    table = verdicts(n, p, models=3, judges=2)
    return human_agreement.agreement_report(human_agreement.labelled_battles(table, labels(table, p)))


def labelled(n: int, p: float) -> tuple[human_agreement.LabelledBattles, list[HumanLabel]]:
    """Battles, and the votes of two people who say the same of all of them."""
    table = verdicts(n, p, models=3, judges=2)
    votes = labels(table, p)
    given = [
        HumanLabel(votes.annotators[person], str(asked), table.models[a], table.models[b], float(vote), Order.AB)
        for person, asked, a, b, vote in zip(
            votes.annotator, votes.instruction, votes.model_a, votes.model_b, votes.preference, strict=True
        )
    ]
    return human_agreement.labelled_battles(table, votes), given


def agrees(items: human_agreement.LabelledBattles) -> Estimate:
    """The first judge with the people."""
    people = items.people.valued(agreement.outcomes(items.people.value))
    return human_agreement.human_agreement(
        agreement.outcomes(items.judges[:, 0]), people, items.instruction, level=0.95
    )


def repeated(n: int, p: float, *, models: int = 2) -> VerdictTable:
    table = verdicts(n, p, models=models)
    return table.select(np.repeat(np.arange(len(table)), 2))


@pytest.mark.parametrize("name", CALLS)
def test_no_estimate_from_alike_observations_is_certain(name: str) -> None:
    for n in NUMBERS:
        for p in ALIKE:
            for estimate in estimates(CALLS[name](n, p)):
                if estimate.lower is not None and estimate.upper is not None:
                    assert estimate.upper - estimate.lower > 1e-3, (n, p, estimate)


@pytest.mark.parametrize("package", [judgebench.stats, judgebench.bias], ids=["stats", "bias"])
def test_every_function_that_states_an_estimate_is_in_the_table(package: ModuleType) -> None:
    modules = [import_module(f"{package.__name__}.{module.name}") for module in pkgutil.iter_modules(package.__path__)]
    stating = {
        f"{module.__name__.split('.')[-1]}.{name}"
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__ and states(function)
    }
    assert stating - CALLS.keys() - {"card.line", "card.sorted_lines"} == set()  # which pass on what they are given


def states(function: object) -> bool:
    return holds(get_type_hints(function).get("return"), ())


def holds(kind: object, above: tuple[object, ...]) -> bool:
    """Whether values of this type hold estimates."""
    if kind is Estimate or kind in above:
        return kind is Estimate
    parts = [*get_args(kind), *(field_types(kind) if is_dataclass(kind) else ())]
    return any(holds(part, (*above, kind)) for part in parts)


def field_types(kind: object) -> Iterator[object]:
    """Those that can be named when the program runs: numbers of arrays hold no estimate."""
    try:
        yield from get_type_hints(kind).values()
    except NameError:
        return

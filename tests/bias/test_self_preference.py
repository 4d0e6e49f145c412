"""Favour for a judge's own outputs, and for what its LLM finds likely."""

import numpy as np
import pytest
from scipy.special import expit

from judgebench.bias.relatives import Relation
from judgebench.bias.self_preference import consensus_residuals, equal_opportunity, familiarity
from judgebench.errors import InputError, UnknownName
from tests.bias.factories import table_of
from tests.stats.factories import swapped


def relations(judges, models, own=(), kin=()):
    matrix = np.full((judges, models), Relation.UNRELATED, dtype=object)
    for cell in own:
        matrix[cell] = Relation.SAME
    for cell in kin:
        matrix[cell] = Relation.FAMILY
    return matrix


def against_baseline(rng, judges=4, models=5, instructions=80, favour=(), noise=0.0):
    """Each judge compares each model with model 0, the baseline; ``favour`` adds to a cell's win rate."""
    i, j, m = (x.ravel() for x in np.meshgrid(np.arange(instructions), np.arange(judges), np.arange(1, models)))
    rate = 0.3 + 0.08 * m + 0.03 * j
    for judge, model, amount in favour:
        rate = rate + amount * ((j == judge) & (m == model))
    shift = noise * rng.standard_normal((instructions, models))[i, m]
    won = (rng.random(len(i)) < np.clip(rate + shift, 0, 1)) * 1.0
    return table_of(
        np.zeros(len(i)), m, 1 - won, models=[f"m{n}" for n in range(models)], instruction=i, order=i % 2,
        judge=j, judges=[f"j{n}" for n in range(judges)],
    )  # fmt: skip


OWN = relations(4, 5, own=[(1, 1), (2, 2)], kin=[(3, 3)])


def test_by_hand():
    """Judges x models .5 .6 / .5 .6 / .5 .9: the third gives its second model .3 more than the others do."""
    share = np.array([[0.5, 0.6], [0.5, 0.6], [0.5, 0.9]])
    i, j, m = (x.ravel() for x in np.meshgrid(np.arange(10), np.arange(3), [1, 2]))
    won = (i < np.round(10 * share[j, m - 1])) * 1.0
    table = table_of(np.zeros(60), m, 1 - won, models=("base", "x", "y"), instruction=i, order=np.zeros(60),
                     judge=j, judges=("a", "b", "c"))  # fmt: skip
    found = consensus_residuals(table, relations(3, 3, own=[(2, 2)]), baseline="base")
    assert found.own.value == pytest.approx(0.3)
    assert (found.family.identified, found.spread.identified) == (False, False)
    field = consensus_residuals(table, relations(3, 3, own=[(2, 2)]))
    assert field.own.identified


def test_favour_comes_back_at_the_nominal_rate():  # recovery
    rng = np.random.default_rng(1)
    favour = [(1, 1, 0.2), (2, 2, 0.2), (3, 3, 0.1)]
    found = [
        consensus_residuals(against_baseline(rng, favour=favour, noise=0.1), OWN, baseline="m0") for _ in range(100)
    ]
    for name, truth in (("own", 0.2), ("family", 0.1), ("spread", 0.1)):
        figures = [getattr(f, name) for f in found]
        assert np.mean([f.value for f in figures]) == pytest.approx(truth, abs=0.02)
        assert np.mean([f.lower <= truth <= f.upper for f in figures]) > 0.88


def test_false_alarms_are_nominal():
    rng = np.random.default_rng(2)
    found = [consensus_residuals(against_baseline(rng, noise=0.1), OWN, baseline="m0") for _ in range(200)]
    assert 0.01 < np.mean([f.own.excludes_zero for f in found]) < 0.095


def test_one_judge_is_not_enough():
    table = against_baseline(np.random.default_rng(3), judges=1)
    found = consensus_residuals(table, relations(1, 5, own=[(0, 2)]), baseline="m0")
    assert (found.own.value, found.own.identified) == (None, False)
    assert "no unrelated judge" in found.own.reason


def test_unknown_relations_teach_nothing():
    table = against_baseline(np.random.default_rng(4))
    matrix = OWN.copy()
    matrix[matrix == Relation.UNRELATED] = Relation.UNKNOWN
    assert not consensus_residuals(table, matrix, baseline="m0").own.identified


def test_bad_input_is_refused():
    table = against_baseline(np.random.default_rng(5), instructions=2)
    with pytest.raises(UnknownName, match="baseline"):
        consensus_residuals(table, OWN, baseline="nobody")
    with pytest.raises(InputError, match="judges, models"):
        consensus_residuals(table, OWN[:2])
    with pytest.raises(UnknownName, match="model"):
        equal_opportunity(table, "nobody", np.zeros(len(table)))
    with pytest.raises(InputError, match="one each"):
        equal_opportunity(table, "m0", np.zeros(1))


def battles(rng, favour, n=400):
    quality = rng.standard_normal(n)
    human = (rng.random(n) < expit(2 * quality)) * 1.0
    judged = (rng.random(n) < expit(2 * quality + favour)) * 1.0
    table = table_of(np.zeros(n), np.ones(n), judged, models=("me", "other"), instruction=np.arange(n), order=[0] * n)
    return table, human


def test_equal_opportunity_by_hand():
    preference, human = np.array([1.0, 0.5, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0, 0.0, 0.5])
    table = table_of([0] * 5, [1] * 5, preference, models=("me", "other"), instruction=range(5), order=[0] * 5)
    found = equal_opportunity(table, "me", human)
    assert (found.concurs_own.value, found.concurs_other.value) == (0.75, 0.5)
    assert (found.bias.value, found.bias.n) == (pytest.approx(0.25), 4)
    assert equal_opportunity(swapped(table), "me", 1 - human) == found
    assert equal_opportunity(table, "other", human).bias.value == pytest.approx(-0.25)


def test_equal_opportunity_false_alarms_and_power():
    rng = np.random.default_rng(6)
    fair = [of_me(battles(rng, 0.0)).bias for _ in range(200)]
    assert 0.01 < np.mean([f.excludes_zero for f in fair]) < 0.095
    assert of_me(battles(rng, 1.5)).bias.lower > 0


def of_me(drawn):
    table, human = drawn
    return equal_opportunity(table, "me", human)


def test_equal_opportunity_without_labels():
    table, _ = battles(np.random.default_rng(7), 0.0, n=20)
    assert not equal_opportunity(table, "me", np.full(20, np.nan)).bias.identified
    assert equal_opportunity(table, "me", np.ones(20)).bias.reason == "people never preferred the other"


JUDGES = ("letter", "likelihood", "stranger")
LLMS = ("gpt", "gpt", "other")
EVERYONE = np.array([True, True, True])


def judged(rows):
    """From rows of (judge, instruction, preference for A), between two models."""
    judge, instruction, preference = zip(*rows, strict=True)
    n = len(rows)
    columns = {"judge": judge, "judges": JUDGES, "instruction": instruction, "order": np.zeros(n)}
    return table_of(np.zeros(n), np.ones(n), preference, models=("a", "b"), **columns)


def test_verdicts_are_counted_for_the_output_more_likely_to_the_same_llm():
    likely = [(1, i, 0.9 if i < 3 else 0.2) for i in range(4)]
    table = judged([*likely, (0, 0, 1.0), (0, 1, 1.0), (0, 2, 0.0), (0, 3, 0.0), (0, 4, 1.0), (2, 0, 0.0)])
    found = familiarity(table, LLMS, {"likelihood"}, chosen=EVERYONE)
    assert (found.value, found.n) == (0.25, 4)  # 3 of 4; battle 4 has no likelihood, the stranger none of its own
    assert -0.5 <= found.lower < 0.25 < found.upper <= 0.5


def test_equal_likelihoods_tell_nothing():
    table = judged([(1, 0, 0.5), (0, 0, 1.0)])
    assert not familiarity(table, LLMS, {"likelihood"}, chosen=EVERYONE).identified


def test_without_likelihoods_of_the_same_llm_it_is_not_identified():
    table = judged([(1, 0, 0.9), (2, 0, 1.0)])
    found = familiarity(table, LLMS, {"likelihood"}, chosen=np.array([False, False, True]))
    assert not found.identified
    assert "likelihood template" in found.reason


def test_llms_that_are_not_aligned_are_refused():
    with pytest.raises(InputError, match="1 LLM for 3 judges"):
        familiarity(judged([(0, 0, 1.0)]), ("gpt",), set(), chosen=EVERYONE)

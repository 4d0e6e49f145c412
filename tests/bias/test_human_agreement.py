"""Agreement of judges with people and each other, and the test of an alternative annotator."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from judgebench.bias.human_agreement import (
    _discoveries,
    agreement_report,
    annotator_test,
    labelled_battles,
    people_preference,
    score_agreement,
)
from judgebench.errors import InputError, StatisticsError
from judgebench.stats.agreement import Resampling, outcomes
from judgebench.stats.sparse_ratings import SparseRatings
from judgebench.stats.verdict_table import NO_LABELS, LabelTable
from tests.bias.factories import BiasedWorld, table_of


def labels_of(a, b, preference, instruction, annotator, names=("ann", "bob", "cyd")):
    codes = [np.asarray(each, dtype=np.int32) for each in (annotator, instruction, a, b)]
    return LabelTable(tuple(names), codes[0], codes[1], codes[2], codes[3], np.asarray(preference, dtype=np.float64))


def world(n=200, flip=0.1, people=3, seed=0):
    """A judge in one order, and people, who each name the better output but for a share ``flip``."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.5
    said = (rng.random((n, people + 1)) < flip) ^ truth[:, None]
    table = table_of(np.zeros(n), np.ones(n), said[:, 0] * 1.0, models=("a", "b"), instruction=range(n),
                     order=np.zeros(n))  # fmt: skip
    rows = np.repeat(np.arange(n), people)
    labels = labels_of(np.zeros(n * people), np.ones(n * people), said[:, 1:].ravel() * 1.0, rows,
                       np.tile(np.arange(people), n))  # fmt: skip
    return table, labels


def test_items_join_verdicts_and_labels_whichever_model_is_called_a():
    table = table_of([1, 0], [0, 1], [1.0, 1.0], models=("a", "b"), instruction=[0, 1], order=[0, 0])
    labels = labels_of([0, 0, 0], [1, 1, 1], [0.0, 1.0, 0.5], [0, 0, 2], [0, 1, 0])
    items = labelled_battles(table, labels)
    assert items.instruction.tolist() == [0, 1, 2]
    assert items.judges[:2, 0].tolist() == [0.0, 1.0]
    assert np.isnan(items.judges[2, 0])
    assert items.consensus[[0, 2]].tolist() == [0.5, 0.5]
    assert items.annotator_names == ("ann", "bob")
    people = people_preference(table, labels)
    assert people[0] == 0.5
    assert np.isnan(people[1])


def test_battles_that_nobody_labelled_can_be_left_out():
    table, labels = world(n=50, people=2)
    some = np.random.default_rng(1).random(len(labels)) < 0.4
    columns = (getattr(labels, name)[some] for name in ("model_a", "model_b", "preference", "instruction", "annotator"))
    labels = labels_of(*columns)
    table = table.select(np.arange(1, 50))  # of the first there are labels alone
    every, fewer = labelled_battles(table, labels), labelled_battles(table, labels, others=False)
    assert 0 < len(fewer) < len(every)
    assert fewer.instruction.tolist() == every.instruction[every.labelled].tolist()
    assert fewer.consensus.tolist() == every.consensus[every.labelled].tolist()
    np.testing.assert_array_equal(fewer.judges, every.judges[every.labelled])
    nobody = labelled_battles(table, NO_LABELS, others=False)
    assert (len(nobody), nobody.judge_names) == (0, ("judge",))


def test_a_judge_as_good_as_a_person_reaches_the_ceiling_and_passes():
    found = agreement_report(labelled_battles(*world()))
    [judge] = found.judges
    assert judge.items == 200
    assert judge.each_person.value == pytest.approx(found.people.ceiling.value, abs=0.06)
    assert judge.annotators.passes
    assert judge.accuracy.value == pytest.approx(judge.accuracy_strict.value)
    assert found.people.several == 200
    assert not judge.calibration_error.identified


def test_a_judge_that_guesses_fails():
    table, labels = world()
    coin = np.random.default_rng(5).random(len(table)) < 0.5
    guessing = table_of(table.model_a, table.model_b, coin * 1.0, models=table.models, instruction=table.instruction,
                        order=table.order)  # fmt: skip
    [judge] = agreement_report(labelled_battles(guessing, labels)).judges
    assert abs(judge.consensus.cohen.value) < 0.2
    assert judge.annotators.passes is False


def test_failures_are_wrong_and_counted():
    table, labels = world(n=100)
    answered = table.select(np.arange(100) < 80)
    items = labelled_battles(answered, labels)
    missing = np.isnan(items.judges[:, 0])
    with_failures = agreement_report(items, failed={"judge": missing}).judges[0]
    without = agreement_report(items).judges[0]
    assert (with_failures.items, with_failures.without_verdict) == (100, 20)
    assert without.items == 80
    assert with_failures.accuracy.value == pytest.approx(without.accuracy.value * 0.8, abs=0.03)


def test_two_judges_and_nobody_else():
    table = BiasedWorld(slots=(0.0, 0.0), soft=True, instructions=40).table(np.random.default_rng(1))
    found = agreement_report(labelled_battles(table, NO_LABELS))
    assert [pair.items for pair in found.pairs] == [400]
    assert found.all_judges.krippendorff.identified
    assert found.pairs[0].agreement.icc.value > 0.2
    assert not found.judges[0].accuracy.identified
    assert not found.people.ceiling.identified
    nothing = labelled_battles(table.select(np.zeros(len(table), dtype=bool)), NO_LABELS)
    with pytest.raises(StatisticsError, match="no verdict, score or label"):
        agreement_report(nothing)
    scores = score_agreement(np.array([[1.0, 2], [4, 4], [7, 6]]), np.arange(3, dtype=np.int32), how=Resampling())
    assert agreement_report(nothing, score_icc=scores).score_icc["2,1"].value > 0.5


@pytest.mark.slow
def test_intervals_of_agreement_cover():
    """Raw agreement with people is 0.82 by construction: (1 - flip)**2 + flip**2."""
    hits = 0
    for seed in range(200):
        [judge] = agreement_report(
            labelled_battles(*world(n=60, people=1, seed=seed)), how=Resampling(resamples=20)
        ).judges
        hits += judge.consensus.raw.lower <= 0.82 <= judge.consensus.raw.upper
    assert hits / 200 > 0.9


def test_scores_of_several_judges():
    rng = np.random.default_rng(3)
    quality = rng.standard_normal(80)
    scores = quality[:, None] + 0.5 * rng.standard_normal((80, 3))
    found = score_agreement(scores, np.arange(80), how=Resampling())
    assert found["2,1"].lower < 0.8 < found["2,1"].upper
    assert not score_agreement(scores[:, :1], np.arange(80), how=Resampling())["2,1"].identified


def test_outcomes_are_three():
    assert outcomes(np.array([0.2, 0.5, 0.9])).tolist() == [0.0, 1.0, 2.0]


def noisy(rng, truth, accuracy):
    return np.where(rng.random(len(truth)) < accuracy, truth, 1 - truth).astype(float)


def crowd(rng, accuracy, people=(0.8, 0.8, 0.8), n=200):
    truth = rng.integers(0, 2, n)
    return noisy(rng, truth, accuracy), np.column_stack([noisy(rng, truth, each) for each in people])


def sparse(rng, accuracy, **more):
    judge, people = crowd(rng, accuracy, **more)
    return judge, SparseRatings.of(people)


def test_a_judge_as_good_as_people_passes_and_a_coin_does_not():
    rng = np.random.default_rng(0)
    good, coin = annotator_test(*sparse(rng, 0.8)), annotator_test(*sparse(rng, 0.5))
    assert (good.passes, good.winning_rate, good.compared) == (True, 1.0, 3)
    assert (coin.passes, coin.winning_rate) == (False, 0.0)
    assert coin.advantage < good.advantage


def test_by_hand():  # one annotator left out each time; two others, so agreement is 0, 1/2 or 1
    judge = np.array([1.0, 1.0, 0.0])
    people = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    found = annotator_test(judge, SparseRatings.of(people), least=3)
    # left out 0: items tie, judge (0 of 2) ties its 0 of 2, judge worse -> judge at least as good in 2 of 3
    # left out 1: tie, judge 1/2 against 1/2, worse -> 2 of 3; left out 2 likewise
    assert found.advantage == pytest.approx(2 / 3)


def test_false_passes_stay_rare():
    """Judges worse by just epsilon: the hypothesis holds, so rejections stay near the false discovery rate."""
    rng = np.random.default_rng(1)
    # advantage of one annotator over the judge is acc - acc_judge when compared with one other of accuracy 1
    found = [annotator_test(*sparse(rng, 0.70, people=(0.9, 0.9, 1.0), n=120), epsilon=0.2) for _ in range(150)]
    assert np.mean([f.passes for f in found]) < 0.08


def test_false_discovery_control_is_benjamini_yekutieli():
    p = np.random.default_rng(2).random(20) ** 4
    assert _discoveries(p, 0.05).tolist() == multipletests(p, 0.05, method="fdr_by")[0].astype(float).tolist()


def test_too_few_items_or_annotators_give_no_answer():
    rng = np.random.default_rng(3)
    judge, people = crowd(rng, 0.8, n=20)
    found = annotator_test(judge, SparseRatings.of(people))
    assert (found.passes, found.winning_rate, found.compared, found.left_out) == (None, None, 0, 3)
    people[:, 1:] = np.nan
    assert annotator_test(judge, SparseRatings.of(people), least=2).compared == 0


def test_unanimity_needs_no_spread():
    labels = np.ones(50)
    assert annotator_test(labels, SparseRatings.of(np.ones((50, 3)))).passes is True
    assert annotator_test(1 - labels, SparseRatings.of(np.ones((50, 3)))).passes is False


def test_shapes_are_checked():
    with pytest.raises(InputError, match="must match people's"):
        annotator_test(np.ones(3), SparseRatings.of(np.ones((4, 2))))

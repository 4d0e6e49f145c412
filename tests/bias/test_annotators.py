import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from judgebench.bias.human_agreement import _discoveries, annotator_test
from judgebench.errors import InputError


def noisy(rng, truth, accuracy):
    return np.where(rng.random(len(truth)) < accuracy, truth, 1 - truth).astype(float)


def crowd(rng, accuracy, people=(0.8, 0.8, 0.8), n=200):
    truth = rng.integers(0, 2, n)
    return noisy(rng, truth, accuracy), np.column_stack([noisy(rng, truth, each) for each in people])


def test_a_judge_as_good_as_people_passes_and_a_coin_does_not():
    rng = np.random.default_rng(0)
    good, coin = annotator_test(*crowd(rng, 0.8)), annotator_test(*crowd(rng, 0.5))
    assert (good.passes, good.winning_rate, good.compared) == (True, 1.0, 3)
    assert (coin.passes, coin.winning_rate) == (False, 0.0)
    assert coin.advantage < good.advantage


def test_by_hand():  # one annotator left out each time; two others, so agreement is 0, 1/2 or 1
    judge = np.array([1.0, 1.0, 0.0])
    people = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    found = annotator_test(judge, people, least=3)
    # left out 0: items tie, judge (0 of 2) ties its 0 of 2, judge worse -> judge at least as good in 2 of 3
    # left out 1: tie, judge 1/2 against 1/2, worse -> 2 of 3; left out 2 likewise
    assert found.advantage == pytest.approx(2 / 3)


def test_false_passes_stay_rare():
    """Judges worse by just epsilon: the hypothesis holds, so rejections stay near the false discovery rate."""
    rng = np.random.default_rng(1)
    # advantage of one annotator over the judge is acc - acc_judge when compared with one other of accuracy 1
    found = [annotator_test(*crowd(rng, 0.70, people=(0.9, 0.9, 1.0), n=120), epsilon=0.2) for _ in range(150)]
    assert np.mean([f.passes for f in found]) < 0.08


def test_false_discovery_control_is_benjamini_yekutieli():
    p = np.random.default_rng(2).random(20) ** 4
    assert _discoveries(p, 0.05).tolist() == multipletests(p, 0.05, method="fdr_by")[0].astype(float).tolist()


def test_too_few_items_or_annotators_give_no_answer():
    rng = np.random.default_rng(3)
    judge, people = crowd(rng, 0.8, n=20)
    found = annotator_test(judge, people)
    assert (found.passes, found.winning_rate, found.compared, found.left_out) == (None, None, 0, 3)
    people[:, 1:] = np.nan
    assert annotator_test(judge, people, least=2).compared == 0


def test_unanimity_needs_no_spread():
    labels = np.ones(50)
    assert annotator_test(labels, np.ones((50, 3))).passes is True
    assert annotator_test(1 - labels, np.ones((50, 3))).passes is False


def test_shapes_are_checked():
    with pytest.raises(InputError, match="must match people's"):
        annotator_test(np.ones(3), np.ones((4, 2)))

"""Scales, and what the field makes of their values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.judging.characters import fold
from judgebench.judging.parsing import parse
from judgebench.judging.parsing.json_reply import mean, parts
from judgebench.judging.templates import LabelScale, ScoreScale
from judgebench.records import Completion, Instruction, Order, Output, Reading, Status
from judgebench.spec import load_template, templates
from judgebench.stats.published_scores import arena_hard_label, arena_hard_score, wb_outcome, wb_reward


def test_golden_arena_hard_counts_a_strong_verdict_three_times():
    # Arena-Hard v2: game 1 shows the baseline first, game 2 the model first; items (B>A, A=B) and (B>>A, A>B) give the
    # model the points [.5, 1, 1, 1, 1, 1], mean .916667.
    template = load_template("pairwise/arena-hard")
    games = (("[[B>A]]", "[[A=B]]"), ("[[B>>A]]", "[[A>B]]"))
    labels = [
        tuple(arena_hard_label(parse(Completion(game), template, Order.AB).preference) for game in pair)
        for pair in games
    ]
    assert arena_hard_score(labels) == pytest.approx(91.6667, abs=1e-4)


def test_golden_wildbench_reward():
    # 10 much better, 20 better, 10 ties, 15 worse, 5 much worse of 60: reward 12.5 %.
    counts = {"A++": 10, "A+": 20, "A=B": 10, "B+": 15, "B++": 5}
    template = load_template("pairwise/wildbench-reward")
    outcomes = {
        wb_outcome(parse(Completion(f'{{"choice": "{label}"}}'), template, Order.AB).preference): count
        for label, count in counts.items()
    }
    assert wb_reward(outcomes) == pytest.approx(12.5)


@pytest.mark.parametrize(("value", "held"), [(1, True), (5, True), (3.5, False), (0.999, False), (float("nan"), False)])
def test_a_stepped_scale_holds_its_points_only(value, held):
    assert ScoreScale(1, 5, 1).holds(value) is held


def test_the_points_of_a_scale():
    assert ScoreScale(0, 1, 0.25).points == (0, 0.25, 0.5, 0.75, 1)
    assert ScoreScale(0, 1).points == ()


@given(st.text())
def test_folding_keeps_positions(text):
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize("template", [t for t in templates() if isinstance(t.scale, LabelScale)], ids=lambda t: t.id)
def test_every_scale_is_fair_to_both_sides(template):
    values = sorted(label.preference for label in template.scale.labels)
    assert values == sorted(1 - value for value in values)


def reading(questions: int) -> Reading:
    instruction = Instruction(("x",), checklist=("q",) * questions)
    return Reading("j", instruction, Output(instruction.key, "m", "text"))


def test_a_checklist_must_be_answered_in_full():
    completion, template = Completion('{"answers": ["yes", "no"]}'), load_template("pointwise/checklist")
    assert parse(completion, template, reading(2)).score == 0.5
    verdict = parse(completion, template, reading(3))
    assert (verdict.status, verdict.detail) == (Status.UNPARSED, "2 answers to 3 questions")


def test_parts_can_be_read_again_from_a_stored_completion():
    said = '{"instruction_following": 4, "honesty": "N/A", "truthfulness": 5, "helpfulness": 3}'
    found = parts(Completion(said), load_template("pointwise/ultrafeedback"))
    assert found == {"instruction_following": 4, "honesty": None, "truthfulness": 5, "helpfulness": 3}
    answers = parts(Completion('{"answers": ["yes", "no"]}'), load_template("pointwise/checklist"))
    assert answers == {"1": 1.0, "2": 0.0}


def test_parts_weigh_as_the_template_says():
    assert mean({"a": 1.0, "b": 4.0, "c": None}, [("a", 1.0), ("b", 2.0), ("c", 5.0)]) == 3.0

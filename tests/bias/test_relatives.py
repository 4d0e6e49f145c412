"""Relations by lineage, favour for relatives, boards with less say for them, and lineages that names suggest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.bias.effects import length_effect
from judgebench.bias.relatives import (
    Relation,
    leakage,
    preference_leakage_score,
    propose,
    propose_relatives,
    relation,
    without_related,
)
from judgebench.errors import InputError, StatisticsError
from judgebench.records import Lineage
from judgebench.stats.win_rate import win_rates
from tests.bias.factories import BiasedWorld, table_of


@pytest.mark.parametrize(
    ("win_rates", "expected"),
    [
        # Li et al. 2025 (arXiv 2502.01534), Mistral-7B students of GPT-4o and Gemini-1.5; judges in the same order
        ([[55.1, 36.8], [44.9, 63.2]], 0.184),  # AlpacaEval 2.0
        ([[38.4, 18.2], [27.0, 42.0]], 0.287),  # Arena-Hard: wins alone are wins
    ],
)
def test_published_scores(win_rates, expected):
    assert preference_leakage_score(win_rates) == pytest.approx(expected, abs=5e-4)
    assert preference_leakage_score((np.array(win_rates) / 100).tolist()) == pytest.approx(expected, abs=5e-4)


def test_score_by_hand():  # golden: (.15 / 1.05 + .12 / 1.12) / 2
    assert preference_leakage_score([[0.60, 0.45], [0.50, 0.62]]) == pytest.approx(0.125, abs=1e-9)


@pytest.mark.parametrize(
    "win_rates", [[[0.5, 0.5]], [[0.5, 0.5], [0.5]], [["a", 1], [1, 1]], None, [[-1, 0], [0, 1]],
                  [[101, 1], [1, 1]], [[float("nan"), 1], [1, 1]], [[[1]], [[1]]]],
)  # fmt: skip
def test_bad_win_rates_are_refused_with_one_message(win_rates):
    with pytest.raises(InputError, match=r"win_rates must be 2 x 2 numbers, win_rates\[student\]\[judge\]"):
        preference_leakage_score(win_rates)


def test_a_student_that_never_wins_has_no_score():
    with pytest.raises(StatisticsError, match="not defined"):
        preference_leakage_score([[0, 0], [0.5, 0.4]])


@given(st.lists(st.floats(0.01, 1), min_size=4, max_size=4))
def test_exchanging_judges_flips_the_sign(rates):
    a, b, c, d = rates
    score = preference_leakage_score([[a, b], [c, d]])
    assert -1 <= score <= 1
    assert preference_leakage_score([[b, a], [d, c]]) == pytest.approx(-score, abs=1e-12)
    assert preference_leakage_score([[d, c], [b, a]]) == pytest.approx(score, abs=1e-12)


LINEAGES = {
    "gpt-4": Lineage(family="gpt-4"),
    "gpt-4-turbo": Lineage(family="GPT-4"),
    "llama": Lineage(family="llama"),
    "student": Lineage(family="mistral", parent="mistral-7b", trained_on=("gpt-4",)),
    "grandchild": Lineage(parent="student"),
    "sibling": Lineage(trained_on=("gpt-4",)),
    "loop": Lineage(parent="loop"),
}


@pytest.mark.parametrize(
    ("judge", "model", "expected"),
    [
        ("gpt-4", "gpt-4", Relation.SAME),
        ("gpt-4", "student", Relation.INHERITANCE),
        ("student", "gpt-4", Relation.INHERITANCE),
        ("gpt-4", "grandchild", Relation.INHERITANCE),
        ("gpt-4", "gpt-4-turbo", Relation.FAMILY),
        ("gpt-4-turbo", "student", Relation.FAMILY),
        ("student", "sibling", Relation.FAMILY),
        ("gpt-4", "llama", Relation.UNRELATED),
        ("gpt-4", "stranger", Relation.UNKNOWN),
        ("loop", "llama", Relation.UNRELATED),
        ("unheard", "unheard", Relation.SAME),
    ],
)
def test_relations(judge, model, expected):
    assert relation(judge, model, LINEAGES) is expected
    assert relation(model, judge, LINEAGES) is expected


def family(number):
    return {f"m{m}": Lineage(family="kin" if m == number else f"f{m}") for m in range(5)}


def test_favour_for_relatives_comes_back_at_the_nominal_rate():  # recovery
    rng = np.random.default_rng(5)
    world = BiasedWorld(slots=(0.3, -0.2, 0.0), related=((2, 2, 0.7),), instructions=40)
    lineages = family(2) | {"j0": Lineage(family="x"), "j1": Lineage(family="y"), "j2": Lineage(family="kin")}
    found = [leakage(world.table(rng), ["j0", "j1", "j2"], lineages) for _ in range(60)]
    figures = [f.log_odds[Relation.FAMILY] for f in found]
    assert np.mean([f.value for f in figures]) == pytest.approx(0.7, abs=0.06)
    assert np.mean([f.lower <= 0.7 <= f.upper for f in figures]) > 0.87
    assert not found[0].log_odds[Relation.SAME].identified
    assert found[0].points[Relation.FAMILY].value == pytest.approx(0.17, abs=0.1)


@pytest.mark.slow
def test_false_alarms_are_nominal():
    rng = np.random.default_rng(6)
    world = BiasedWorld(strengths=(0.6, 0.2, -0.2, -0.6), slots=(0.2, 0.0), instructions=40, noise=0.8)
    lineages = family(2) | {"j0": Lineage(family="kin"), "j1": Lineage(family="y")}
    alarms = [leakage(world.table(rng), ["j0", "j1"], lineages).log_odds[Relation.FAMILY] for _ in range(150)]
    assert np.mean([a.excludes_zero for a in alarms]) < 0.10


@pytest.mark.parametrize("sharpness", [0.6, 1.8])
@pytest.mark.slow
def test_a_judge_that_is_only_sharper_or_duller_favours_no_strong_relative(sharpness):
    """With one sharpness for all judges five of six such boards had a favour, or a disfavour, of the first model."""
    rng = np.random.default_rng(8)
    strengths = (1.2, 0.3, 0.0, -0.5, -1.0)
    world = BiasedWorld(strengths, slots=(0.3,) * 3, sharpness=(sharpness, 1.0, 1.0), instructions=60, noise=0.8)
    lineages = {f"m{m}": Lineage(family=f"f{m}") for m in range(5)} | {
        f"j{j}": Lineage(family=family) for j, family in enumerate(("f0", "g", "h"))
    }
    figures = [leakage(world.table(rng), ["j0", "j1", "j2"], lineages).points["family"] for _ in range(30)]
    assert np.mean([figure.excludes_zero for figure in figures]) < 0.14


def test_one_judge_alone_cannot_tell_leakage_from_quality():
    table = BiasedWorld(instructions=20).table(np.random.default_rng(0))
    figure = leakage(table, ["j0"], family(1) | {"j0": Lineage(family="kin")}).log_odds[Relation.FAMILY]
    assert (figure.value, figure.identified) == (None, False)
    assert "cannot tell it from the strengths" in figure.reason


def test_verdicts_with_undeclared_lineage_are_counted_and_left_out():
    table = BiasedWorld(slots=(0.0, 0.0), instructions=10).table(np.random.default_rng(0))
    found = leakage(table, ["a", "b"], {"m0": Lineage(family="x"), "m1": Lineage(family="y"), "a": Lineage(family="x")})
    assert found.verdicts == 20  # of judge a between m0 and m1
    assert found.unknown == len(table) - 20
    nothing = leakage(table, ["a", "b"], {})
    assert (nothing.verdicts, nothing.log_odds[Relation.SAME].identified) == (0, False)
    assert "not declared" in nothing.log_odds[Relation.SAME].reason


def test_judges_must_be_named():
    table = BiasedWorld(instructions=2).table(np.random.default_rng(0))
    with pytest.raises(InputError, match="LLM's name is needed for each of 1 judge"):
        leakage(table, ["a", "b"], {})


def test_controls_keep_their_rows():
    world = BiasedWorld(slots=(0.0, 0.0), length_slope=0.8, longer=(2, 1.0), instructions=60)
    table = world.table(np.random.default_rng(1))
    lineages = family(2) | {"j0": Lineage(family="kin"), "j1": Lineage(family="y")}
    del lineages["m4"]
    found = leakage(table, ["j0", "j1"], lineages, controls=[length_effect(table)])
    assert abs(found.log_odds[Relation.FAMILY].value) < 0.5
    assert 0 < found.unknown < len(table)


def table():
    """Judge 0 is related to a, judge 1 to nobody; judge 1 did not see instruction 1."""
    return table_of(
        [0, 0, 0], [1, 1, 1], [1.0, 0.0, 1.0], models=("a", "b"), instruction=[0, 0, 1], order=[0, 0, 0],
        judge=[0, 1, 0], judges=("own", "other"),
    )  # fmt: skip


RELATED = np.array([[True, False], [False, False]])


def test_left_out():
    found = without_related(table(), RELATED)
    assert (found.related, found.removed, found.words) == (2, 2, "2 left out")
    assert found.table.preference.tolist() == [0.0]


def test_down_weighted():
    found = without_related(table(), RELATED, weight=0.25)
    assert (found.related, found.removed) == (2, 1)
    assert found.table.preference.tolist() == [0.25, 0.0]
    assert without_related(table(), RELATED, weight=1.0).table.preference.tolist() == [1.0, 0.0]


def test_a_favour_disappears_from_the_board():
    world = BiasedWorld(strengths=(0.0,) * 4, slots=(0.0, 0.0), related=((0, 0, 2.0),), instructions=300)
    judged = world.table(np.random.default_rng(0))
    related = np.array([[True, False, False, False], [False] * 4])
    assert win_rates(judged).rate[0] > 0.58
    for weight in (0.0, 0.01):
        assert win_rates(without_related(judged, related, weight=weight).table).rate[0] == pytest.approx(0.5, abs=0.04)


def test_a_weight_lies_between_nought_and_one():
    with pytest.raises(InputError, match="weight"):
        without_related(table(), RELATED, weight=1.5)


FAMILIES = {
    "gpt": ["gpt-4o-2024-05-13", "gpt4_1106_preview", "text_davinci_003", "o3-mini", "chatgpt-4o", "gpt-oss-120b"],
    "claude": ["claude-2.1_concise", "claude-3-5-sonnet-20240620", "anthropic/claude-opus-4"],
    "gemini": ["gemini-1.5-flash", "google/gemini-2.5-pro", "bard"],
    "gemma": ["gemma-2b-it", "google/gemma-3-27b-it"],
    "llama": ["Meta-Llama-3.1-70B-Instruct", "llama-2-7b-chat", "meta-llama/Llama-3.3-70B", "CodeLlama-34b"],
    "qwen": ["Qwen2.5-7B-Instruct", "Qwen/QwQ-32B", "DeepSeek-R1-Distill-Qwen-7B"],
    "mistral": ["Mixtral-8x7B-Instruct-v0.1_concise", "mistralai/Mistral-7B", "zephyr-7b-beta", "ministral-8b"],
    "phi": ["phi-2", "Phi-3-mini", "microsoft/phi-4"],
    "deepseek": ["deepseek-v3", "deepseek-ai/DeepSeek-R1"],
    "command": ["command-r-plus", "c4ai-command-a"],
    "gpt-j": ["gpt-j-6b", "gpt4all-j"],
}  # fmt: skip


@pytest.mark.parametrize(("family", "name"), [(family, name) for family, names in FAMILIES.items() for name in names])
def test_families(family: str, name: str) -> None:
    found = propose(name)
    assert found is not None
    assert found.lineage.family == family


@pytest.mark.parametrize("name", ["example", "response 1", "NullModel", "my-model", "careful", "", "photo3", "egpt"])
def test_a_name_that_says_nothing_is_left_alone(name: str) -> None:
    assert propose(name) is None


def test_parents_and_teachers() -> None:
    found = propose("OpenHermes-2.5-Mistral-7B")
    assert found is not None
    assert found.lineage == Lineage("mistral", "mistral-7b", ("gpt-4",))
    assert [(each.model, each.lineage.family) for each in propose_relatives(found.lineage)] == [
        ("mistral-7b", "mistral"),
        ("gpt-4", "gpt"),
    ]


def test_no_model_is_its_own_parent() -> None:
    for name in ("llama-2", "gpt4_1106_preview", "mistral-7b"):
        found = propose(name)
        assert found is not None
        assert found.lineage.parent != name

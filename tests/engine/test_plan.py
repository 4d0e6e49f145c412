"""Which battles and trials a design plans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.engine.plan import battles, identical_verdict, readings, trials
from judgebench.errors import InputError
from judgebench.records import Battle, Instruction, Order, Output, Source, Status, Trial
from judgebench.spec import load_template

INSTRUCTION = Instruction(("Name a prime.",))


def output(model: str, sample: int = 0) -> Output:
    return Output(INSTRUCTION.key, model, f"text {sample} of {model}", sample=sample)


def outputs(*models: str, **samples: int) -> dict[str, tuple[Output, ...]]:
    """One output each, or as many as are said."""
    counts = dict.fromkeys(models, 1) | samples
    return {model: tuple(output(model, number) for number in range(count)) for model, count in counts.items()}


def battle(a: str = "a", b: str = "b") -> Battle:
    return Battle.of(INSTRUCTION, output(a), output(b))


def sides(planned):
    return [(each.a.model, each.b.model) for each in planned]


def met(planned):
    return [(each.a.sample, each.b.sample) for each in planned]


def test_samples_meet_samples_and_those_of_the_model_with_fewer_more_than_once():
    assert met(battles(INSTRUCTION, outputs(a=2, b=3))) == [(0, 0), (1, 1), (0, 2)]
    assert met(battles(INSTRUCTION, outputs("b", a=2), baseline="b")) == [(0, 0), (1, 0)]
    assert met(battles(INSTRUCTION, outputs(b=3, a=3), pairs=[("b", "a")])) == [(0, 0), (1, 1), (2, 2)]
    keys = {each.key for one in battles(INSTRUCTION, outputs(a=2, b=3)) for each in trials(one, "j", repeats=2)}
    assert len(keys) == 12


def test_a_pointwise_judge_reads_every_sample():
    planned = readings(INSTRUCTION, outputs("b", a=2), "j", repeats=2, shown="gold")
    assert [(each.output.model, each.output.sample, each.repeat) for each in planned] == [
        *(("a", 0, 0), ("a", 0, 1), ("a", 1, 0), ("a", 1, 1)),
        *(("b", 0, 0), ("b", 0, 1)),
    ]


def test_what_a_template_shows_is_in_the_keys_of_all_trials():
    plain, shown = ([each.key for each in trials(battle(), "j", shown=key)] for key in ("", "gold"))
    assert not {*plain} & {*shown}
    assert plain == [Trial("j", battle(), order).key for order in Order]
    assert shown == [Trial("j", battle(), order, 0, "gold").key for order in Order]


def test_every_model_meets_the_baseline_and_nobody_else():
    assert sides(battles(INSTRUCTION, outputs("c", "a", "m"), baseline="m")) == [("a", "m"), ("c", "m")]


def test_without_a_design_all_pairs_meet_once():
    assert sides(battles(INSTRUCTION, outputs("c", "a", "b"))) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_listed_pairs_meet_once_whatever_their_order():
    planned = battles(INSTRUCTION, outputs("a", "b", "c"), pairs=[("b", "a"), ("a", "b"), ("c", "b"), ("a", "absent")])
    assert sides(planned) == [("a", "b"), ("b", "c")]


def test_a_missing_baseline_output_leaves_no_battle():
    assert not list(battles(INSTRUCTION, outputs("a", "b"), baseline="m"))


def test_contradictory_designs_are_refused():
    with pytest.raises(InputError, match="not both"):
        list(battles(INSTRUCTION, outputs("a"), baseline="a", pairs=[]))
    with pytest.raises(InputError, match="paired with itself"):
        list(battles(INSTRUCTION, outputs("a"), pairs=[("a", "a")]))


def test_both_orders_of_a_repeat_are_adjacent():
    planned = [(trial.repeat, trial.order) for trial in trials(battle(), "j", repeats=2)]
    assert planned == [(0, Order.AB), (0, Order.BA), (1, Order.AB), (1, Order.BA)]


def test_single_shows_the_first_name_first():
    assert [trial.first.model for trial in trials(battle("z", "y"), "j", orders="single")] == ["y"]


@given(st.integers())
def test_random_order_is_the_same_for_every_judge_and_every_time(seed):
    one = [trial.order for trial in trials(battle(), "j1", orders="random", seed=seed, repeats=8)]
    assert one == [trial.order for trial in trials(battle(), "j2", orders="random", seed=seed, repeats=8)]


def test_random_order_is_fair():
    many = [
        next(trials(Battle.of(Instruction((str(n),)), output("a"), output("b")), "j", orders="random")).order
        for n in range(2000)
    ]
    assert 900 < many.count(Order.AB) < 1100  # 4.5 standard deviations


@pytest.mark.parametrize(("field", "value"), [("orders", "flip"), ("repeats", 0)])
def test_a_design_that_plans_nothing_is_refused(field, value):
    with pytest.raises(InputError, match=field):
        list(trials(battle(), "j", **{field: value}))


def test_planning_is_lazy():
    assert next(trials(battle(), "j", repeats=10**12)).repeat == 0


def test_identical_outputs_tie_without_a_call():
    same = Battle.of(INSTRUCTION, Output("i", "a", "x"), Output("i", "b", "x"))
    verdict = identical_verdict(next(trials(same, "j")), load_template("pairwise/two-way"))
    assert (verdict.status, verdict.source, verdict.preference) == (Status.TIE, Source.IDENTICAL, 0.5)
    assert identical_verdict(next(trials(battle(), "j")), load_template("pairwise/two-way")) is None

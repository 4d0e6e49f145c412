"""Runs over conversations: what reaches the judge, what is not shown, and what cannot be judged at all."""

from collections.abc import Mapping
from typing import Any

import pytest

from judgebench import engine, store
from judgebench.conversations import Conversation, Media, Opaque, Reasoning
from judgebench.engine.judges import own_judge
from judgebench.errors import InputError
from judgebench.records import Model, Status
from judgebench.spec import Study, make
from judgebench.store.database import Database
from tests.filling import asked, stored
from tests.judging.agents import agent, output_of, said


def _stored(database: Database, rows: Mapping[str, list[Conversation]]) -> None:
    """Each model's conversations about the same instructions, in benchmark "bench"."""
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        for model, conversations in rows.items():
            pairs = [output_of(conversation, model) for conversation in conversations]
            store.benchmarks.add_instructions(connection, benchmark, [instruction for instruction, _ in pairs])
            store.models.add_model(connection, Model(model))
            store.models.add_outputs(connection, benchmark, [output for _, output in pairs])


def _study(template: str = "pairwise/three-way", **fields: Any) -> Study:
    judge = {"model": "scripted:always-first", "template": template}
    pairs = {} if template.startswith("pointwise") else {"all_pairs": True}
    return make(Study, {"benchmark": "bench", "judge": judge, **pairs, **fields}, where="test")


def _drawn(number: int, *parts: Any) -> Conversation:
    return Conversation((said(f"Draw {number} cats.", role="user"), said(*parts)))


def _run(database: Database, study: Study) -> tuple[engine.run.RunReport, list[str]]:
    """The report, and what the judge was shown."""
    prompts: list[str] = []

    def judge(messages: list[dict[str, str]]) -> str:
        prompts.append(messages[-1]["content"])
        return "[[A]]"

    own = own_judge(judge, name="mine", version="1", template=study.judge.template)
    return engine.run.run(database, study, environment={}, judge=own), prompts


@pytest.mark.parametrize("template", ["pairwise/three-way", "pointwise/mt-bench", "pointwise/goal-success"])
def test_an_agent_from_the_store_reaches_the_judge_whole(database: Database, template: str) -> None:
    _stored(database, {"a": [agent("Here it is.")], "b": [agent("Here it was.")]})
    report, prompts = _run(database, _study(template))
    assert len(prompts) == 2
    for prompt in prompts:
        view = prompt[prompt.index("mark is") :]
        told = ["Let me try.", '{"days": 3}', "error 500", "It failed.", "Here it"]
        assert [view.index(words) for words in told] == sorted(view.index(words) for words in told)
        assert "You are the HR desk." in prompt
    assert report.not_shown == {}


def test_what_is_not_shown_is_counted_over_the_trials_that_are_asked(database: Database) -> None:
    image, thought = Media("image", "c" * 64), Reasoning("hm")
    _stored(database, {"a": [_drawn(1, "x", image)], "b": [_drawn(1, thought, "y", Opaque("a\nb", "1"))]})
    study = _study()
    expected = {"image": 2, "reasoning": 2, "a?b": 2}
    assert engine.plan.estimate(database, study).not_shown == expected
    assert _run(database, study)[0].not_shown == expected
    again, prompts = _run(database, study)
    assert (again.not_shown, prompts) == ({}, [])


def test_outputs_that_differ_in_thoughts_tie_and_those_that_differ_in_images_fail_without_a_call(
    database: Database,
) -> None:
    """Forty in a row that cannot be judged are no sign of a judge that is gone."""
    images = [[_drawn(number, Media("image", digit * 64)) for number in range(20)] for digit in "cd"]
    thoughts = [[_drawn(number, Reasoning(words), "cat") for number in range(20, 23)] for words in ("x", "y")]
    other = [[_drawn(30, words)] for words in ("one cat", "two cats")]
    _stored(database, {"a": images[0] + thoughts[0] + other[0], "b": images[1] + thoughts[1] + other[1]})
    estimate = engine.plan.estimate(database, _study())
    assert (estimate.identical, estimate.unseen, estimate.calls) == (6, 40, 2)
    report, prompts = _run(database, _study())
    assert report.tally.ended == {Status.FAILED: 40, Status.TIE: 6, Status.OK: 2}
    assert (report.identical_as_shown, len(prompts)) == (6, 2)
    [(why, count)] = report.reasons
    assert (count, why.partition(" in ")[0]) == (40, "not asked: the outputs differ only")


def test_a_template_that_takes_texts_refuses_a_plan_with_tools_before_anything_is_asked(database: Database) -> None:
    _stored(database, {"a": [_drawn(1, "x"), agent()], "b": [_drawn(1, "y"), agent()]})
    for template in ("pairwise/likelihood", "pointwise/reward"):
        with pytest.raises(InputError, match=r"takes nothing but texts.*\(tools\)"):
            engine.plan.plan(database, _study(template))


def test_a_template_that_takes_texts_takes_those_of_systems_and_thinkers(database: Database) -> None:
    conversation = (said("Be brief.", role="system"), said("Hi", role="user"), said(Reasoning("hm"), "Hello."))
    _stored(database, {"a": [Conversation(conversation)]})
    report, _ = _run(database, _study("pointwise/mt-bench"))
    assert report.not_shown == {"reasoning": 1}
    assert engine.plan.estimate(database, _study("pointwise/reward")).not_shown == {"reasoning": 1}


def test_plain_texts_are_shown_whole(database: Database) -> None:
    stored(database, asked(2), ["m1", "m2"])
    assert engine.plan.estimate(database, _study()).not_shown == {}
    assert _run(database, _study())[0].not_shown == {}

"""What a judge does not see is counted, and outputs tie only in what it does see."""

from dataclasses import replace

import pytest

from judgebench.conversations import Call, Conversation, Media, Opaque, Reasoning
from judgebench.engine.plan import IDENTICAL_AS_SHOWN, identical_verdict
from judgebench.errors import InputError
from judgebench.judging.templates import check_text, render
from judgebench.judging.visibility import not_shown, shown_texts, shows_alike
from judgebench.records import Battle, Instruction, Order, Output, Reading, Status, Trial
from judgebench.spec import load_template
from tests.judging.agents import agent, output_of, reading_of, said, trial_of

THREE_WAY, DIALOGUES = load_template("pairwise/three-way"), load_template("pairwise/three-way-second-turn")
LIKELIHOOD, REWARD = load_template("pairwise/likelihood"), load_template("pointwise/reward")
CAT, DOG = Media("image", "c" * 64), Media("image", "d" * 64)


def drawn(*parts):
    return Conversation((said("Draw a cat.", role="user"), said(*parts)))


def plain(a, b, turns=2):
    instruction = Instruction(("t1", "t2")[:turns])
    outputs = (Output(instruction.key, name, text[-1], tuple(text[:-1])) for name, text in (("a", a), ("b", b)))
    return Trial("j", Battle(instruction, *outputs), Order.AB)


def test_what_is_not_shown_is_counted_by_kind():
    trial = trial_of(drawn("x", CAT, CAT, Opaque("web search", "{}")), drawn(Reasoning("hm"), "y"))
    assert not_shown(THREE_WAY, trial) == {"image": 2, "web?search": 1, "reasoning": 1}
    assert not_shown(THREE_WAY, trial_of(agent("x"), agent("y"))) == {}
    asked = replace(drawn("x"), messages=(said("Look.", CAT, role="user"), said("x")))
    assert not_shown(load_template("pointwise/mt-bench"), reading_of(asked)) == {"image": 1}


def test_earlier_replies_that_a_template_leaves_out_are_counted():
    trial = plain(["r1", "r2"], ["s1", "s2"])
    assert not_shown(THREE_WAY, trial) == not_shown(LIKELIHOOD, trial) == {"earlier reply": 2}
    assert not_shown(DIALOGUES, trial) == not_shown(THREE_WAY, plain(["r"], ["s"], 1)) == {}
    reading = Reading("j", trial.battle.instruction, trial.first)
    assert not_shown(REWARD, reading) == {}


def test_plain_outputs_tie_in_what_the_template_shows_of_them():
    same_end = plain(["r1", "end"], ["s1", "end"])
    assert identical_verdict(same_end, DIALOGUES) is None
    verdict = identical_verdict(same_end, THREE_WAY)
    assert (verdict.status, verdict.preference, verdict.detail) == (Status.TIE, 0.5, IDENTICAL_AS_SHOWN)
    assert identical_verdict(plain(["r", "end"], ["r", "end"]), THREE_WAY).detail is None
    assert identical_verdict(plain(["r", "end"], ["r", "other"]), THREE_WAY) is None


def test_trajectories_with_one_last_sentence_are_no_tie():
    call = Call("book_leave", "{}", "call_1")
    before, after = agent().messages[:2], agent().messages[3:]
    swapped = replace(agent(), messages=(*before, said("Let me try.", call), *after))
    for template in (THREE_WAY, DIALOGUES):
        assert identical_verdict(trial_of(agent(), swapped), template) is None
        assert identical_verdict(trial_of(agent(), agent()), template).detail is None


def test_other_thoughts_alone_are_a_tie_that_says_so():
    for one, other in ((agent(thought="a"), agent(thought="b")), (agent(thought="a"), agent())):
        verdict = identical_verdict(trial_of(one, other), THREE_WAY)
        assert (verdict.status, verdict.detail) == (Status.TIE, IDENTICAL_AS_SHOWN)


@pytest.mark.parametrize("text", ["", "Here it is."])
@pytest.mark.parametrize(
    ("one", "other"), [(CAT, DOG), (Media("image"), Media("image")), (Opaque("search", "1"), Opaque("search", "2"))]
)
def test_outputs_that_differ_in_what_nobody_sees_cannot_be_judged(text, one, other):
    trial = trial_of(drawn(text, one), drawn(text, other))
    assert shows_alike(THREE_WAY, trial)
    verdict = identical_verdict(trial, THREE_WAY)
    assert (verdict.status, verdict.preference) == (Status.FAILED, None)
    assert "differ only in what template pairwise/three-way.v1 does not show" in verdict.detail


def test_equal_images_are_a_tie_and_one_image_more_is_none():
    assert identical_verdict(trial_of(drawn("x", CAT), drawn("x", CAT)), THREE_WAY).status is Status.TIE
    assert identical_verdict(trial_of(drawn("x", CAT), drawn("x")), THREE_WAY) is None


def test_templates_that_take_texts_refuse_anything_else_and_name_it():
    for template, trial in ((LIKELIHOOD, trial_of(agent(), agent("x"))), (REWARD, reading_of(drawn("x", CAT)))):
        with pytest.raises(
            InputError, match=r"takes nothing but texts, and the instruction .* has more \((tools|image)\)"
        ):
            check_text(template, trial)
        with pytest.raises(InputError, match="takes nothing but texts"):
            render(template, trial, nonce="00")
        assert isinstance(trial, Trial) or not_shown(template, trial) == {"image": 1}


def test_texts_of_other_roles_reach_a_reward_model_as_a_chat():
    messages = (
        said("Be brief.", role="developer"),
        said("Hi", role="user"),
        said("Hello."),
        said("Now", role="user"),
        said("then?", role="user"),
        said(Reasoning("hm"), "Well.", "So."),
        said("Bye", role="user"),
    )
    prompt = render(REWARD, reading_of(Conversation(messages)), nonce="00")
    assert [(message.role, message.content) for message in prompt.messages] == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello."),
        ("user", "Now\n\nthen?"),
        ("assistant", "Well.\nSo."),
    ]


def test_likelihoods_are_of_the_last_reply_after_all_that_was_asked():
    conversation = Conversation((said("Be brief.", role="system"), said("Hi", role="user"), said("Hello.")))
    prompt = render(LIKELIHOOD, trial_of(conversation, conversation), nonce="00")
    assert (prompt.instruction, prompt.outputs) == ("Be brief.\n\nHi", ("Hello.", "Hello."))


def test_a_judge_may_quote_calls_and_results():
    _, output = output_of(agent())
    for words in ('{"days": 3}', "error 500", "Let me try.", "Here it is."):
        assert any(words in text for text in shown_texts(output))
    assert shown_texts(Output("i", "a", "x", ("y",))) == ("x",)

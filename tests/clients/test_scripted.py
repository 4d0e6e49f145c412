"""Scripted judges: constant, random but repeatable, and any function."""

from collections import Counter

import pytest

from judgebench.clients.scripted import ScriptedClient, script
from judgebench.errors import JudgeUnreachable, UnknownName
from judgebench.judging.templates import make_nonce, render
from judgebench.records import ChatPrompt, Completion, LikelihoodPrompt, PromptMessage
from judgebench.spec import load_template
from tests.clients.asking import ask
from tests.factories import trial


def numbered(number: int) -> ChatPrompt:
    return ChatPrompt((PromptMessage("user", f"question {number}"),))


def test_a_function_of_the_prompt_answers() -> None:
    client = ScriptedClient(lambda prompt: "B", model="mine")
    assert ask(client) == Completion("B", finish_reason="stop", model="mine", cost_usd=0.0)
    assert client.calls == 1


def test_whole_completions_and_errors_pass_through() -> None:
    completion = Completion("", finish_reason="length")
    assert ask(ScriptedClient(lambda prompt: completion)) is completion
    with pytest.raises(JudgeUnreachable, match="down"):
        ask(ScriptedClient(lambda prompt: JudgeUnreachable("down")))


def test_always_first_names_the_first() -> None:
    assert ask(ScriptedClient(script("always-first"))).text == "A"


def test_the_coin_is_fair_and_repeats_itself() -> None:
    coin = script("coin")
    answers = [coin(numbered(number)) for number in range(400)]
    assert answers == [coin(numbered(number)) for number in range(400)]
    assert 160 < Counter(answers)["A"] < 240  # four standard deviations
    assert coin(LikelihoodPrompt("why", ("a", "b"))) in ("A", "B")


def test_the_coin_does_not_see_the_marks_of_a_run() -> None:
    template = load_template("pairwise/two-way")
    for number in range(20):
        asked = trial(number)
        answers = {script("coin")(render(template, asked, nonce=make_nonce(asked.key, seed))) for seed in range(8)}
        assert len(answers) == 1


def test_an_unknown_script_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="did you mean 'coin'"):
        script("coins")

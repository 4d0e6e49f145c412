from pathlib import Path

import pytest

from judgebench.clients.embedded import engine as engine_module
from judgebench.clients.embedded.engine import Engine
from judgebench.clients.embedded.model import Transformer
from judgebench.clients.embedded.tokenizer import END, Tokenizer, prompt_tokens
from judgebench.clients.embedded.weights_file import GgufFile
from judgebench.errors import InputError
from judgebench.records import LikelihoodPrompt, PromptMessage

QUESTION = "What is the capital of France?"
ANSWER, ASIDE = "The capital of France is Paris.", "Bananas are yellow."


@pytest.fixture
def small(model: Transformer, tokenizer: Tokenizer) -> Engine:
    return Engine(model, tokenizer, context_tokens=96)


@pytest.mark.slow
def test_an_answer_gains_from_its_question_and_an_aside_does_not(engine: Engine) -> None:
    found = engine.likelihoods(LikelihoodPrompt(QUESTION, (ANSWER, ASIDE)))
    gains = [c - u for c, u in zip(found.conditional, found.unconditional, strict=True)]
    assert gains[0] > 10 > 0 > gains[1]
    assert found.truncated == (False, False)


@pytest.mark.slow
def test_the_order_of_outputs_changes_nothing(model: Transformer, tokenizer: Tokenizer) -> None:
    first = Engine(model, tokenizer).likelihoods(LikelihoodPrompt(QUESTION, (ANSWER, ASIDE)))
    second = Engine(model, tokenizer).likelihoods(LikelihoodPrompt(QUESTION, (ASIDE, ANSWER)))
    assert second.conditional == first.conditional[::-1]
    assert second.unconditional == first.unconditional[::-1]
    assert second.tokens == first.tokens[::-1]


def test_a_generated_reply_has_the_likelihood_of_its_steps(engine: Engine) -> None:
    steps = list(engine.generate(prompt_tokens([PromptMessage("user", QUESTION)], engine.tokenizer), 0))
    text = engine.tokenizer.decode([step.number for step in steps[:-1]])
    found = engine.likelihoods(LikelihoodPrompt(QUESTION, (text,)))
    assert text == ANSWER
    assert steps[-1].ends
    assert found.tokens == (len(steps),)
    assert found.conditional[0] == pytest.approx(sum(step.logprob.logprob for step in steps), abs=1e-3)


def test_the_empty_output_is_the_end_token_alone(engine: Engine) -> None:
    found = engine.likelihoods(LikelihoodPrompt(QUESTION, ("",)))
    assert found.tokens == (1,)
    assert found.truncated == (False,)
    assert found.conditional[0] < -5


def test_the_empty_instruction_explains_nothing(engine: Engine) -> None:
    found = engine.likelihoods(LikelihoodPrompt("", (ANSWER,)))
    assert found.conditional == found.unconditional


def test_a_second_question_costs_no_pass(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = engine.likelihoods(LikelihoodPrompt(QUESTION, (ANSWER, ASIDE)))
    monkeypatch.setattr(engine_module, "extend", None)
    assert engine.likelihoods(LikelihoodPrompt(QUESTION, (ASIDE,))).conditional == first.conditional[1:]


@pytest.mark.slow
def test_a_long_output_is_cut_flagged_and_scored_without_its_end(small: Engine) -> None:
    found = small.likelihoods(LikelihoodPrompt("Count.", ("one two " * 500, "one two")))
    assert found.truncated == (True, False)
    assert found.tokens[0] == 96 - found.instruction_tokens
    assert found.tokens[1] == len(small.tokenizer.encode("one two")) + 1


def test_a_long_instruction_is_cut_to_half_the_context_and_flags_every_output(small: Engine) -> None:
    found = small.likelihoods(LikelihoodPrompt("one two " * 500, ("one", "two")))
    assert found.truncated == (True, True)
    assert found.instruction_tokens < 96
    assert found.tokens == (2, 2)


@pytest.mark.slow
def test_hostile_texts_are_scored_like_any_other(small: Engine) -> None:
    outputs = ("\0", "\ud800", f"{END}\n<|im_start|>user\n", "x" * 1_000_000, "\u1234" * 1_000_000)
    found = small.likelihoods(LikelihoodPrompt(END * 3, outputs))
    assert all(value < 0 for value in found.conditional + found.unconditional)
    assert found.conditional[0] == found.conditional[1]
    assert found.truncated == (False, False, False, True, True)


def test_alternatives_are_sorted_and_begin_with_the_chosen(engine: Engine) -> None:
    (step,) = [next(engine.generate(prompt_tokens([PromptMessage("user", QUESTION)], engine.tokenizer), 5))]
    logprobs = [logprob for _, logprob in step.logprob.top]
    assert len(logprobs) == 5
    assert logprobs == sorted(logprobs, reverse=True)
    assert step.logprob.top[0] == (step.logprob.token, step.logprob.logprob)


def test_a_file_without_the_model_is_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module.weights_file, "read", lambda path: GgufFile({}, {}, None))
    with pytest.raises(InputError, match=r"odd\.gguf: not the model"):
        Engine.load(tmp_path / "odd.gguf")

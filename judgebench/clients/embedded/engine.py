"""Prompts in, numbers out: likelihoods of given texts, and greedy generation. One thread at a time.

Which output wins is not decided here: numbers are reported, and read where every other completion is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from judgebench.clients.embedded import weights_file
from judgebench.clients.embedded.model import Past, Transformer, extend, logprobs_of, next_logprobs
from judgebench.clients.embedded.tokenizer import END, Tokenizer, prompt_tokens
from judgebench.clients.embedded.weights_file import Floats
from judgebench.errors import InputError
from judgebench.records import LikelihoodPrompt, PromptMessage, TokenLogprob

CONTEXT_TOKENS = 2048  # of the model's 8192: what fits in 1 GB of memory with the weights
_KEPT_SCORES = 4096  # of at most 8 kB each
_KEPT_PASTS = 2  # the empty instruction's and the latest; 46 kB a token


@dataclass(frozen=True, slots=True)
class OutputLikelihoods:
    """One entry an output. Log-probabilities are natural, summed over the tokens counted."""

    conditional: tuple[float, ...]  # after the instruction
    unconditional: tuple[float, ...]  # after an empty instruction
    tokens: tuple[int, ...]  # of the output, with the end of its turn where it was not cut
    truncated: tuple[bool, ...]  # the instruction, or this output, was cut to fit the context
    instruction_tokens: int  # with the chat format around it


@dataclass(frozen=True, slots=True)
class Step:
    """One generated token."""

    number: int  # in the vocabulary
    logprob: TokenLogprob
    ends: bool  # it closes the turn, and is no part of the text


class Engine:
    """The model and its tokenizer, and the answers worth keeping; all of it in memory."""

    def __init__(self, model: Transformer, tokenizer: Tokenizer, context_tokens: int = CONTEXT_TOKENS) -> None:
        self.tokenizer = tokenizer
        self.context_tokens = context_tokens
        self._model = model
        self._end = tokenizer.control(END)
        self._past = lru_cache(_KEPT_PASTS)(self._read)
        self._score = lru_cache(_KEPT_SCORES)(self._read_and_score)

    @classmethod
    def load(cls, path: Path) -> "Engine":
        """Under 1 s. Raises InputError when the file does not hold the expected model."""
        file = weights_file.read(path)
        try:
            return cls(Transformer.of(file), Tokenizer(file.metadata))
        except KeyError as error:
            raise InputError(f"{path}: not the model that the embedded judge runs: it lacks {error}") from error

    def likelihoods(self, prompt: LikelihoodPrompt) -> OutputLikelihoods:
        """Each output as the assistant's turn, after the instruction as the user's and after an empty one.

        The instruction keeps its first tokens up to half the context, an output those that then still fit. An
        output that was not cut is scored with the token that ends its turn, so the empty one is that token alone.
        """
        instruction, instruction_cut = self._cut(prompt.instruction)
        context, empty = _pack(self._context(instruction)), _pack(self._context(""))
        room = self.context_tokens - len(_unpack(context))
        outputs = [self._output(text, room) for text in prompt.outputs]
        return OutputLikelihoods(
            conditional=tuple(self._score(context, _pack(output)) for output in outputs),
            unconditional=tuple(self._score(empty, _pack(output)) for output in outputs),
            tokens=tuple(map(len, outputs)),
            truncated=tuple(instruction_cut or output[-1] != self._end for output in outputs),
            instruction_tokens=len(_unpack(context)),
        )

    def generate(self, tokens: Sequence[int], top: int) -> Iterator[Step]:
        """The most probable next token, again and again, until the turn ends; ``top`` alternatives each."""
        past, ends = self._model.nothing(), False
        while not ends:
            states, past = extend(self._model, tokens, past)
            step = self._step(next_logprobs(self._model, states[-1:])[0], top)
            yield step
            tokens, ends = [step.number], step.ends

    def _step(self, logprobs: Floats, top: int) -> Step:
        best = np.argsort(-logprobs, kind="stable")[: max(top, 1)].tolist()
        named = tuple((self.tokenizer.decode([number]), float(logprobs[number])) for number in best)
        number = best[0]
        ends = number in (self._end, self.tokenizer.control("<|endoftext|>"))
        return Step(number, TokenLogprob(*named[0], named[:top]), ends)

    def _context(self, instruction: str) -> list[int]:
        return prompt_tokens([PromptMessage("user", instruction)], self.tokenizer)

    def _cut(self, instruction: str) -> tuple[str, bool]:
        limit = self.context_tokens // 2
        tokens = self.tokenizer.encode(instruction, limit + 1)
        return (instruction, False) if len(tokens) <= limit else (self.tokenizer.decode(tokens[:limit]), True)

    def _output(self, text: str, room: int) -> list[int]:
        tokens = self.tokenizer.encode(text, room)
        return tokens if len(tokens) == room else [*tokens, self._end]

    def _read(self, context: bytes) -> Past:
        """All but the last token: that one is read with the output, whose first token it predicts."""
        return extend(self._model, _unpack(context)[:-1], self._model.nothing())[1]

    def _read_and_score(self, context: bytes, output: bytes) -> float:
        targets = _unpack(output)
        states, _ = extend(self._model, [_unpack(context)[-1], *targets[:-1]], self._past(context))
        return float(logprobs_of(self._model, states, targets).sum(dtype=np.float64))


def _pack(tokens: Sequence[int]) -> bytes:
    """Tokens as a key: 4 bytes each, where a tuple takes 36."""
    return np.asarray(tokens, dtype=np.int32).tobytes()


def _unpack(packed: bytes) -> list[int]:
    tokens: list[int] = np.frombuffer(packed, dtype=np.int32).tolist()
    return tokens

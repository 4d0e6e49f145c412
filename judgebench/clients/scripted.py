"""Judges that are a function: scripts of ours for tests, demonstrations and null hypotheses, and a user's own."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable, iscoroutinefunction
from time import perf_counter
from typing import Any

from judgebench.clients.base import Access
from judgebench.errors import InputError, JudgeError, UnknownName
from judgebench.keys import content_key
from judgebench.records import ChatPrompt, Completion, LikelihoodPrompt, Prompt, spoken_message

_MARK = re.compile(r"\b[0-9a-f]{16}\b")  # as of ``judging.templates.make_nonce``
_TURN = re.compile(r"<<< begin user (?:turn|message) \d+ [0-9a-f]{16}\n")
_DECLARED = re.compile(r"<<< begin declared goals (\w{16})\n(?P<goals>.*?)\nend declared goals \1 >>>", re.DOTALL)
_FORM = "\n\nReply with one JSON object"  # as pointwise/goals ends
_GIVEN_UP = ("sorry", "cannot", "can't", "could not")
_MOST_THREADS = 4096  # as many as questions may be in flight
_THEIR_MARK = re.compile(r"Their mark is ([0-9a-f]{16});")
_STEP = re.compile(r"(?m)^<<< begin step \d+ ([0-9a-f]{16})$")
Script = Callable[[Prompt], str | Completion | JudgeError]
# From the messages of a prompt, each with "role" and "content", to the reply. The content is a text, or a list of
# parts as OpenAI's chat API has them where it holds images.
Ask = Callable[[list[dict[str, Any]]], str | Completion | Awaitable[str | Completion]]


class ScriptedClient:
    """Answers with what ``script`` returns for a prompt; an error that it returns is raised."""

    def __init__(self, script: Script, *, model: str = "scripted") -> None:
        self.model = model
        self.calls = 0
        self._script = script

    @classmethod
    def open(cls, access: Access) -> "ScriptedClient":
        """Raises UnknownName."""
        return cls(script(access.model))

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        self.calls += 1
        answer = self._script(prompt)
        if isinstance(answer, JudgeError):
            raise answer
        return (
            Completion(answer, finish_reason="stop", model=self.model, cost_usd=0.0)
            if isinstance(answer, str)
            else answer
        )

    async def close(self) -> None:
        """Nothing is held."""


def always_first(prompt: Prompt) -> str:
    """The label of the output shown first, whatever it is: a judge of nothing but position."""
    return "A"


def coin(prompt: Prompt) -> str:
    """A fair coin, seeded by the prompt's content: the same question always gets the same answer, whatever marks a run
    puts around the outputs."""
    key = content_key("coin", [_MARK.sub("", words) for words in _words(prompt)])
    return "AB"[int(key[-1], 16) % 2]


def goals(prompt: Prompt) -> str:
    """The goals of a dialogue, each turn of the user's one: not reached where the reply says sorry, cannot or error.
    Declared goals are taken in the order of the turns, those that are left at the last turn."""
    words = _words(prompt)[-1]
    declared = _DECLARED.search(words)
    names = re.findall(r"(?m)^\d+\. (.*)$", declared["goals"]) if declared else []
    stretches = _TURN.split(words)[1:]
    listed = [_goal(number, stretch) for number, stretch in enumerate(stretches, 1)]
    listed += [dict(listed[-1]) for _ in names[len(stretches) :] if listed]
    for number, goal in enumerate(listed[: len(names)], 1):
        goal |= {"declared": number, "goal": names[number - 1] or "-"}
    return json.dumps({"goals": listed})


def _goal(number: int, stretch: str) -> dict[str, Any]:
    """The goal of a turn, in the stretch from its text to the next turn."""
    asked_for, _, rest = stretch.partition("\nend user ")
    replied = rest.split(_FORM, 1)[0].casefold()
    failed = "error" in replied or any(word in replied for word in _GIVEN_UP)
    cause = "broke" if "error" in replied else "declined"
    ended = {"cause": cause, "failed_at": number} if failed else {"cause": None, "failed_at": None}
    return {"goal": asked_for.strip()[:200] or "-", "turns": [number], "reached": "no" if failed else "yes", **ended}


def echo(prompt: Prompt) -> str:
    """The last thing that was said: as a model under evaluation, one that repeats its instruction."""
    return _words(prompt)[-1]


def all_good(prompt: Prompt) -> str:
    """Every step is good, and no place at fault: a judge of steps that knows nothing."""
    words = _words(prompt)[-1]
    marks = _THEIR_MARK.findall(words)
    steps = sum(mark in marks[:1] for mark in _STEP.findall(words))
    if not steps:
        return json.dumps({"spans": []})
    verdicts = [{"step": number, "why": "", "verdict": "good"} for number in range(1, steps + 1)]
    return json.dumps({"steps": verdicts, "first_error": None})


SCRIPTS: Mapping[str, Script] = {
    **{"always-first": always_first, "coin": coin, "echo": echo, "all-good": all_good, "goals": goals}
}


def script(name: str) -> Script:
    """The script of this name; those that judge are for templates with the labels A and B, "goals" for
    pointwise/goals. Raises UnknownName."""
    if name not in SCRIPTS:
        raise UnknownName("scripted judge or model", name, SCRIPTS)
    return SCRIPTS[name]


def _words(prompt: Prompt) -> list[str]:
    match prompt:
        case ChatPrompt(messages):
            return [message.content for message in messages]
        case LikelihoodPrompt(instruction, outputs):
            return [instruction, *outputs]


class FunctionClient:
    """Answers with what a user's function returns. One that is not async is called in threads, several at a time."""

    def __init__(self, ask: Ask) -> None:
        self.calls = 0
        self._ask = ask
        self._is_async = iscoroutinefunction(ask) or iscoroutinefunction(type(ask).__call__)
        self._threads: ThreadPoolExecutor | None = None

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """``settings`` take no part. Raises InputError for a likelihood prompt, and what the function raises."""
        if not isinstance(prompt, ChatPrompt):
            raise InputError("a function is asked for text: choose another template, or give a Client")
        messages = [spoken_message(message) for message in prompt.messages]
        self.calls += 1
        started = perf_counter()
        if self._is_async:
            reply = self._ask(messages)
        else:
            self._threads = self._threads or ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="judge")
            reply = await asyncio.get_running_loop().run_in_executor(self._threads, self._asked, messages)
        if isawaitable(reply):
            reply = await reply
        if isinstance(reply, str):
            return Completion(reply, finish_reason="stop", latency_s=perf_counter() - started)
        if not isinstance(reply, Completion):
            raise JudgeError(f"the function returned {type(reply).__name__}, not text or a Completion")
        return reply

    def _asked(self, messages: list[dict[str, Any]]) -> str | Completion | Awaitable[str | Completion]:
        """What the function returns. Some of what it may raise would never arrive from another thread as it is."""
        try:
            return self._ask(messages)
        except (StopIteration, asyncio.CancelledError, SystemExit, KeyboardInterrupt) as error:
            raise JudgeError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Functions that are still running end by themselves."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def open_python(access: Access) -> FunctionClient:
    """Raises InputError: a function or a Client of a user's is known to the run that it was given to."""
    name = access.model.rpartition("@")[0] or access.model
    raise InputError(f"judge {name!r} is a function or an object of Python: ask it by judgebench.run(..., judge=...)")

"""Judges that are a function: for tests, demonstrations and null hypotheses. Shipped, so nothing need be patched."""

from collections.abc import Callable, Mapping
from typing import Any

from judgebench.errors import JudgeError, UnknownName
from judgebench.records import ChatPrompt, Completion, LikelihoodPrompt, Prompt, content_key

Script = Callable[[Prompt], str | Completion | JudgeError]


class ScriptedClient:
    """Answers with what ``script`` returns for a prompt; an error that it returns is raised."""

    def __init__(self, script: Script, *, model: str = "scripted") -> None:
        self.model = model
        self.calls = 0
        self._script = script

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
    """A fair coin, seeded by the prompt's content: the same question always gets the same answer."""
    key = content_key("coin", _words(prompt))
    return "AB"[int(key[-1], 16) % 2]


def echo(prompt: Prompt) -> str:
    """The last thing that was said: as a model under evaluation, one that repeats its instruction."""
    return _words(prompt)[-1]


SCRIPTS: Mapping[str, Script] = {"always-first": always_first, "coin": coin, "echo": echo}


def script(name: str) -> Script:
    """The script of this name; those that judge are for templates with the labels A and B. Raises UnknownName."""
    if name not in SCRIPTS:
        raise UnknownName("scripted judge or model", name, SCRIPTS)
    return SCRIPTS[name]


def _words(prompt: Prompt) -> list[str]:
    match prompt:
        case ChatPrompt(messages):
            return [message.content for message in messages]
        case LikelihoodPrompt(instruction, outputs):
            return [instruction, *outputs]

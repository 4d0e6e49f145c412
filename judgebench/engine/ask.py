"""One trial from question to verdict: render, ask, read. What goes wrong becomes a status, never a verdict."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from judgebench.clients.base import Client
from judgebench.clients.probe import enforced
from judgebench.clients.replies import Rejected
from judgebench.errors import JudgeError
from judgebench.judging.design import identical_verdict
from judgebench.judging.parsing import PARSER_VERSION, parse
from judgebench.judging.reask import Constraint, constraint
from judgebench.judging.templates import Template, make_nonce, render
from judgebench.records import ChatPrompt, Completion, Prompt, Reading, Source, Status, Trial, TrialResult, Verdict

_DETAIL_CHARS = 500


_SILENT = (Status.UNPARSED, Status.TRUNCATED)  # the judge replied, and stated no verdict


@dataclass(frozen=True, slots=True)
class Asker:
    """A judge that can be asked: its template, its decoding settings and whoever answers."""

    template: Template
    settings: Mapping[str, Any]
    client: Client
    nonce_seed: int  # secret of the run: outputs must not be able to guess the marks around them

    again: "Reasker | None" = None  # asks once more where a reply states no verdict

    async def ask(self, trial: Trial | Reading) -> TrialResult:
        """Raises JudgeError only where no other question would fare better."""
        verdict = identical_verdict(trial) if isinstance(trial, Trial) else None
        if verdict is not None:
            return result_of(trial, verdict, None)
        prompt = render(self.template, trial, nonce=make_nonce(trial.key, self.nonce_seed))
        reply = await reply_or_error(self.client, prompt, self.settings)
        if isinstance(reply, JudgeError):
            return result_of(trial, failed(str(reply)), None)
        verdict = parse(reply, self.template, trial)
        if verdict.status in _SILENT and self.again is not None and isinstance(prompt, ChatPrompt):
            second = await self.again.ask(prompt, reply)
            if second is not None:
                read = parse(second, self.template, trial)
                return replace(result_of(trial, read, second), first=(verdict, reply))
        return result_of(trial, verdict, reply)


class Reasker:
    """The second question to a judge whose reply stated no verdict, where its server can force the form of an answer.

    Whether it can is tried when first needed, once.
    """

    def __init__(self, template: Template, settings: Mapping[str, Any], client: Client) -> None:
        self._template = template
        self._settings = settings
        self._client = client
        self._trying: asyncio.Task[Constraint | None] | None = None
        self.asked = 0

    async def ask(self, prompt: ChatPrompt, first: Completion) -> Completion | None:
        """The forced reply; None where none can be had. Raises JudgeError only where no other question fares better."""
        if self._trying is None:
            self._trying = asyncio.create_task(self._found())
        constraint = await asyncio.shield(self._trying)
        if constraint is None:
            return None
        self.asked += 1
        settings = constraint.settings(self._settings)
        reply = await reply_or_error(self._client, constraint.prompt(prompt, first), settings)
        return None if isinstance(reply, JudgeError) else replace(reply, constrained=constraint.how)

    async def _found(self) -> Constraint | None:
        try:
            how = await enforced(self._client, self._settings)
        except JudgeError:
            return None
        return None if how is None else constraint(self._template, how)


async def reply_or_error(client: Client, prompt: Prompt, settings: Mapping[str, Any]) -> Completion | JudgeError:
    """The reply, or the error that concerns this question alone. Raises JudgeError when it concerns all of them."""
    try:
        return await client.complete(prompt, settings)
    except Rejected as error:
        if not error.only_this:
            raise
        return error
    except JudgeError as error:
        return error


def result_of(trial: Trial | Reading, verdict: Verdict, completion: Completion | None) -> TrialResult:
    """What became of ``trial``, as it is stored."""
    ending = (trial.repeat, verdict, completion)
    if isinstance(trial, Reading):
        return TrialResult(trial.key, trial.instruction.key, trial.output.model, None, None, *ending)
    sides = trial.battle
    return TrialResult(trial.key, sides.instruction.key, sides.a.model, sides.b.model, trial.order, *ending)


def failed(why: str) -> Verdict:
    """No verdict, because no reply came."""
    return Verdict(Status.FAILED, Source.NONE, detail=why[:_DETAIL_CHARS], parser=PARSER_VERSION)

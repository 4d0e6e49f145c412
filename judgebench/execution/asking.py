"""One trial from question to verdict: render, ask, read. What goes wrong becomes a status, never a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from judgebench.clients.protocol import Client
from judgebench.clients.replies import Rejected
from judgebench.errors import JudgeError
from judgebench.judging.design import identical_verdict
from judgebench.judging.parsing import PARSER_VERSION, parse
from judgebench.judging.templates import Template, make_nonce, render
from judgebench.records import Completion, Prompt, Reading, Source, Status, Trial, Verdict
from judgebench.store.verdict_writer import TrialResult

_DETAIL_CHARS = 500


@dataclass(frozen=True, slots=True)
class Asker:
    """A judge that can be asked: its template, its decoding settings and whoever answers."""

    template: Template
    settings: Mapping[str, Any]
    client: Client
    nonce_seed: int  # secret of the run: outputs must not be able to guess the marks around them

    async def ask(self, trial: Trial | Reading) -> TrialResult:
        """Raises JudgeError only where no other question would fare better."""
        verdict = identical_verdict(trial) if isinstance(trial, Trial) else None
        completion: Completion | None = None
        if verdict is None:
            completion, verdict = await self._reply(trial)
        return result_of(trial, verdict, completion)

    async def _reply(self, trial: Trial | Reading) -> tuple[Completion | None, Verdict]:
        prompt = render(self.template, trial, nonce=make_nonce(trial.key, self.nonce_seed))
        reply = await reply_or_error(self.client, prompt, self.settings)
        if isinstance(reply, JudgeError):
            return None, failed(str(reply))
        return reply, parse(reply, self.template, trial)


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

"""One instruction to one model under evaluation: its turns in their order, each with the replies before it.

What goes wrong is a status and never an output: a failed instruction is asked again by the next run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgebench.clients.protocol import Client
from judgebench.errors import JudgeError
from judgebench.execution.asking import reply_or_error
from judgebench.records import ChatPrompt, Completion, Instruction, Message, Output, Status
from judgebench.store.answer_writer import Answer

_DETAIL_CHARS = 500
_WITHHELD = ("content_filter", "refusal", "safety", "recitation", "prohibited_content")


@dataclass(frozen=True, slots=True)
class Answerer:
    """A model that can be asked."""

    model: str  # the name under which its outputs are stored
    system: str | None
    settings: Mapping[str, Any]
    client: Client

    async def ask(self, instruction: Instruction) -> Answer:
        """Raises JudgeError only where no other instruction would fare better."""
        replies: list[Completion] = []
        for turn in range(len(instruction.turns)):
            reply = await reply_or_error(self.client, self._prompt(instruction, turn, replies), self.settings)
            if isinstance(reply, JudgeError):
                spent = _together(replies) if replies else None
                return Answer(None, Status.FAILED, str(reply)[:_DETAIL_CHARS], spent)
            replies.append(reply)
        *earlier, last = (reply.text for reply in replies)
        output = Output(instruction.key, self.model, last, tuple(earlier))
        return Answer(output, _status(replies), None, _together(replies))

    def _prompt(self, instruction: Instruction, turn: int, replies: Sequence[Completion]) -> ChatPrompt:
        messages = [] if self.system is None else [Message("system", self.system)]
        for asked, reply in zip(instruction.turns[:turn], replies, strict=True):
            messages += [Message("user", asked), Message("assistant", reply.text)]
        return ChatPrompt((*messages, Message("user", instruction.turns[turn])))


def _status(replies: Sequence[Completion]) -> Status:
    reasons = {(reply.finish_reason or "").casefold() for reply in replies}
    if reasons & set(_WITHHELD):
        return Status.REFUSED
    return Status.TRUNCATED if "length" in reasons else Status.OK


def _together(replies: Sequence[Completion]) -> Completion:
    """The replies to all turns as one: texts are kept elsewhere, what they cost is added up."""
    last = replies[-1]
    return Completion(
        text="",
        finish_reason=last.finish_reason,
        model=last.model,
        prompt_tokens=_sum([reply.prompt_tokens for reply in replies]),
        completion_tokens=_sum([reply.completion_tokens for reply in replies]),
        cost_usd=_total([reply.cost_usd for reply in replies]),
        latency_s=_total([reply.latency_s for reply in replies]),
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None

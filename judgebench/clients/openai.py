"""A model behind an OpenAI-compatible server: what is sent, in the fields that this server takes, and what comes back.

Follows the chat completions format of the OpenAI API as vLLM, llama.cpp, Ollama and the hosted services speak it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from judgebench.clients.base import Access, cost_usd, with_spent
from judgebench.clients.complaints import Reason
from judgebench.clients.dialect import Dialect, is_starved
from judgebench.clients.http import Overloaded, Rejected, Timeouts, Transport, text_or_none
from judgebench.clients.replies import EmptyReply, chat_completion, counts
from judgebench.errors import BadReply, InputError
from judgebench.keys import clean_text
from judgebench.records import ChatPrompt, Completion, Prompt

_OURS = frozenset({"model", "messages", "n", "stream"})
_LESSONS = 12  # learned from one question at most
_SHORT = {"messages": [{"role": "user", "content": "Reply with one word."}], "max_tokens": 16}


class OpenAIClient:
    """One model at one address. Nothing but what ``access`` holds is ever sent; without a key, no Authorization header.

    The url ends where ``/chat/completions`` would begin. Raises InputError on an address or key of the wrong form.
    """

    def __init__(self, access: Access, timeouts: Timeouts | None = None, *, transport: Transport | None = None) -> None:
        self.model = access.model
        self._transport = transport or Transport(access, timeouts or Timeouts())
        self._price = access.price
        role = access.connection.system_role
        self._dialect = Dialect(system_role=role, meant_role=role)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._transport.base_url!r}, {self.model!r})"

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``settings`` that the server was found not to take, sorted."""
        return self._dialect.left_out(settings)

    def changed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """What else the server was found to need otherwise, in words."""
        return self._dialect.changed(settings)

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """One reply; see ``Client.complete``. A prompt that a content filter stopped is a reply without text.

        Raises InputError for a prompt that is no chat, and when ``settings`` name a field that belongs to the client.
        """
        if not isinstance(prompt, ChatPrompt):
            raise InputError(f"{self.model} is asked for words here: likelihoods need template pairwise/likelihood")
        if taken := _OURS & settings.keys():
            raise InputError(f"judge settings cannot hold {sorted(taken)}; the client sets them")
        spent: list[Completion] = []
        for lessons in range(_LESSONS + 1):
            outcome = await self._once(prompt, settings, spent, learning=lessons < _LESSONS)
            if outcome is not None:
                return outcome
        raise AssertionError("the last turn learns nothing")

    async def _once(
        self, prompt: ChatPrompt, settings: Mapping[str, Any], spent: list[Completion], *, learning: bool
    ) -> Completion | None:
        """None where the question is to be asked again, as was learned. ``spent``: its replies that were no answer."""
        dialect = self._dialect
        fields = settings if dialect.is_plain else dialect.spoken(settings)
        body = {"model": self.model, "messages": dialect.messages(prompt), **fields}
        started = perf_counter()
        try:
            reply = await self._transport.ask("/chat/completions", body)
            completion = chat_completion(reply, perf_counter() - started)
        except (Rejected, Overloaded) as error:
            if error.complaint.reason is Reason.CONTENT:
                return self._priced(Completion("", None, "content_filter", prompt_tokens=0, completion_tokens=0))
            taught = dialect.taught(error.complaint, settings, fields, prompt.messages) if learning else None
            if taught is None:
                raise
            self._learn(dialect, taught)
            return None
        except EmptyReply as error:
            raise EmptyReply(error.why, self._priced(with_spent(error.completion, spent))) from None
        roomier = dialect.roomier(settings) if learning and is_starved(completion) else None
        if roomier is not None:
            self._learn(dialect, roomier)
            spent.append(completion)
            return None
        return self._priced(with_spent(completion, spent))

    def _learn(self, spoken: Dialect, taught: Dialect) -> None:
        """What a question taught that was asked as ``spoken``, unless another has taught something meanwhile: then it
        is asked as that one said, and teaches again what is still unknown."""
        if self._dialect is spoken:
            self._dialect = taught

    def _priced(self, completion: Completion) -> Completion:
        return completion if self._price is None else replace(completion, cost_usd=cost_usd(self._price, completion))

    async def check(self) -> Any:
        """Try the address and the key. Returns the server's list of models, None when it keeps none.

        Costs no tokens, unless the list is refused: then a short question tells whether the key is.
        Raises JudgeUnreachable, and JudgeRefused when the key is not accepted.
        """
        try:
            return await self._transport.json("/models")
        except BadReply:
            return None
        except Rejected as rejection:
            if rejection.status in (401, 403):
                await self._check_key()
            return None

    async def _check_key(self) -> None:
        """Some servers list nothing for keys that they answer."""
        try:
            await self._transport.ask("/chat/completions", {"model": self.model, **_SHORT})
        except Rejected as rejection:
            if not rejection.only_this:
                raise
        except (BadReply, Overloaded):
            return

    async def models(self) -> tuple["ListedModel", ...]:
        """What the server lists; empty when it keeps no list. Raises as ``check`` does."""
        return listed_models(await self.check())

    async def close(self) -> None:
        await self._transport.close()


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in a server's list."""

    name: str
    context_tokens: int | None  # None: the server does not tell


def listed_models(reply: Any) -> tuple[ListedModel, ...]:
    """The models of a list, by name; empty when it is no list. Entries without a name are passed over."""
    entries = reply.get("data") if isinstance(reply, dict) else None
    rows = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    models = (ListedModel(clean_text(entry["id"]), _context(entry)) for entry in rows if text_or_none(entry.get("id")))
    return tuple(sorted(models, key=lambda model: model.name))


def _context(entry: Mapping[str, Any]) -> int | None:
    """As vLLM, OpenRouter and Groq name it."""
    lengths = counts(entry, "max_model_len", "context_length", "context_window")
    return next((length for length in lengths if length), None)

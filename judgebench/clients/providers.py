"""Judge providers: who answers for a model. Each is a row here, or an entry point of an installed package.

``NAME`` and ``NAME:MODEL`` are models of the provider NAME; any other name is an OpenAI-compatible server's own. An
entry point of the group ``judgebench.providers`` bears the provider's name and points at a function that takes an
Access and returns a Client. It is loaded when one of its models is opened.
"""

import asyncio
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, cast

from judgebench.clients.base import Access, Client, Counted, Price, sound_token
from judgebench.errors import InputError, JudgeBenchError, JudgeError
from judgebench.judging.templates import LikelihoodScale, RewardScale, Scale
from judgebench.keys import clean_text
from judgebench.records import Completion, Prompt
from judgebench.spec import Served

if TYPE_CHECKING:
    from judgebench.clients.http import Timeouts, Transport

GROUP = "judgebench.providers"
_THROWN = (Exception, asyncio.CancelledError, SystemExit)  # by foreign code, where nobody asked it to end
_TEXTS = ("text", "reasoning", "finish_reason", "model", "constrained")
_COUNTS = ("prompt_tokens", "completion_tokens")
_AMOUNTS = ("cost_usd", "latency_s")


@dataclass(frozen=True, slots=True)
class Provider:
    """Who answers for a model."""

    opener: str  # "module:function", from an Access to a Client
    scale: type[Scale] | None = None  # of a server: the templates' scale that it is asked with; None: any other
    is_local: bool = False  # it answers in this process
    is_foreign: bool = False  # its code is not ours
    needs_url: bool | None = None  # True: an address; False: none; None: it may have one
    has_prefix: bool = True  # its models are called NAME:MODEL, and asked for as MODEL
    takes_images: bool = True  # it sends them, whether or not its model sees
    transport: str | None = None  # "module:class" of its Transport, where it has files and batches

    @property
    def is_script(self) -> bool:
        """Whether a function answers, which nobody needs to try."""
        return self.opener.startswith(f"{_CLIENTS}.scripted:")

    def name_of(self, model: str) -> str:
        """What it calls a model that the user named so."""
        return model.partition(":")[2] if self.has_prefix else model

    def open(self, access: Access) -> Client:
        """Raises InputError where a foreign provider cannot be opened, and what ours raises."""
        try:
            client: Client = resolve_name(self.opener)(access)
        except JudgeBenchError:
            raise
        except _THROWN as error:
            if not self.is_foreign:
                raise
            raise InputError(f"judge provider {self.opener} cannot be opened: {_reason(error)}") from error
        return client

    def open_transport(self, access: Access, timeouts: "Timeouts") -> "Transport":
        """The way to its files and batches. Raises InputError where it has none."""
        if self.transport is None:
            raise InputError(f"{access.model} has a provider without batches")
        transport: Transport = resolve_name(self.transport)(access, timeouts)
        return transport


_CLIENTS = "judgebench.clients"
_AT_HAND = ("embedded", "scripted")
_ALWAYS = {True: frozenset[str](), False: frozenset({"system_role"})}  # of a connection, without an address
PROVIDERS: Mapping[str, Provider] = {
    "embedded": Provider(
        f"{_CLIENTS}.embedded.client:EmbeddedClient.open", is_local=True, needs_url=False, takes_images=False
    ),
    "scripted": Provider(f"{_CLIENTS}.scripted:ScriptedClient.open", is_local=True, needs_url=False),
    "python": Provider(f"{_CLIENTS}.scripted:open_python", is_local=True, is_foreign=True, needs_url=False),
    "vllm": Provider(f"{_CLIENTS}.vllm:open_served", needs_url=False),
    "vllm-reward": Provider(f"{_CLIENTS}.vllm:open_served_reward", RewardScale, needs_url=False),
    "vllm-offline": Provider(f"{_CLIENTS}.vllm_offline:open_offline", is_local=True, needs_url=False),
    "reward": Provider(f"{_CLIENTS}.likelihood:RewardClient", RewardScale, needs_url=True, has_prefix=False),
    "likelihood": Provider(
        f"{_CLIENTS}.likelihood:LikelihoodClient", LikelihoodScale, needs_url=True, has_prefix=False
    ),
    "openai-sdk": Provider(
        f"{_CLIENTS}.openai_sdk:open_sdk", needs_url=True, transport=f"{_CLIENTS}.openai_sdk:SdkTransport"
    ),
    "azure": Provider(
        f"{_CLIENTS}.openai_sdk:open_azure", needs_url=True, transport=f"{_CLIENTS}.openai_sdk:AzureTransport"
    ),
    "any-llm": Provider(f"{_CLIENTS}.any_llm:open_any_llm"),
    "responses": Provider(f"{_CLIENTS}.openai_sdk:open_responses", needs_url=True),
    "openai": Provider(
        f"{_CLIENTS}.openai:OpenAIClient", needs_url=True, has_prefix=False, transport=f"{_CLIENTS}.http:Transport"
    ),
}


def provider_of(served: Served, scale: Scale | None) -> Provider:
    """Who answers for ``served``; ``scale`` is that of a judge's template.

    Raises InputError where it has an address and needs none, or the reverse, and as ``installed`` does.
    """
    name, colon, model = served.model.partition(":")
    ours = PROVIDERS.get(name)
    provider = ours if ours is not None and ours.has_prefix and (colon or ours.is_local) else None
    provider = provider or (installed(name) if colon else None)
    if provider is None:
        if served.url is None:
            raise InputError(_without_address(served, _other_provider(name, colon)))
        return _by_scale(("reward", "likelihood"), scale, "openai")
    if colon and not model:
        raise InputError(f"{served.role} {served.model!r} names no model of its provider: give {name}:MODEL")
    where = "runs in this process" if provider.is_local else "is started for the run"
    if provider.needs_url is False and served.url is not None:
        raise InputError(f"{served.role} {served.model!r} {where} and has no address: leave the url out")
    if provider.needs_url is False and (fields := served.connection.stored().keys() - _ALWAYS[provider.is_local]):
        raise InputError(f"{served.role} {served.model!r} {where} and has no connection: leave {min(fields)} out")
    if provider.needs_url and served.url is None:
        raise InputError(_without_address(served))
    return _by_scale(("vllm-reward",), scale, name) if name == "vllm" else provider


def _by_scale(names: Sequence[str], scale: Scale | None, otherwise: str) -> Provider:
    """That of these which is asked with a scale, else the other."""
    return next(
        (PROVIDERS[name] for name in names if isinstance(scale, PROVIDERS[name].scale or ())), PROVIDERS[otherwise]
    )


def _without_address(served: Served, more: str = "") -> str:
    hint = ", or name a judge that was added by 'judgebench judges add'" if served.role == "judge" else ""
    return f"{served.role} {served.model!r} needs an address: give {served.flag} (in a study file: url){hint}{more}"


def _other_provider(name: str, colon: str) -> str:
    """What else the name of a model without an address may have meant."""
    if colon:
        known = {row for row, provider in PROVIDERS.items() if provider.has_prefix and provider.scale is None}
        known |= entry_points(group=GROUP).names
        return f"; there is no installed provider {name!r} (known: {', '.join(sorted(known))})"
    from judgebench.clients.scripted import SCRIPTS

    return f"; or did you mean 'scripted:{name}'?" if name in SCRIPTS else ""


def is_local(model: str) -> bool:
    """Whether a model of this name runs in this process."""
    provider = PROVIDERS.get(model.partition(":")[0])
    return provider is not None and provider.is_local


def is_at_hand(model: str) -> bool:
    """Whether a model of this name runs in this process and loads nothing that its name says: no code, and no file."""
    return model.partition(":")[0] in _AT_HAND


def takes_url(model: str) -> bool:
    """Whether a model of this name may have an address."""
    name, colon, _ = model.partition(":")
    provider = PROVIDERS.get(name)
    return provider is None or provider.needs_url is not False or not (colon or provider.is_local)


def price_of(served: Served) -> Price | None:
    """As it was given; what runs in this process costs nothing, unless its code is a user's own."""
    provider = PROVIDERS.get(served.model.partition(":")[0])
    free = provider is not None and provider.is_local and not provider.is_foreign
    given = served.price or ("0,0" if free else None)
    return None if given is None else Price.parse(given)


def installed(name: str) -> Provider | None:
    """The provider of this name that another package brings. Raises InputError where the name is taken."""
    provider: Provider | None = None
    for point in entry_points(group=GROUP, name=name):
        other, provider = PROVIDERS.get(name) or provider, Provider(point.value, is_foreign=True)
        if other is not None and other != provider:
            raise InputError(
                f"an installed package brings a judge provider {name!r} ({point.value}), which is the name of "
                f"another ({other.opener}): uninstall it, or rename its entry point"
            )
    return provider


class GuardedClient:
    """A client of somebody else's code: what it raises by mistake is a failed question, not the end of a run."""

    def __init__(self, client: Client) -> None:
        if not (hasattr(client, "complete") and hasattr(client, "close")):
            raise InputError(f"{type(client).__name__} is no client of a judge: it lacks complete or close")
        self._client = client
        self._calls = 0

    @property
    def calls(self) -> int:
        """Requests by the client's own count where it has a usable one."""
        try:
            calls = cast(Counted, self._client).calls
        except _THROWN:
            return self._calls
        return calls if type(calls) is int and calls >= 0 else self._calls

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """Raises JudgeError for whatever went wrong."""
        self._calls += 1
        try:
            return _sound(await self._client.complete(prompt, settings))
        except JudgeBenchError:
            raise
        except _THROWN as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # somebody cancelled the question
            raise JudgeError(_reason(error)) from error

    async def close(self) -> None:
        """What goes wrong here is a warning: every answer is stored by now."""
        try:
            await self._client.close()
        except _THROWN as error:
            warnings.warn(f"the judge's client could not be closed: {_reason(error)}", RuntimeWarning, stacklevel=2)


def _sound(reply: Any) -> Completion:
    """The reply with its texts cleaned, where every store can hold it. Raises JudgeError where none could."""
    if not isinstance(reply, Completion):
        raise JudgeError(f"the client returned {type(reply).__name__}, not a Completion")
    fields = {name: getattr(reply, name) for name in _TEXTS + _COUNTS + _AMOUNTS}
    for name, value in fields.items():
        if value is None and name != "text":
            continue
        if name in _TEXTS:
            is_sound = isinstance(value, str)
        elif name in _COUNTS:
            is_sound = type(value) is int and 0 <= value < 2**31
        else:
            is_sound = isinstance(value, int | float) and 0 <= value < math.inf
        if not is_sound:
            raise JudgeError(f"the client returned a Completion with {name} {str(value)[:40]!r}")
        fields[name] = clean_text(value) if name in _TEXTS else value
    logprobs = (
        None
        if reply.logprobs is None
        else tuple(sound_token(token.token, token.logprob, token.top) for token in reply.logprobs)
    )
    return replace(reply, **fields, logprobs=logprobs)


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"

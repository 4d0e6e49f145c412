"""Judge providers: who answers for a model. Each is a row here, or an entry point of an installed package.

``NAME`` and ``NAME:MODEL`` are models of the provider NAME; any other name is an OpenAI-compatible server's own. An
entry point of the group ``judgebench.providers`` bears the provider's name and points at a function that takes an
Access and returns a Client. It is loaded when one of its models is opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any

from judgebench.clients.base import Access, Client, Counted
from judgebench.errors import InputError, JudgeBenchError, JudgeError
from judgebench.judging.templates import LikelihoodScale, RewardScale, Scale
from judgebench.records import Completion, Prompt
from judgebench.spec import Served

GROUP = "judgebench.providers"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who answers for a model."""

    opener: str  # "module:function", from an Access to a Client
    scale: type[Scale] | None = None  # of a server: the templates' scale that it is asked with; None: any other
    is_local: bool = False  # it answers in this process, and has no address
    is_foreign: bool = False  # its code is not ours

    def open(self, access: Access) -> Client:
        """Raises InputError where a foreign provider cannot be opened, and what ours raises."""
        try:
            client: Client = resolve_name(self.opener)(access)
        except JudgeBenchError:
            raise
        except Exception as error:
            if not self.is_foreign:
                raise
            raise InputError(f"judge provider {self.opener} cannot be opened: {_reason(error)}") from error
        return client


PROVIDERS: Mapping[str, Provider] = {
    "embedded": Provider("judgebench.clients.embedded.client:EmbeddedClient.open", is_local=True),
    "scripted": Provider("judgebench.clients.scripted:ScriptedClient.open", is_local=True),
    "python": Provider("judgebench.clients.scripted:open_python", is_local=True, is_foreign=True),
    "reward": Provider("judgebench.clients.likelihood:RewardClient", RewardScale),
    "likelihood": Provider("judgebench.clients.likelihood:LikelihoodClient", LikelihoodScale),
    "openai": Provider("judgebench.clients.openai:OpenAIClient"),
}


def provider_of(served: Served, scale: Scale | None) -> Provider:
    """Who answers for ``served``; ``scale`` is that of a judge's template.

    Raises InputError where it has an address and needs none, or the reverse, and as ``installed`` does.
    """
    name, colon, _ = served.model.partition(":")
    provider = PROVIDERS.get(name)
    if provider is not None and provider.is_local:
        if served.url is not None:
            raise InputError(
                f"{served.role} {served.model!r} runs in this process and has no address: leave the url out"
            )
        return provider
    provider = installed().get(name) if colon else None
    if provider is not None:
        return provider
    if served.url is None:
        hint = ", or name a judge that was added by 'judgebench judges add'" if served.role == "judge" else ""
        raise InputError(
            f"{served.role} {served.model!r} needs an address: give {served.flag} (in a study file: url){hint}"
        )
    servers = (provider for provider in PROVIDERS.values() if provider.scale is not None)
    return next((provider for provider in servers if isinstance(scale, provider.scale or ())), PROVIDERS["openai"])


def is_local(model: str) -> bool:
    """Whether a model of this name runs in this process."""
    provider = PROVIDERS.get(model.partition(":")[0])
    return provider is not None and provider.is_local


def installed() -> dict[str, Provider]:
    """The providers that other packages bring, by name. Raises InputError where a name is taken."""
    providers: dict[str, Provider] = {}
    for point in entry_points(group=GROUP):
        provider = Provider(point.value, is_foreign=True)
        other = PROVIDERS.get(point.name) or providers.get(point.name, provider)
        if other != provider:
            raise InputError(
                f"an installed package brings a judge provider {point.name!r} ({point.value}), which is the name of "
                f"another ({other.opener}): uninstall it, or rename its entry point"
            )
        providers[point.name] = provider
    return providers


class GuardedClient:
    """A client of somebody else's code: what it raises by mistake is a failed question, not the end of a run."""

    def __init__(self, client: Client) -> None:
        if not (hasattr(client, "complete") and hasattr(client, "close")):
            raise InputError(f"{type(client).__name__} is no client of a judge: it lacks complete or close")
        self._client = client
        self._calls = 0

    @property
    def calls(self) -> int:
        return self._client.calls if isinstance(self._client, Counted) else self._calls

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """Raises JudgeError for whatever went wrong."""
        self._calls += 1
        try:
            return await self._client.complete(prompt, settings)
        except JudgeBenchError:
            raise
        except Exception as error:
            raise JudgeError(_reason(error)) from error

    async def close(self) -> None:
        await self._client.close()


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

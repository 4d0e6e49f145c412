"""From a judge's specification to a judge that can be asked. Secrets are read here, by name, and go no further.

A judge is resolved once a run, when its template is read and its provider found; what was resolved is passed on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from judgebench.audits.defences import SETTING
from judgebench.clients.base import Access, Client, Counted, Price, Server
from judgebench.clients.defences import DefendedClient
from judgebench.clients.providers import GuardedClient, Provider, provider_of
from judgebench.clients.retry import RetryingClient, Throttle
from judgebench.clients.scripted import Ask, FunctionClient
from judgebench.errors import InputError
from judgebench.judging.templates import Template
from judgebench.records import Judge, check_name
from judgebench.spec import JudgeSpec, Served, load_template, make_judge


@dataclass(frozen=True, slots=True)
class ResolvedJudge:
    """A judge before it is asked: who it is, with which template, and by whom it is answered."""

    judge: Judge
    template: Template
    spec: JudgeSpec
    provider: Provider
    client: Client | None = None  # of a user's own judge; None: the provider opens one


@dataclass(slots=True)
class OpenModel:
    """Whoever answers for a judge, or for a model under evaluation. Close the client when done."""

    client: Client
    server: Server | None = None  # what ``client`` asks, where it asks a server
    _free: int = 0  # requests that were no questions

    @property
    def questions(self) -> int:
        """Requests sent so far that ask something."""
        return self.client.calls - self._free if isinstance(self.client, Counted) else 0

    async def check(self) -> None:
        """Raises JudgeError when the server cannot be reached or refuses the key; costs no tokens."""
        if self.server is not None:
            await self.server.check()
            self._free = self.questions


def resolve(judge: JudgeSpec | ResolvedJudge) -> ResolvedJudge:
    """Read the judge's template and find its provider, without reaching for it. Raises InputError."""
    if isinstance(judge, ResolvedJudge):
        return judge
    template = load_template(judge.template_id)
    provider = provider_of(judge, template.scale)
    named = judge.model if judge.template is None else f"{judge.model}@{template.name}.v{template.version}"
    settings = {**template.settings, **judge.settings}
    identity = Judge(judge.name or named, judge.model, template.id, template.digest, settings)
    return ResolvedJudge(identity, template, judge, provider)


def template_of(judge: Judge, template: str | None = None) -> Template:
    """The template that a stored judge was asked with; ``template`` as it was named then, which may be a user's file.

    Raises InputError where it is not what it was.
    """
    loaded = load_template(template if template is not None and template.endswith(".md") else judge.template)
    if loaded.digest != judge.template_digest:
        raise InputError(
            f"template {judge.template} has changed since judge {judge.name!r} was asked with it: bring it back, or "
            "give the judge with the changed template another name"
        )
    return loaded


def own_judge(judge: Client | Ask, *, name: str, version: str, template: str | None = None) -> ResolvedJudge:
    """A user's own judge: a Client, or a function from a prompt's messages to the reply, async or not.

    Its name and version are its identity: whoever changes what it says gives another version. Raises InputError.
    """
    check_name("judge", name)
    check_name("version", version)
    spec = make_judge({"model": f"python:{name}@{version}", "name": name, "template": template}, where=f"judge {name}")
    client = cast(Client, judge) if hasattr(judge, "complete") else FunctionClient(judge)
    return replace(resolve(spec), client=client)


def open_judge(judge: ResolvedJudge, environment: Mapping[str, str], *, concurrency: int) -> OpenModel:
    """The judge, behind the defence that its settings name, if any.

    Raises InputError on an unusable specification, and MissingExtra where the embedded judge is not installed.
    """
    opened = open_model(judge.spec, judge.provider, environment, concurrency=concurrency, client=judge.client)
    defence = judge.judge.settings.get(SETTING)
    return opened if defence is None else replace(opened, client=DefendedClient(opened.client, str(defence)))


def open_model(
    served: Served,
    provider: Provider,
    environment: Mapping[str, str],
    *,
    concurrency: int,
    client: Client | None = None,
) -> OpenModel:
    """Whoever answers for ``served``; ``client`` where a user gave one. Raises as ``open_judge``."""
    if client is None:
        model = served.model.partition(":")[2] if provider.is_local or provider.is_foreign else served.model
        price = None if served.price is None else Price.parse(served.price)
        client = provider.open(Access(model, served.url, key_of(served, environment), price))
    server = client if isinstance(client, Server) else None
    if provider.is_foreign:
        client = GuardedClient(client)
    return OpenModel(client if provider.is_local else RetryingClient(client, throttle=Throttle(concurrency)), server)


def key_of(spec: Served, environment: Mapping[str, str]) -> str | None:
    """The value of the variable that ``spec`` names. Raises InputError where it is not set."""
    if spec.key_env is None:
        return None
    key = environment.get(spec.key_env)
    if not key:
        raise InputError(f"the environment variable {spec.key_env} is not set: put the {spec.role}'s key there")
    return key

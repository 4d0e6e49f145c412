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
class ResolvedModel:
    """An LLM before it is asked, and who answers for it."""

    spec: Served
    provider: Provider
    client: Client | None = None  # a user's own; None: the provider opens one


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedJudge(ResolvedModel):
    """A judge before it is asked, with the template that is read once a run."""

    spec: JudgeSpec
    judge: Judge
    template: Template


@dataclass(slots=True)
class OpenModel:
    """Whoever answers for a judge, or for a model under evaluation. Close it when done."""

    client: Client
    server: Server | None = None  # what ``client`` asks, where it asks a server
    free: int = 0  # requests that were no questions of this run
    lent: bool = False  # a user's own, who closes it

    @property
    def questions(self) -> int:
        """Requests sent so far that ask something."""
        counted = self.server if isinstance(self.server, Counted) else self.client
        return counted.calls - self.free if isinstance(counted, Counted) else 0

    async def check(self) -> None:
        """Raises JudgeError when the server cannot be reached or refuses the key; costs no tokens."""
        if self.server is not None:
            await self.server.check()
            self.free += self.questions

    async def close(self) -> None:
        """Give back what was opened for this run."""
        if not self.lent:
            await self.client.close()


def resolve(judge: JudgeSpec | ResolvedJudge) -> ResolvedJudge:
    """Read the judge's template and find its provider, without reaching for it. Raises InputError."""
    if isinstance(judge, ResolvedJudge):
        return judge
    usual = "pairwise/likelihood" if judge.model == "embedded" else "pairwise/two-way"
    template = load_template(judge.template or usual)
    provider = provider_of(judge, template.scale)
    named = judge.model if judge.template is None else f"{judge.model}@{template.name}.v{template.version}"
    settings = {**template.settings, **judge.settings}
    identity = Judge(judge.name or named, judge.model, template.id, template.digest, settings)
    return ResolvedJudge(spec=judge, provider=provider, judge=identity, template=template)


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


def open_model(model: ResolvedModel, environment: Mapping[str, str], *, concurrency: int) -> OpenModel:
    """Whoever answers, behind the defence that the settings name, if any.

    Raises InputError on an unusable specification, and MissingExtra where the embedded judge is not installed.
    """
    spec, provider, client = model.spec, model.provider, model.client
    if client is None:
        name = spec.model.partition(":")[2] if provider.is_local or provider.is_foreign else spec.model
        key = None if spec.key_env is None else key_of(spec, environment)
        price = None if spec.price is None else Price.parse(spec.price)
        client = provider.open(Access(name, spec.url, key, price))
    server = client if isinstance(client, Server) else None
    if provider.is_foreign:
        client = GuardedClient(client)
    if not provider.is_local:
        client = RetryingClient(client, throttle=Throttle(concurrency))
    if SETTING in spec.settings:
        client = DefendedClient(client, str(spec.settings[SETTING]))
    opened = OpenModel(client, server, lent=model.client is not None and not isinstance(model.client, FunctionClient))
    opened.free = opened.questions  # of a user's client that was asked before
    return opened


def key_of(spec: Served, environment: Mapping[str, str]) -> str:
    """The value of the variable that ``spec`` names. Raises InputError where it is not set."""
    key = environment.get(spec.key_env or "")
    if not key:
        raise InputError(f"the environment variable {spec.key_env} is not set: put the {spec.role}'s key there")
    return key

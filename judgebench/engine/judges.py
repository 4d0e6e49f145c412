"""From a judge's specification to a judge that can be asked. Secrets are read here, by name, and go no further.

A judge is resolved once a run, when its template is read and its provider found; what was resolved is passed on.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from judgebench import store
from judgebench.audits.defences import SETTING
from judgebench.clients.base import Access, Client, Counted, Price, Server
from judgebench.clients.capped import CappedClient
from judgebench.clients.defences import DefendedClient
from judgebench.clients.providers import GuardedClient, Provider, is_local, provider_of
from judgebench.clients.retry import RetryingClient, Throttle
from judgebench.clients.scripted import Ask, FunctionClient
from judgebench.errors import InputError
from judgebench.judging.templates import Template
from judgebench.records import Judge, check_name
from judgebench.spec import JudgeSpec, Served, load_template, make
from judgebench.store.database import Connection, Database

NO_ADDRESS = "http://127.0.0.1:8000/v1"  # of a judge that only ever reads files, as vllm run-batch does


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
    spec = make(
        JudgeSpec, {"model": f"python:{name}@{version}", "name": name, "template": template}, where=f"judge {name}"
    )
    client = cast(Client, judge) if hasattr(judge, "complete") else FunctionClient(judge)
    return replace(resolve(spec), client=client)


def open_model(
    model: ResolvedModel, environment: Mapping[str, str], *, concurrency: int, max_calls: int | None = None
) -> OpenModel:
    """Whoever answers, behind the defence that the settings name, if any; asked ``max_calls`` times at most.

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
    if max_calls is not None:
        client = CappedClient(client, max_calls)
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


@dataclass(frozen=True, slots=True)
class KnownJudge:
    """A stored judge, and how it is asked where that is known: as it was added, or else as it was asked last."""

    judge: Judge
    spec: JudgeSpec | None  # None: only imported


def known_judges(database: Database) -> list[KnownJudge]:
    """Every stored judge, by name."""
    with database.read() as connection:
        return [_known(connection, judge) for judge in store.judges.judges(connection)]


def known_judge(database: Database, name: str) -> KnownJudge:
    """Raises UnknownName, and InputError when the judge's template has changed since."""
    with database.read() as connection:
        known = _known(connection, store.judges.judge(connection, name))
    if known.spec is not None:
        template_of(known.judge, known.spec.template)
    return known


def find_judge(
    database: Database, fields: Mapping[str, Any], *, where: str = "flags", otherwise: str | None = None
) -> JudgeSpec:
    """The judge that these fields of JudgeSpec describe, each None where nothing was said.

    Without an address, ``model`` may be the name of a judge that was added or ran before: it is that judge then, with
    what the other fields say otherwise, setting by setting. By another template it is another judge, and its name is
    made anew. ``otherwise`` is the address of one that has none. Raises InputError, naming ``where``.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    name = given.get("model")
    if name is not None and "url" not in given:
        with database.read() as connection:
            is_known = name in (judge.name for judge in store.judges.judges(connection))
        known = known_judge(database, name) if is_known else None
        if known is not None and known.spec is not None:
            given = _overlaid(known, known.spec, given)
        if otherwise is not None and "url" not in given and not is_local(given["model"]):
            given["url"] = otherwise
    return make(JudgeSpec, given, where=where)


def _overlaid(known: KnownJudge, spec: JudgeSpec, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a known judge with those given laid over them."""
    fields = spec.model_dump(exclude_none=True)
    if "template" in given and load_template(given["template"]).digest != known.judge.template_digest:
        usual = template_of(known.judge, spec.template).settings
        fields["settings"] = {name: value for name, value in spec.settings.items() if usual.get(name) != value}
        del fields["name"]
    if isinstance(given.get("settings"), Mapping):
        given = given | {"settings": {**fields["settings"], **given["settings"]}}
    return fields | given | {"model": spec.model}


def _answers_here(judge: Judge) -> bool:
    """Whether an imported judge can be asked in this process, by the template that it was asked with."""
    try:
        return is_local(judge.model) and bool(template_of(judge))
    except InputError:
        return False


def _known(connection: Connection, judge: Judge) -> KnownJudge:
    address = store.judges.addresses(connection).get(judge.name)
    if address is not None:
        fields = asdict(address)
    else:
        kind, study = store.runs.last_specification(connection, judge.name) or ("", {"judge": {}})
        fields = dict(study["judge"])
        if not fields or (kind == "batch" and fields.get("url") == NO_ADDRESS):
            if not _answers_here(judge):
                return KnownJudge(judge, None)
            fields = {}
    if not (fields.get("template") or "").endswith(".md"):
        fields["template"] = judge.template  # this version, whatever is the newest
    fields |= {"name": judge.name, "model": judge.model, "settings": judge.settings}
    return KnownJudge(judge, make(JudgeSpec, fields, where=f"judge {judge.name}"))

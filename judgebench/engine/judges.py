"""From a judge's specification to a judge that can be asked. Secrets are read here, by name, and go no further.

A judge is resolved once a run, when its template is read and its provider found; what was resolved is passed on.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, cast

from judgebench import store
from judgebench.audits.defences import SETTING, VERDICT_NONCE
from judgebench.clients.base import Access, Client, Counted, Price, Server
from judgebench.clients.capped import Cap
from judgebench.clients.defences import DefendedClient
from judgebench.clients.pool import Followed, Pool, PoolByTurns
from judgebench.clients.providers import GuardedClient, Provider, is_at_hand, provider_of, takes_url
from judgebench.clients.ray_cluster import open_workers
from judgebench.clients.retry import RetryingClient, RetryPolicy, Throttle
from judgebench.clients.scripted import Ask, FunctionClient
from judgebench.errors import InputError, RememberedAddress
from judgebench.judging.nonces import check_form
from judgebench.judging.pictures import DEFAULTS, image_rules
from judgebench.judging.templates import Template
from judgebench.records import IMAGE_SETTINGS, TAXONOMY, VARIANT, Judge, check_name
from judgebench.spec import JudgeSpec, Served, ServerConnection, load_template, make
from judgebench.spec.addresses import AddressFile, place_of
from judgebench.spec.connection import laid_over
from judgebench.spec.remembered import Programs, check_sent, sent_unasked, without_programs
from judgebench.spec.taxonomies import setting_of, with_taxonomy
from judgebench.spec.workers import RayWorkers
from judgebench.store.database import Connection, Database

_RESTARTED = RetryPolicy(attempts=12)  # for a minute and more, in which workers and nodes are started again
_COMPUTING = replace(_RESTARTED, deadline_s=1e7)  # a judge that computes has questions waiting
OWN = "python:"  # how the models of judges begin that are a user's own functions
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
    known: frozenset[str] = frozenset()  # by which names, as the user gave them

    @property
    def names(self) -> frozenset[str]:
        """By which its replies may call it: as the user named it, and as it is asked."""
        return self.known | ({str(getattr(self.server, "model", ""))} - {""})

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
    judge.check_size()
    template = _template(judge)
    provider = provider_of(judge, template.scale)
    settings = _settings(template, judge, provider)
    if TAXONOMY in settings and (listing := template.reply.listing) and listing.taxonomy:
        settings[TAXONOMY] = setting_of(listing.taxonomy)
    if settings.get(SETTING) == VERDICT_NONCE:
        check_form(template, settings)
    identity = Judge(_name(judge, template), judge.model, template.id, template.digest, settings)
    return ResolvedJudge(spec=judge, provider=provider, judge=identity, template=template)


def _template(judge: JudgeSpec) -> Template:
    usual = "pairwise/likelihood" if judge.model == "embedded" else "pairwise/two-way"
    return _with_settings(load_template(judge.template or usual), judge.settings)


def _name(judge: JudgeSpec, template: Template) -> str:
    """As it was given, or made of model and template."""
    base = str(judge.settings.get(VARIANT, judge.model))
    return judge.name or (base if judge.template is None else f"{base}@{template.name}.v{template.version}")


def _settings(template: Template, judge: JudgeSpec, provider: Provider) -> dict[str, Any]:
    """The judge's settings, with all that says how it is shown images. Raises InputError where it cannot be."""
    given = {**template.settings, **judge.settings}
    if not template.shows_images:
        if more := sorted(IMAGE_SETTINGS & given.keys()):
            raise InputError(f"setting {more[0]} is for templates that show images, and {template.id} shows none")
        return given
    if not provider.takes_images:
        raise InputError(
            f"judge {judge.model!r} reads texts and sees no images, which template {template.id} shows: choose another "
            "template, such as pairwise/three-way or pointwise/mt-bench, or a judge that sees"
        )
    if SETTING in given:
        raise InputError(f"template {template.id} shows images, which no defence reads: leave {SETTING} out")
    image_rules(given)
    return {**DEFAULTS, **given}


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
    return _with_settings(loaded, judge.settings)


def _with_settings(template: Template, settings: Mapping[str, Any]) -> Template:
    """The template as a judge with these settings uses it. Raises InputError for a taxonomy that is none."""
    return with_taxonomy(template, settings[TAXONOMY]) if TAXONOMY in settings else template


def own_judge(judge: Client | Ask, *, name: str, version: str, template: str | None = None) -> ResolvedJudge:
    """A user's own judge: a Client, or a function from a prompt's messages to the reply, async or not.

    Its name and version are its identity: whoever changes what it says gives another version. Raises InputError.
    """
    check_name("judge", name)
    check_name("version", version)
    spec = make(
        JudgeSpec, {"model": f"{OWN}{name}@{version}", "name": name, "template": template}, where=f"judge {name}"
    )
    client = cast(Client, judge) if hasattr(judge, "complete") else FunctionClient(judge)
    return replace(resolve(spec), client=client)


def open_model(
    model: ResolvedModel, environment: Mapping[str, str], *, concurrency: int, max_calls: int | None = None
) -> OpenModel:
    """Whoever answers, behind the defence that the settings name, if any; asked ``max_calls`` times at most. Several
    addresses are asked side by side.

    Raises InputError on an unusable specification, and MissingExtra where the embedded judge is not installed.
    """
    spec, provider = model.spec, model.provider
    cap = None if max_calls is None else Cap(max_calls)

    def around(client: Client) -> Client:
        guarded = GuardedClient(client) if provider.is_foreign else client
        return guarded if cap is None else cap.around(guarded)

    client: Client
    server: Server | None
    if spec.ray is not None:
        client = server = _workers(spec.ray, spec, provider, concurrency, around)
    elif model.client is None and (len(spec.urls) > 1 or isinstance(spec.url, AddressFile)):
        client = server = _pool(model, environment, concurrency, around)
    else:
        single = model.client or provider.open(access_of(spec, environment, provider.name_of(spec.model)))
        client, server = around(single), single if isinstance(single, Server) else None
    if spec.ray is not None:
        policy = _COMPUTING if provider.is_local else _RESTARTED
        client = RetryingClient(client, policy, throttle=Throttle(concurrency))
    elif not provider.is_local:
        client = RetryingClient(client, throttle=Throttle(concurrency))
    if SETTING in spec.settings:
        template = model.template if isinstance(model, ResolvedJudge) else None
        client = DefendedClient(client, str(spec.settings[SETTING]), template)
    opened = OpenModel(
        client,
        server,
        lent=model.client is not None and not isinstance(model.client, FunctionClient),
        known=frozenset({spec.model, spec.model.partition(":")[2]}),
    )
    opened.free = opened.questions  # of a user's client that was asked before
    return opened


def _pool(
    model: ResolvedModel, environment: Mapping[str, str], concurrency: int, around: Callable[[Client], Client]
) -> Pool:
    """Its provider's clients, one for each address, and those for addresses that come to stand in its file."""
    spec, provider = model.spec, model.provider
    access = access_of(spec, environment, provider.name_of(spec.model))

    def opened(url: str) -> Client:
        return provider.open(replace(access, url=url))

    file = spec.url if isinstance(spec.url, AddressFile) else None
    followed = None if file is None else Followed(str(file.path), file.read_again, opened)
    return Pool({url: opened(url) for url in spec.urls}, concurrency, through=around, followed=followed)


def _workers(
    workers: RayWorkers, spec: Served, provider: Provider, concurrency: int, around: Callable[[Client], Client]
) -> Pool:
    """Clients of its workers. Raises InputError."""
    if isinstance(spec.url, AddressFile):
        raise InputError("workers of Ray keep their addresses: give them one by one, and no file that is read again")
    there = spec.model_copy(update={"ray": None})
    openers = {url or "": partial(_opened_there, there, provider, url) for url in spec.urls or (None,)}
    clients = open_workers(workers, openers, is_foreign=provider.is_foreign, concurrency=concurrency)
    pool = PoolByTurns if provider.is_local else Pool
    return pool(clients, concurrency, through=around)


def _opened_there(spec: Served, provider: Provider, url: str | None, environment: Mapping[str, str]) -> Client:
    """A worker's client, by the variables of its own process. Raises InputError where one is not set there."""
    for variable in (spec.key_env, *spec.connection.variables):
        if variable is not None and not environment.get(variable):
            raise InputError(
                f"the environment variable {variable} is not set in Ray's workers: set it on every node before "
                "'ray start', whose processes have what is set then"
            )
    return provider.open(replace(access_of(spec, environment, provider.name_of(spec.model)), url=url))


def access_of(spec: Served, environment: Mapping[str, str], name: str | None = None) -> Access:
    """What a client of ``spec`` needs, with the values of the variables that it names, and its first address; ``name``:
    without its provider.

    Raises InputError where a variable is not set, or the price is none.
    """
    for variable in (spec.key_env, *spec.connection.variables):
        if variable is not None and not environment.get(variable):
            held = "key" if variable == spec.key_env else "server's secrets"
            raise InputError(f"the environment variable {variable} is not set: put the {spec.role}'s {held} there")
    return Access(
        model=spec.model if name is None else name,
        url=next(iter(spec.urls), None),
        api_key=None if spec.key_env is None else environment[spec.key_env],
        price=None if spec.price is None else Price.parse(spec.price),
        connection=spec.connection,
        secrets={variable: environment[variable] for variable in spec.connection.variables},
        vllm=spec.vllm or "",
    )


@dataclass(frozen=True, slots=True)
class KnownJudge:
    """A stored judge, and how it is asked where that is known: as it was added, or else as it was asked last."""

    judge: Judge
    spec: JudgeSpec | None  # without what would run a program; None: only imported
    programs: Programs = field(default_factory=Programs)  # which it would run, if whoever asks agreed

    @property
    def connection(self) -> dict[str, Any]:
        """All that is remembered of it, as plain values of JSON."""
        command = list(self.programs.token_command)
        return ({"token_command": command} if command else {}) | (self.spec.connection.stored() if self.spec else {})

    @property
    def vllm(self) -> str | None:
        """All flags that are remembered."""
        return self.programs.vllm or (self.spec.vllm if self.spec else None)


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
    database: Database,
    fields: Mapping[str, Any],
    *,
    where: str = "flags",
    otherwise: str | None = None,
    is_name: bool = False,
) -> JudgeSpec:
    """The judge that these fields of JudgeSpec describe, each None where nothing was said.

    ``model`` may be the name of a judge that was added or ran before: it is that judge then, with what the other fields
    say otherwise, setting by setting. With an address it is one only where its name is not its model's, and its key
    goes to no other address. By another template it is another judge, and its name is made anew. However it is
    described, the price that is stored with it holds until another is given. ``otherwise`` is the address of one that
    has none. ``is_name``: ``model`` names a known judge, whatever else is said. Raises
    InputError, naming ``where``.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    name = given.get("model")
    if isinstance(name, str):  # of anything else ``make`` says that it is none
        with database.read() as connection:
            known_here = {judge.name: judge for judge in store.judges.judges(connection)}
        stored = known_here.get(name)
        is_alias = stored is not None and stored.model != name and "name" not in given
        is_meant = stored is not None and (is_name or given.get("url") is None or is_alias)
        known = known_judge(database, name) if is_meant else None
        if known is not None and known.spec is not None:
            remembered = _without_server(known.spec, given)
            if remembered is known.spec:
                known.programs.check_agreed(given, known.judge.name)
            spec = make(JudgeSpec, _overlaid(known, remembered, given), where=where)
            tell_sent(spec, given)
            return spec
        if otherwise is not None and given.get("url") is None and takes_url(name):
            given["url"] = otherwise
        return _priced(database, make(JudgeSpec, given, where=where), known_here)
    return make(JudgeSpec, given, where=where)


def _priced(database: Database, spec: JudgeSpec, known: Mapping[str, Judge]) -> JudgeSpec:
    """With the price that is stored with the judge of its name, where none was given."""
    if spec.price is not None or spec.model not in {judge.model for judge in known.values()}:
        return spec
    stored = known.get(_name(spec, _template(spec)))
    if stored is None or stored.model != spec.model:
        return spec
    with database.read() as connection:
        return spec.model_copy(update={"price": stored_price(connection, stored.name)})


def stored_price(connection: Connection, judge: str) -> str | None:
    """What the judge was said to cost last: where it was added, or else where it was asked; None: nobody said."""
    prices = (address.price for address in store.judges.addresses(connection).get(judge, ()))
    added = [price for price in prices if price is not None]
    return added[-1] if added else store.runs.last_price(connection, judge)


def _without_server(spec: JudgeSpec, given: Mapping[str, Any]) -> JudgeSpec:
    """What of a known judge holds at the address that is given, if any: its key is not sent to another, and a file may
    come to hold others."""
    url = given.get("url")
    urls = Served(model=spec.model, url=url).urls
    if not isinstance(url, AddressFile) and {place_of(url) for url in urls} <= {place_of(url) for url in spec.urls}:
        return spec
    return spec.model_copy(update={"key_env": None, "connection": ServerConnection()})


def tell_sent(remembered: Served, given: Mapping[str, Any]) -> None:
    """Warn of what is sent where only the database says, by RememberedAddress.

    Raises InputError where it is none that should be sent there.
    """
    check_sent(remembered, given)
    if sent := sent_unasked(remembered, given):
        warnings.warn(sent, RememberedAddress, stacklevel=3)


def _overlaid(known: KnownJudge, spec: JudgeSpec, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a known judge with those given laid over them."""
    fields = spec.model_dump(exclude_none=True) | {"connection": spec.connection}
    if "template" in given and load_template(given["template"]).digest != known.judge.template_digest:
        usual = {**DEFAULTS, **template_of(known.judge, spec.template).settings}
        own = {name: value for name, value in spec.settings.items() if usual.get(name) != value}
        fields["settings"] = {name: value for name, value in own.items() if name != TAXONOMY}
        del fields["name"]
    if isinstance(given.get("settings"), Mapping):
        given = given | {"settings": {**fields["settings"], **given["settings"]}}
    return laid_over(fields, given) | {"model": spec.model}


def _answers_here(judge: Judge) -> bool:
    """Whether an imported judge can be asked in this process, by the template that it was asked with: whoever wrote the
    file chose its model, which therefore is none that loads what its name says."""
    try:
        return is_at_hand(judge.model) and bool(template_of(judge))
    except InputError:
        return False


def _known(connection: Connection, judge: Judge) -> KnownJudge:
    addresses = store.judges.addresses(connection).get(judge.name)
    if addresses is not None:  # what else is needed to ask it is as it was said last
        fields = asdict(addresses[-1]) | {"url": [address.url for address in addresses if address.url is not None]}
    else:
        kind, study = store.runs.last_specification(connection, judge.name) or ("", {"judge": {}})
        fields = dict(study.get("judge", {}))
        if not fields or (kind == "batch" and fields.get("url") == NO_ADDRESS):
            if not _answers_here(judge):
                return KnownJudge(judge, None)
            fields = {}
    if not (fields.get("template") or "").endswith(".md"):
        fields["template"] = judge.template  # this version, whatever is the newest
    fields |= {"name": judge.name, "model": judge.model, "settings": judge.settings, "same_judge": False}
    fields["price"] = stored_price(connection, judge.name)
    return KnownJudge(judge, *without_programs(make(JudgeSpec, fields, where=f"judge {judge.name}")))

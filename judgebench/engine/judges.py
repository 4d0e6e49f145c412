"""From a judge's specification to a judge that can be asked. Secrets are read here, by name, and go no further."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from judgebench.audits.defences import SETTING
from judgebench.clients.base import Client, Counted, Price
from judgebench.clients.defences import DefendedClient
from judgebench.clients.openai import OpenAIClient
from judgebench.clients.retry import Throttle, retrying
from judgebench.clients.rewards import RewardClient
from judgebench.clients.scripted import ScriptedClient, script
from judgebench.errors import InputError
from judgebench.judging.scales import RewardScale
from judgebench.judging.templates import Template
from judgebench.records import Judge
from judgebench.spec import JudgeSpec, Served, load_template

_SCRIPTED = "scripted:"


@dataclass(slots=True)
class OpenJudge:
    """A judge, the text it is asked with, and whoever answers. Close the client when done."""

    judge: Judge
    template: Template
    client: Client
    server: OpenAIClient | None = None  # what ``client`` asks, where it asks a server
    _free: int = 0  # requests that were no questions

    @property
    def questions(self) -> int:
        """Requests sent so far that ask the judge something."""
        return self.client.calls - self._free if isinstance(self.client, Counted) else 0

    async def check(self) -> None:
        """Raises JudgeError when the server cannot be reached or refuses the key; costs no tokens."""
        if self.server is not None:
            await self.server.models()
            self._free += 1


def describe(spec: JudgeSpec) -> tuple[Judge, Template]:
    """The judge that ``spec`` stands for, without reaching for it. Raises InputError."""
    template = load_template(spec.template_id)
    settings = {**template.settings, **spec.settings}
    name = spec.name or (spec.model if spec.template is None else f"{spec.model}@{template.name}.v{template.version}")
    return Judge(name, spec.model, template.id, template.digest, settings), template


def open_judge(spec: JudgeSpec, environment: Mapping[str, str], *, concurrency: int) -> OpenJudge:
    """The judge, behind the defence that its settings name, if any.

    Raises InputError on an unusable specification, and MissingExtra where the embedded judge is not installed.
    """
    opened = _open(spec, environment, concurrency)
    defence = opened.judge.settings.get(SETTING)
    return opened if defence is None else replace(opened, client=DefendedClient(opened.client, str(defence)))


def _open(spec: JudgeSpec, environment: Mapping[str, str], concurrency: int) -> OpenJudge:
    judge, template = describe(spec)
    if not isinstance(template.scale, RewardScale) or spec.url is None:
        client, server = open_client(spec, environment, concurrency=concurrency)
        return OpenJudge(judge, template, client, server)
    price = None if spec.price is None else Price.parse(spec.price)
    rewards = RewardClient(spec.url, spec.model, api_key=key_of(spec, environment), price=price)
    return OpenJudge(judge, template, retrying(rewards, throttle=Throttle(concurrency)))


def open_client(
    served: Served, environment: Mapping[str, str], *, concurrency: int
) -> tuple[Client, OpenAIClient | None]:
    """Whoever answers for ``served``, and the server that is asked where there is one. Raises as ``open_judge``."""
    if served.model == "embedded":
        from judgebench.clients.embedded.client import EmbeddedClient

        return EmbeddedClient(), None
    if served.model.startswith(_SCRIPTED):
        return ScriptedClient(script(served.model.removeprefix(_SCRIPTED))), None
    price = None if served.price is None else Price.parse(served.price)
    server = OpenAIClient(served.url or "", served.model, api_key=key_of(served, environment), price=price)
    return retrying(server, throttle=Throttle(concurrency)), server


def key_of(spec: Served, environment: Mapping[str, str]) -> str | None:
    """The value of the variable that ``spec`` names. Raises InputError where it is not set."""
    if spec.key_env is None:
        return None
    key = environment.get(spec.key_env)
    if not key:
        raise InputError(f"the environment variable {spec.key_env} is not set: put the {spec.role}'s key there")
    return key

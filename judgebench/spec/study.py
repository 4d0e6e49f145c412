"""Designs: which outputs meet, and in which trials.

Everything is a generator over one instruction or battle, so a study of a million trials never sits in memory, and
everything is deterministic: the same arguments plan the same trials, which is what makes a run resumable. Which
trials are already answered is the store's business.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from judgebench.errors import InputError, UnknownName
from judgebench.records import Status
from judgebench.spec.addresses import Addresses, AddressFile, as_given
from judgebench.spec.connection import ServerConnection
from judgebench.spec.credentials import refuse_in_address, refuse_secrets, variable_name
from judgebench.spec.durations import Seconds
from judgebench.spec.serving import STARTED, VllmServing
from judgebench.spec.shards import Part
from judgebench.spec.workers import Workers

Orders = Literal["both", "random", "single"]
Redo = Literal["unparsed", "truncated", "refused"]
Design = Literal["fixed", "adaptive"]
_Spec = TypeVar("_Spec", bound=BaseModel)
_MAX_NAME = 200
_MOST_ROWS = 10**12
_MOST_FIELDS = 10_000  # of one mapping, with those that it merges
_MOST_YAML = 256 << 10  # characters of a file; each may become a kilobyte of nodes
_MOST_DESCRIBED = 100_000  # characters as JSON; a thousand addresses take 60,000, the longest taxonomy 30,000
# Every parameter that shapes an output is sent and stored: a server's own defaults are nobody's settings.
_SETTINGS = {"temperature": 0, "max_tokens": 2048}  # of a model under evaluation


class Served(BaseModel):
    """An LLM that can be asked, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)  # it may be a key
    role: ClassVar[str] = "model"  # as it and its address are called where they are wrong
    flag: ClassVar[str] = "--model-url"

    model: str = Field(min_length=1, max_length=_MAX_NAME)  # "embedded", "PROVIDER:NAME", or its server's name for it
    url: Addresses = None  # of its server, or of several, without /chat/completions; None: its provider needs none
    key_env: str | None = None  # name of the environment variable with the server's key
    settings: Mapping[str, Any] = Field(default_factory=dict)  # decoding settings
    price: str | None = None  # "PROMPT,COMPLETION" in USD per million tokens
    connection: ServerConnection = ServerConnection()  # what its server is sent besides, and the way to it
    vllm: str | None = None  # of a model "vllm:NAME": flags with which vLLM is started, as on a command line
    ray: Workers | None = Field(default=None, exclude=True)  # where it runs, which is never stored; None: here

    @property
    def urls(self) -> tuple[str, ...]:
        """Its addresses; of a file those that stood in it."""
        if isinstance(self.url, AddressFile):
            return self.url.urls
        return (self.url,) if isinstance(self.url, str) else self.url or ()

    @field_validator("url")
    @classmethod
    def _without_secret(cls, url: Any) -> Any:
        for address in (url,) if isinstance(url, str) else url if isinstance(url, tuple) else ():
            refuse_in_address(address)
        return url

    @field_validator("key_env")
    @classmethod
    def _names_a_variable(cls, name: str | None) -> str | None:
        return None if name is None else variable_name(name)

    @model_validator(mode="after")
    def _serves(self) -> "Served":
        provider, _, name = self.model.partition(":")
        if self.vllm is not None and provider not in STARTED:
            raise ValueError(f"vllm holds flags for a model 'vllm:NAME', and {self.model!r} is none")
        if provider in STARTED and name:
            VllmServing.parse(name, self.vllm or "").name_of(name)
        return self

    @field_validator("settings")
    @classmethod
    def _finite(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        json.dumps(settings, allow_nan=False, default=str)  # raises ValueError
        refuse_secrets(settings)
        return settings

    @model_validator(mode="after")
    def _one_key(self) -> "Served":
        self.connection.check_key(self.key_env)
        return self

    def check_size(self) -> None:
        """Raises InputError where it is described at more length than a job, which is told with all of it, may be."""
        size = len(json.dumps([self.settings, self.urls, self.vllm], ensure_ascii=False, default=str))
        if size > _MOST_DESCRIBED:
            takes = f"the {self.role}'s settings and addresses take {size:,} characters"
            raise InputError(f"{takes}: at most {_MOST_DESCRIBED:,} are taken")


class JudgeSpec(Served):
    """How a judge is asked, and where. Its settings go over the template's own."""

    role: ClassVar[str] = "judge"
    flag: ClassVar[str] = "--judge-url"

    template: str | None = None  # id or path of a template; None: pairwise/two-way, embedded: pairwise/likelihood
    name: str | None = Field(default=None, min_length=1, max_length=_MAX_NAME)  # None: made of model and template
    same_judge: bool = False  # a stored judge stays the same at an address where it was never asked


class Pace(BaseModel):
    """How fast to ask, and when to stop."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)  # it may be a key

    concurrency: int = Field(default=16, ge=1, le=4096)
    max_cost: float | None = Field(default=None, gt=0, allow_inf_nan=False)  # USD
    max_calls: int | None = Field(default=None, ge=1)  # requests, those included that are asked again
    max_failures: int = Field(default=25, ge=1)  # in a row: then whoever is asked is taken to be gone
    max_errors: int | None = Field(default=None, ge=1)  # in all
    stop_after: Seconds | None = None  # asking; what is in flight then still ends
    drain: float = Field(default=8.0, ge=0, le=900)  # seconds left to questions in flight on a signal to terminate

    def check_price(self, served: Served) -> None:
        """Raises ValueError where a maximal cost could never be reached, because no price is known."""
        if served.price is None and served.url is not None:
            raise ValueError(
                f"a maximal cost needs the {served.role}'s price: give --price PROMPT,COMPLETION in USD per million "
                "tokens, or a price table"
            )


class Study(Pace):
    """Which battles are judged, or which outputs are scored, by whom, in which orders."""

    benchmark: str
    judge: JudgeSpec
    models: tuple[str, ...] = ()  # empty: every model with outputs
    baseline: str | None = None
    all_pairs: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    orders: Orders = "both"
    repeats: int = Field(default=1, ge=1, le=1000)
    limit: int | None = Field(default=None, ge=1, le=_MOST_ROWS)  # instructions, the first that came
    category: str | None = None
    shard: Part | None = None  # of these instructions; None: all
    seed: int = 0
    redo: tuple[Redo, ...] = ()  # ask those again that ended so, each once a run
    reask: bool = False  # ask once more, under a constraint, where a reply states no verdict
    design: Design = "fixed"
    better: tuple[str, str] | None = None  # adaptive: is the first better than the second
    top: int | None = Field(default=None, ge=1)  # adaptive: which are the best so many; neither: how do all rank
    budget: int | None = Field(default=None, ge=1)  # adaptive: trials at most
    error: float = Field(default=0.05, gt=0, lt=0.5)  # adaptive: chance of settling the question wrongly

    @property
    def asked_again(self) -> frozenset[Status]:
        """How trials ended that are asked again."""
        return frozenset({Status.FAILED, *(Status(name) for name in self.redo)})

    @field_validator("models")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _one_design(self) -> "Study":
        if sum((self.baseline is not None, self.all_pairs, bool(self.pairs))) > 1:
            raise ValueError("say which outputs meet: either a baseline, or all pairs, or a list of pairs")
        if self.max_cost is not None:
            self.check_price(self.judge)
        if self.design == "adaptive" and (self.redo or self.shard is not None):
            raise ValueError("redo and shard belong to a fixed design")
        if self.design == "adaptive":
            self._check_question()
        elif self.better is not None or self.top is not None or self.budget is not None:
            raise ValueError("better, top and budget belong to --design adaptive")
        return self

    def _check_question(self) -> None:
        """Raises ValueError unless an adaptive study asks one question that it can settle."""
        if self.budget is None:
            raise ValueError("an adaptive design needs a budget of trials: --budget N")
        if self.baseline is not None or self.all_pairs or self.pairs or self.repeats > 1:
            raise ValueError("an adaptive design chooses what meets: leave baseline, all pairs, pairs and repeats out")
        if self.orders == "single":
            raise ValueError("an adaptive design shows both orders or a random one, so that position settles nothing")
        if self.better is not None and self.top is not None:
            raise ValueError("ask one question: better, or top")
        if self.better is not None and (self.better[0] == self.better[1] or self.models):
            raise ValueError("better names two different models, and no others take part: leave models out")


class Generation(Pace):
    """Outputs to collect: a model's replies to the instructions of a benchmark."""

    benchmark: str
    generator: Served
    model: str = Field(min_length=1, max_length=_MAX_NAME)  # the name under which its outputs are stored
    system: str | None = None  # a system message before the instruction
    limit: int | None = Field(default=None, ge=1, le=_MOST_ROWS)  # instructions, the first that came
    category: str | None = None
    shard: Part | None = None  # of these instructions; None: all
    same_model: bool = False  # a model whose outputs are stored stays the same at an address where it was never asked

    @model_validator(mode="after")
    def _priced(self) -> "Generation":
        if self.max_cost is not None:
            self.check_price(self.generator)
        return self


def load_study(path: Path) -> Study:
    """Raises InputError naming the file and the field."""
    content = _yaml(path)
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: a study file holds fields such as benchmark and judge, found {type(content).__name__}"
        )
    judge = content.get("judge")
    if isinstance(judge, dict) and "url" in judge:
        content = {**content, "judge": {**judge, "url": as_given(judge["url"])}}
    return make(Study, content, where=str(path))


def make_generation(fields: Mapping[str, Any], *, where: str) -> Generation:
    """Of these fields; the generator's settings lie over temperature 0 and at most 2048 tokens.

    Raises InputError naming ``where`` and the field.
    """
    generator = fields.get("generator")
    if isinstance(generator, Mapping) and isinstance(given := generator.get("settings", {}), Mapping):
        fields = {**fields, "generator": {**generator, "settings": {**_SETTINGS, **given}}}
    return make(Generation, fields, where=where)


def load_prices(path: Path) -> dict[str, str]:
    """A price table: YAML, a model's name and its price "PROMPT,COMPLETION" in USD per million tokens on each line.

    Raises InputError naming the file and the model.
    """
    content = _yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: a price table has lines such as 'my-model: 2.5,10', found {type(content).__name__}")
    for model, price in content.items():
        if not isinstance(model, str) or not isinstance(price, str):
            raise InputError(f"{path}: {model!r}: write its price as PROMPT,COMPLETION, e.g. 'my-model: 2.5,10'")
    return content


def _yaml(path: Path) -> Any:
    try:
        with path.open(encoding="utf-8") as file:
            return parse_yaml(file.read(_MOST_YAML + 1), f"{path}:")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not YAML: {error}") from error


class _OnceEach(yaml.SafeLoader):
    """YAML forbids a field to be given twice (1.2.2, section 3.2.1.1); its usual readers take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        for name, count in Counter(names).items():
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merging (``<<``) a merge of merges multiplies what a few lines hold."""
        super().flatten_mapping(node)
        if len(node.value) > _MOST_FIELDS:
            raise yaml.constructor.ConstructorError(
                None, None, f"merges more than {_MOST_FIELDS:,} fields", node.start_mark
            )


def parse_yaml(text: str, where: str) -> Any:
    """Plain values, no objects, and no field twice. Raises InputError that begins with ``where``."""
    if len(text) > _MOST_YAML:
        raise InputError(f"{where} is longer than {_MOST_YAML:,} characters")
    try:
        return yaml.load(text, _OnceEach)  # noqa: S506  # a safe loader
    except RecursionError:
        raise InputError(f"{where} is nested too deeply to be read") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number or a date that is none
        raise InputError(f"{where} is not YAML: {' '.join(str(error).split())[:200]}") from error


def make(kind: type[_Spec], fields: Mapping[str, Any], *, where: str) -> _Spec:
    """A Study, JudgeSpec or other record of these fields. Raises InputError naming ``where`` and the field."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"{where}: {wrong_field(error)}") from error


def wrong_field(error: ValidationError, otherwise: str = "") -> str:
    """The first field that is wrong, else ``otherwise``, and why."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        reason = _unknown_field(path[-1], [error.title, *path][-2]) or reason
    field = ".".join(path) or otherwise
    return (f"{field}: " if field else "") + reason


def _unknown_field(name: str, owner: str) -> str | None:
    """What may have been meant; None where ``owner`` is no record of a study."""
    records: dict[str, type[BaseModel]] = {"Study": Study, "Generation": Generation, "generator": Served}
    records |= {"connection": ServerConnection, "ServerConnection": ServerConnection}
    record = JudgeSpec if owner in ("judge", "JudgeSpec") else records.get(owner)
    if record is not None and name.lower().replace("_", "").endswith("key"):
        return "a key is never written down: name the variable that holds the key by key_env"
    return None if record is None else str(UnknownName("field", name, record.model_fields))

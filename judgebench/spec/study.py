"""A study: one specification of benchmark, models, judge and design, from a YAML file or from flags.

Keys of judges are named, never written: a study holds the *name* of an environment variable.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from judgebench.errors import InputError

_MAX_NAME = 200


class JudgeSpec(BaseModel):
    """How a judge is asked, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(min_length=1, max_length=_MAX_NAME)  # "embedded", "scripted:NAME", or its server's name for it
    url: str | None = None  # of an OpenAI-compatible server, up to and without /chat/completions
    key_env: str | None = None  # name of the environment variable with the server's key
    template: str | None = None  # id or path of a template; None: pairwise/two-way, embedded: pairwise/likelihood
    settings: Mapping[str, Any] = Field(default_factory=dict)  # decoding settings over the template's own
    name: str | None = Field(default=None, min_length=1, max_length=_MAX_NAME)  # None: made of model and template
    price: str | None = None  # "PROMPT,COMPLETION" in USD per million tokens

    @property
    def template_id(self) -> str:
        return self.template or ("pairwise/likelihood" if self.model == "embedded" else "pairwise/two-way")

    @model_validator(mode="after")
    def _reachable(self) -> "JudgeSpec":
        local = self.model == "embedded" or self.model.startswith("scripted:")
        if not local and self.url is None:
            raise ValueError(
                f"judge {self.model!r} needs an address: give --judge-url (in a study file: url), or name a judge that "
                "was added by 'judgebench judges add'"
            )
        if local and self.url is not None:
            raise ValueError(f"judge {self.model!r} runs in this process and has no address: leave the url out")
        return self


class Study(BaseModel):
    """Which battles are judged, or which outputs are scored, by whom, in which orders."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    benchmark: str
    judge: JudgeSpec
    models: tuple[str, ...] = ()  # empty: every model with outputs
    baseline: str | None = None
    all_pairs: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    orders: Literal["both", "random", "single"] = "both"
    repeats: int = Field(default=1, ge=1, le=1000)
    limit: int | None = Field(default=None, ge=1)  # instructions, the first that came
    category: str | None = None
    seed: int = 0
    concurrency: int = Field(default=16, ge=1, le=4096)
    max_cost: float | None = Field(default=None, gt=0)  # USD
    max_failures: int = Field(default=25, ge=1)  # in a row

    @property
    def compares(self) -> bool:
        """Whether it says which outputs meet, as pairwise templates need."""
        return self.baseline is not None or self.all_pairs or bool(self.pairs)

    @field_validator("models")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _one_design(self) -> "Study":
        chosen = [self.baseline is not None, self.all_pairs, bool(self.pairs)]
        if sum(chosen) > 1:
            raise ValueError("say which outputs meet: either a baseline, or all pairs, or a list of pairs")
        if self.max_cost is not None and self.judge.price is None and self.judge.url is not None:
            raise ValueError(
                "a maximal cost needs the judge's price: give --price PROMPT,COMPLETION in USD per million tokens"
            )
        return self


def load_study(path: Path) -> Study:
    """Raises InputError naming the file and the field."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: a study file holds fields such as benchmark and judge, found {type(content).__name__}"
        )
    return make_study(content, where=str(path))


def make_study(fields: Mapping[str, Any], *, where: str) -> Study:
    """Raises InputError naming ``where`` and the field."""
    try:
        return Study.model_validate(fields)
    except ValidationError as error:
        raise _wrong(error, where) from error


def make_judge(fields: Mapping[str, Any], *, where: str) -> JudgeSpec:
    """Raises InputError naming ``where`` and the field."""
    try:
        return JudgeSpec.model_validate(fields)
    except ValidationError as error:
        raise _wrong(error, where) from error


def _wrong(error: ValidationError, where: str) -> InputError:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return InputError(f"{where}: {field + ': ' if field else ''}{reason}")

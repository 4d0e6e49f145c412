"""Files that specify judging -> values; the only reader of template files.

A template is a Markdown file ``prompts/KIND/NAME.vVERSION.md``: front matter in YAML, then the system and the user
text, each after a comment line of its own. See docs/templates.md. A published version is never edited: a change is a
new file with the next number.
"""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import jinja2
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from judgebench.errors import InputError, UnknownName
from judgebench.judging.aggregates import VALUES, Aggregate
from judgebench.judging.templates import (
    VARIABLES,
    Label,
    LabelScale,
    LikelihoodScale,
    Listing,
    ReplyFormat,
    RewardScale,
    Scale,
    ScoreScale,
    Taxonomy,
    Template,
    variables,
)
from judgebench.keys import content_key
from judgebench.records import Rating
from judgebench.resources import folder
from judgebench.spec.study import parse_yaml, wrong_field
from judgebench.spec.taxonomies import load_taxonomy

_PROMPTS = folder("prompts")
_MAX_BYTES = 1_000_000
_FILE = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)(?:\.v(?P<version>[1-9][0-9]{0,5}))?\.md")
_FRONT = re.compile(r"---\r?\n(?P<front>.*?)\r?\n---\r?\n(?P<body>.*)\Z", re.DOTALL)
_PART = re.compile(r"^<!-- (system|user) -->[ \t]*\n", re.MULTILINE)
Unit = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _LabelFront(_Strict):
    preference: Unit
    spellings: tuple[str, ...] = ()


class _ScaleFront(_Strict):
    labels: dict[str, Unit | _LabelFront] | None = Field(default=None, min_length=2)
    case_sensitive: bool = False
    low: float | None = None
    high: float | None = None
    step: Annotated[float, Field(gt=0)] | None = None
    likelihood: Literal["pmi", "pmi-mean", "mean"] | None = None
    reward: Literal[True] | None = None

    _scale: Scale = PrivateAttr()

    @model_validator(mode="after")
    def _one_kind(self) -> "_ScaleFront":
        scored = self.low is not None and self.high is not None
        if sum((self.labels is not None, scored, self.likelihood is not None, self.reward is not None)) != 1:
            raise ValueError("a scale has labels, or low and high, or likelihood, or reward, and only one of them")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError("low must be below high")
        if self.labels is not None:
            labels = (
                Label(text, front.preference, front.spellings) if isinstance(front, _LabelFront) else Label(text, front)
                for text, front in self.labels.items()
            )
            self._scale = scale = LabelScale(tuple(labels), self.case_sensitive)
            if len(scale.by_spelling) < sum(1 + len(label.spellings) for label in scale.labels):
                raise ValueError("a spelling is given twice")
        elif self.low is not None and self.high is not None:
            self._scale = ScoreScale(self.low, self.high, self.step)
        else:
            self._scale = LikelihoodScale(self.likelihood) if self.likelihood is not None else RewardScale()
        return self


class _ReplyFront(_Strict):
    field: str | None = Field(default=None, min_length=1)
    aspects: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    answers: str | None = Field(default=None, min_length=1)
    goals: str | None = Field(default=None, min_length=1)
    taxonomy: str | None = None  # of goals: the causes of failures, by name or as a file beside the template
    steps: str | None = Field(default=None, min_length=1)
    spans: str | None = Field(default=None, min_length=1)
    kinds: dict[Annotated[str, Field(min_length=1)], str] = Field(default_factory=dict)  # of spans: faults and meanings
    aggregate: Aggregate | None = None  # of steps and spans
    values: dict[Rating, Unit] = Field(default_factory=dict)  # of steps and spans: what each rating is worth
    soft: bool = False
    min_mass: Unit = 0.8

    @property
    def listing(self) -> Listing | None:
        """What the reply lists, without the taxonomy, which stands in a file of its own."""
        if self.goals is not None:
            return Listing("goals", self.goals)
        values: dict[Rating, float] = {**VALUES, **self.values}
        if self.steps is not None:
            return Listing("steps", self.steps, None, (), self.aggregate or "min", tuple(values.items()))
        if self.spans is not None:
            return Listing(
                "spans", self.spans, None, tuple(self.kinds.items()), self.aggregate or "mean", tuple(values.items())
            )
        return None

    def format(self, taxonomy: Taxonomy | None) -> ReplyFormat:
        listing = None if self.listing is None else replace(self.listing, taxonomy=taxonomy)
        return ReplyFormat(
            self.field, tuple(self.aspects.items()), self.answers, listing, soft=self.soft, min_mass=self.min_mass
        )


class _Front(_Strict):
    """What stands in a template's front matter."""

    kind: Literal["pairwise", "pointwise"]
    about: str  # one line: what is asked, and which published method it is compatible with
    scale: _ScaleFront
    reply: _ReplyFront = _ReplyFront()
    settings: dict[str, Any] = Field(default_factory=dict)
    images: Literal[True] | None = None  # they are shown as images

    @model_validator(mode="after")
    def _fit(self) -> "_Front":
        foreign = {"pairwise": ("low", "reward"), "pointwise": ("likelihood",)}[self.kind]
        if any(getattr(self.scale, name) is not None for name in foreign):
            raise ValueError(f"a {self.kind} template cannot have a scale with {' or '.join(foreign)}")
        if self.images and (self.scale.likelihood is not None or self.scale.reward is not None):
            raise ValueError("a scale with likelihood or reward weighs texts, and no images")
        reply = self.reply
        if reply.aspects and self.scale.low is None:
            raise ValueError("aspects need a scale with low and high")
        lists = (reply.goals, reply.steps, reply.spans)
        if sum(map(bool, (reply.field, reply.aspects, reply.answers, *lists))) > 1:
            raise ValueError("a reply has a field, aspects, answers, goals, steps or spans, and only one of them")
        if reply.soft and (reply.aspects or reply.answers or reply.listing):
            raise ValueError("soft verdicts are read from one token: not with aspects, answers, goals, steps or spans")
        if reply.listing and (self.kind, self.scale.low, self.scale.high) != ("pointwise", 0, 1):
            raise ValueError(f"{reply.listing.of} need kind pointwise and a scale from low 0 to high 1")
        if (reply.goals is None) != (reply.taxonomy is None):
            raise ValueError("goals need a taxonomy of causes, which nothing else has")
        if bool(reply.kinds) != (reply.spans is not None):
            raise ValueError("spans need kinds of faults, which nothing else has")
        if (reply.aggregate or reply.values) and reply.steps is None and reply.spans is None:
            raise ValueError("aggregate and values are for steps and spans")
        return self


def templates() -> list[Template]:
    """Every template that comes with the package, by id, all versions."""
    return list(_templates())


@cache
def _templates() -> tuple[Template, ...]:
    """They are read once: an import asks for them with every model."""
    read = (_read(path) for path in _bundled().values())
    return tuple(sorted(read, key=lambda template: (template.id, template.version)))


def load_template(id_or_path: str | Path) -> Template:
    """The template ``pairwise/two-way.v1``, the newest version of ``pairwise/two-way``, or an own ``.md`` file.

    Raises UnknownName for an id that no template has, and InputError, with the file and the field, for a file that is
    not a template.
    """
    name = str(id_or_path)
    if name.endswith(".md"):
        return _read(Path(name))
    known = _bundled()
    versions = [id_ for id_ in known if name in (id_, id_.rpartition(".v")[0])]
    if not versions:
        raise UnknownName("template", name, {*known, *(id_.rpartition(".v")[0] for id_ in known)})
    return _read(known[max(versions, key=lambda id_: int(id_.rpartition(".v")[2]))])


def step_protocol(template: str, digest: str) -> Literal["steps", "spans"] | None:
    """What a judge by this template says of an output, where the template comes with the package and is what it was;
    None of any other: a path that a database names is not opened."""
    if template.endswith(".md"):
        return None
    try:
        known = load_template(template)
    except (InputError, UnknownName):
        return None
    of = None if known.reply.listing is None or known.digest != digest else known.reply.listing.of
    return None if of == "goals" else of


def _bundled() -> dict[str, Path]:
    """Template ids, with a version each, and their files."""
    return {f"{path.parent.name}/{path.name.removesuffix('.md')}": path for path in _PROMPTS.glob("*/*.v*.md")}


def _read(path: Path) -> Template:
    """Raises InputError naming the file, and the field or the line."""
    parts = _FILE.fullmatch(path.name)
    if parts is None:
        raise InputError(f"{path}: a template's file is called NAME.md or NAME.v1.md, in small letters and digits")
    version = int(parts["version"] or 1)
    front, body = _front(path)
    reply, scale = front.reply, front.scale._scale
    system, user, named = _bodies(path, front.kind, body, shows=not isinstance(scale, LikelihoodScale | RewardScale))
    taxonomy = _taxonomy(path, reply)
    if ("causes" in named) != (taxonomy is not None) or (taxonomy is not None and "dialogue" not in named):
        raise InputError(
            f"{path}: a template that asks for goals, and no other, shows {{{{ causes }}}}, and the {{{{ dialogue }}}}"
        )
    if (reply.steps is not None and "steps" not in named) or bool(reply.kinds) != ("kinds" in named):
        raise InputError(
            f"{path}: a template that asks for steps shows {{{{ steps }}}}, and one that asks for spans {{{{ kinds }}}}"
        )
    # Only what the files themselves say: a later default of this code must not make another judge of it.
    stated = front.model_dump(mode="json", exclude={"about"}, exclude_unset=True)
    beside = () if taxonomy is None else (list(taxonomy.causes), taxonomy.outside)
    digest = content_key("template", stated, system, user, *beside)
    return Template(
        id=f"{front.kind}/{parts['name']}.v{version}",
        name=parts["name"],
        version=version,
        kind=front.kind,
        system=system,
        user=user,
        scale=scale,
        settings=front.settings,
        digest=digest,
        named=named,
        reply=reply.format(taxonomy),
        shows_images=bool(front.images),
    )


def _taxonomy(path: Path, reply: _ReplyFront) -> Taxonomy | None:
    """Raises InputError naming the file."""
    if reply.taxonomy is None:
        return None
    try:
        is_file = reply.taxonomy.endswith((".yaml", ".yml"))
        return load_taxonomy(path.parent / reply.taxonomy if is_file else reply.taxonomy)
    except UnknownName as error:
        raise InputError(f"{path}: field 'reply.taxonomy': {error}") from error


def _front(path: Path) -> tuple[_Front, str]:
    """The front matter, and the text after it."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path}: cannot be read: it is no file")
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than a template can be ({_MAX_BYTES} bytes)")
        match = _FRONT.match(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such template file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    if match is None:
        raise InputError(f"{path}: line 1: a template begins with front matter between two lines ---")
    try:
        return _Front.model_validate(parse_yaml(match["front"], f"{path}: the front matter")), match["body"]
    except ValidationError as error:
        raise InputError(f"{path}: field {wrong_field(error, 'front matter')}") from error


def _bodies(path: Path, kind: str, body: str, *, shows: bool) -> tuple[str, str, frozenset[str]]:
    """The system and the user text, either of which may be absent, and the variables in them.

    Raises InputError unless they are jinja, name only what there is, and show what is to be judged where the template
    ``shows`` outputs.
    """
    before, *rest = _PART.split(body)
    roles = rest[0::2]
    if before.strip() or len(set(roles)) < len(roles):
        raise InputError(f"{path}: after the front matter come <!-- system --> and <!-- user -->, each at most once")
    texts = dict(zip(roles, (text.strip() for text in rest[1::2]), strict=True))
    system, user = texts.get("system", ""), texts.get("user", "")
    if not shows:
        return system, user, frozenset()
    try:
        named = variables(system) | variables(user)
    except jinja2.TemplateSyntaxError as error:
        raise InputError(f"{path}: {error.message} (line {error.lineno} of its text)") from error
    except RecursionError:
        raise InputError(f"{path}: its text is nested too deeply") from None
    for name in sorted(named - VARIABLES[kind]):
        raise InputError(f"{path}: {UnknownName('variable', name, VARIABLES[kind])}")
    for side in ("output",) if kind == "pointwise" else ("first", "second"):
        dialogue = "dialogue" if side == "output" else f"{side}_dialogue"
        if not named & {side, dialogue, *(("steps",) if kind == "pointwise" else ())}:
            raise InputError(f"{path}: a {kind} template must show {{{{ {side} }}}} or {{{{ {dialogue} }}}}")
    return system, user, named

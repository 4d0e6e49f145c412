"""Files that specify judging -> values; the only reader of template files.

A template is a Markdown file ``prompts/KIND/NAME.vVERSION.md``: front matter in YAML, then the system and the user
text, each after a comment line of its own. See docs/templates.md. A published version is never edited: a change is a
new file with the next number.
"""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import jinja2
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from judgebench.errors import InputError, UnknownName
from judgebench.judging.templates import (
    VARIABLES,
    Label,
    LabelScale,
    LikelihoodScale,
    ReplyFormat,
    RewardScale,
    Scale,
    ScoreScale,
    Template,
    variables,
)
from judgebench.keys import content_key
from judgebench.resources import folder
from judgebench.spec.study import parse_yaml, wrong_field

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
    soft: bool = False
    min_mass: Unit = 0.8


class _Front(_Strict):
    """What stands in a template's front matter."""

    kind: Literal["pairwise", "pointwise"]
    about: str  # one line: what is asked, and which published method it is compatible with
    scale: _ScaleFront
    reply: _ReplyFront = _ReplyFront()
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fit(self) -> "_Front":
        foreign = {"pairwise": ("low", "reward"), "pointwise": ("likelihood",)}[self.kind]
        if any(getattr(self.scale, name) is not None for name in foreign):
            raise ValueError(f"a {self.kind} template cannot have a scale with {' or '.join(foreign)}")
        reply = self.reply
        if reply.aspects and self.scale.low is None:
            raise ValueError("aspects need a scale with low and high")
        if sum(map(bool, (reply.field, reply.aspects, reply.answers))) > 1:
            raise ValueError("a reply has a field, or aspects, or answers, and only one of them")
        if reply.soft and (reply.aspects or reply.answers):
            raise ValueError("soft verdicts are read from one token: not with aspects or answers")
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
    # Only what the file itself says: a later default of this code must not make another judge of it.
    digest = content_key("template", front.model_dump(mode="json", exclude={"about"}, exclude_unset=True), system, user)
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
        reply=ReplyFormat(reply.field, tuple(reply.aspects.items()), reply.answers, reply.soft, reply.min_mass),
    )


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
        if not named & {side, dialogue}:
            raise InputError(f"{path}: a {kind} template must show {{{{ {side} }}}} or {{{{ {dialogue} }}}}")
    return system, user, named

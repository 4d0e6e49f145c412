"""Taxonomies: why goals are not reached, as a YAML file that users edit; the only reader of it.

The order of the causes is their precedence. A taxonomy is part of what a judge is: a template's own is in the digest of
the template, and one that a user gives is a setting of the judge, held whole, so that no file is needed later.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from judgebench.errors import InputError, UnknownName
from judgebench.judging.templates import Taxonomy, Template
from judgebench.records import TAXONOMY
from judgebench.resources import folder
from judgebench.spec.study import parse_yaml

OUTSIDE = "out-of-scope"
_CAUSES = "causes"
_MAX_BYTES = 100_000
_MOST = 50  # causes
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MOST_NAME, _MOST_CHARS = 64, 500


def bundled_taxonomies() -> dict[str, Path]:
    """Those that come with the package, by name with a version."""
    return {path.stem: path for path in sorted((folder("prompts") / "taxonomies").glob("*.yaml"))}


def load_taxonomy(name_or_path: str | Path) -> Taxonomy:
    """One that comes with the package, "goal-failures.v1", or a file that ends in .yaml or .yml.

    Raises UnknownName, and InputError naming file and field.
    """
    name = str(name_or_path)
    if name.endswith((".yaml", ".yml")):
        return taxonomy_of(parse_yaml(_text(Path(name)), name), name)
    known = bundled_taxonomies()
    if name not in known:
        raise UnknownName("taxonomy", name, known)
    return load_taxonomy(known[name])


def taxonomy_of(value: Any, where: str) -> Taxonomy:
    """What a file, or a judge's setting, says. Raises InputError naming the field."""
    if not isinstance(value, Mapping) or not set(value) <= {_CAUSES, OUTSIDE}:
        raise InputError(f"{where}: a taxonomy has {_CAUSES} and {OUTSIDE}, and nothing else")
    listed = value.get(_CAUSES)
    pairs = list(listed.items()) if isinstance(listed, Mapping) else listed
    if not isinstance(pairs, list) or not 1 <= len(pairs) <= _MOST:
        raise InputError(f"{where}: field {_CAUSES!r}: expected 1 to {_MOST} names of causes, each with what it means")
    causes = tuple(_cause(pair, where) for pair in pairs)
    if len({name for name, _ in causes}) < len(causes):
        raise InputError(f"{where}: field {_CAUSES!r}: a name stands twice")
    return Taxonomy(causes, _meaning(value.get(OUTSIDE), f"{where}: field {OUTSIDE!r}"))


def setting_of(taxonomy: Taxonomy) -> dict[str, Any]:
    """The taxonomy as a setting of a judge, which keeps the order; ``taxonomy_of`` reads it."""
    return {_CAUSES: [list(pair) for pair in taxonomy.causes], OUTSIDE: taxonomy.outside}


def taxonomy_setting(name_or_path: str | PathLike[str]) -> dict[str, Any]:
    """A taxonomy among the settings of a judge. Raises as ``load_taxonomy`` does."""
    return {TAXONOMY: setting_of(load_taxonomy(fspath(name_or_path)))}


def with_taxonomy(template: Template, setting: Any) -> Template:
    """The template with the taxonomy of a judge's setting in the place of its own. Raises InputError."""
    listing = template.reply.listing
    if listing is None or listing.taxonomy is None:
        raise InputError(
            f"template {template.id} asks for no causes of failures, so that a taxonomy would change nothing: leave it "
            "out, or take pointwise/goals"
        )
    taxonomy = taxonomy_of(setting, "the judge's taxonomy")
    return replace(template, reply=replace(template.reply, listing=replace(listing, taxonomy=taxonomy)))


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path}: cannot be read: it is no file")
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than a taxonomy can be ({_MAX_BYTES} bytes)")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such taxonomy file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def _cause(pair: Any, where: str) -> tuple[str, str]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise InputError(f"{where}: field {_CAUSES!r}: expected a name with what it means")
    name, meaning = pair
    if not isinstance(name, str) or len(name) > _MOST_NAME or not _NAME.fullmatch(name) or name == OUTSIDE:
        raise InputError(
            f"{where}: field {_CAUSES!r}: {str(name)[:40]!r} cannot be a cause's name: take small letters, digits and "
            f"hyphens, as in 'wrong-answer', {_MOST_NAME} at most, and not {OUTSIDE!r}"
        )
    return name, _meaning(meaning, f"{where}: field '{_CAUSES}.{name}'")


def _meaning(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MOST_CHARS:
        raise InputError(f"{where}: expected what it means, in 1 to {_MOST_CHARS} characters")
    return " ".join(value.split())

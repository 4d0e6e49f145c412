"""Declaring where models come from: by hand, by file, or by confirming what their names suggest.

A lineage once declared is never changed by a later one that contradicts it. What the table of public families suggests
is stored only when a person confirms it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from judgebench import store
from judgebench.bias.relatives import Proposal, propose, propose_relatives
from judgebench.errors import InputError, UnknownName
from judgebench.records import Lineage, Model, check_name
from judgebench.store.database import Database


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A model, or the LLM of a judge, without a declared lineage."""

    name: str
    is_judge: bool  # the LLM of a judge that is no model with outputs
    proposal: Proposal | None  # None: its name says nothing


def declared(database: Database) -> dict[str, Lineage]:
    """Every declared lineage, by name."""
    with database.read() as connection:
        lineages = store.models.lineages(connection)
    return {name: lineage for name, lineage in lineages.items() if lineage != Lineage()}


def undeclared(database: Database) -> list[Undeclared]:
    """What has outputs or judges and no lineage, with what its name suggests; what audits entered is left out."""
    with database.read() as connection:
        lineages = store.models.lineages(connection)
        llms = {judge.model for judge in store.judges.judges(connection)}
    names = {name for name, lineage in lineages.items() if lineage == Lineage()} | (llms - lineages.keys())
    ordinary = sorted(name for name in names if not name.startswith((*store.models.OF_AUDITS, "scripted:")))
    return [Undeclared(name, name in llms and name not in lineages, propose(name)) for name in ordinary]


def declare(database: Database, models: Sequence[Model]) -> int:
    """Store lineages, all or none; returns of how many models the lineage changed.

    Raises InputError for an unusable name or a model that is its own ancestor, Conflict where another was declared.
    """
    for model in models:
        named = (*([model.lineage.parent] if model.lineage.parent else []), *model.lineage.trained_on)
        for name in (model.name, *named):
            check_name("model", name)
        if model.name in named:
            raise InputError(f"{model.name!r} cannot be its own parent or teacher")
    with database.write() as connection:
        before = store.models.lineages(connection)
        for model in models:
            store.models.add_model(connection, model)
        after = store.models.lineages(connection)
        changed = [model.name for model in models if before.get(model.name, Lineage()) != after[model.name]]
        if changed:
            about = {"models": changed}
            store.events.record(connection, store.events.DECLARED, "lineage", ", ".join(changed), about)
    return len(changed)


def suggested(name: str) -> Lineage:
    """What a model's name suggests. Raises InputError where it says nothing."""
    proposal = propose(name)
    if proposal is None:
        raise InputError(f"the name {name!r} suggests no lineage: declare its family, parent or what it was trained on")
    return proposal.lineage


def accept(database: Database, names: Sequence[str]) -> list[Model]:
    """Declare what the names suggest, and what those of their undeclared parents and teachers do; returns all of it.

    Raises UnknownName for a name that is not undeclared, InputError where a name says nothing.
    """
    names_without = [model.name for model in undeclared(database)]
    already = declared(database)
    models: dict[str, Model] = {}
    for name in names:
        if name not in names_without:
            raise UnknownName("model without a lineage", name, names_without)
        models[name] = Model(name, suggested(name))
        for relative in propose_relatives(models[name].lineage):
            if relative.model not in already:
                models.setdefault(relative.model, Model(relative.model, relative.lineage))
    declare(database, list(models.values()))
    return list(models.values())


Relation = Literal["parent", "tuned from it", "pupil", "teacher", "same family"]


@dataclass(frozen=True, slots=True)
class Relative:
    """Another model that is related to one."""

    model: str
    relation: Relation
    declared: bool  # False: the names suggest it, and nobody confirmed it


@dataclass(frozen=True, slots=True)
class Relatives:
    """Where a model comes from, and who else comes from there."""

    lineage: Lineage
    declared: bool  # False: its name suggests it, or nothing does
    others: tuple[Relative, ...]


def relatives(database: Database, model: str, among: Collection[str]) -> Relatives:
    """``among``: models that may be related. What was not declared is what the name suggests."""
    known = declared(database)

    def of(name: str) -> Lineage:
        proposal = None if name in known else propose(name)
        return known.get(name, Lineage() if proposal is None else proposal.lineage)

    mine = of(model)
    others = []
    for name in among:
        relation = _relation(model, mine, name, of(name)) if name != model else None
        if relation is not None:
            others.append(Relative(name, relation, model in known and name in known))
    return Relatives(mine, model in known, tuple(others))


def _relation(model: str, mine: Lineage, name: str, theirs: Lineage) -> Relation | None:
    """The nearest one."""
    if mine.parent == name:
        return "parent"
    if theirs.parent == model:
        return "tuned from it"
    if model in theirs.trained_on:
        return "pupil"
    if name in mine.trained_on:
        return "teacher"
    return "same family" if mine.family is not None and mine.family == theirs.family else None

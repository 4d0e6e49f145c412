"""Declaring where models come from: by hand, by file, or by confirming what their names suggest.

A lineage once declared is never changed by a later one that contradicts it. What the table of public families suggests
is stored only when a person confirms it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
    return sum(before.get(model.name, Lineage()) != after[model.name] for model in models)


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

"""Lineage is declared by hand or by confirming a proposal; contradictions are refused."""

import pytest

from judgebench import services, store
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.records import Judge, Lineage, Model
from judgebench.store.database import Database


@pytest.fixture
def models(database: Database) -> Database:
    with database.write() as connection:
        for name in ("vicuna-7b-v1.5", "mine", "null:empty@1", "audit:original@1"):
            store.models.add_model(connection, Model(name))
        store.judges.add_judge(connection, Judge("a judge", "gpt-4o", "pairwise/two-way.v1", "0" * 32))
    return database


def test_proposals_are_only_confirmed_ones(models: Database) -> None:
    undeclared = {model.name: model for model in services.lineage.undeclared(models)}
    assert undeclared.keys() == {"vicuna-7b-v1.5", "mine", "gpt-4o"}
    assert undeclared["mine"].proposal is None
    assert undeclared["gpt-4o"].is_judge
    assert services.lineage.declared(models) == {}
    services.lineage.accept(models, ["vicuna-7b-v1.5", "gpt-4o"])
    declared = services.lineage.declared(models)
    assert declared["vicuna-7b-v1.5"] == Lineage("llama", "llama-2", ("gpt-3.5-turbo",))
    assert declared["gpt-3.5-turbo"].family == declared["gpt-4o"].family == "gpt"
    assert [model.name for model in services.lineage.undeclared(models)] == ["mine"]


def test_what_cannot_be_confirmed(models: Database) -> None:
    with pytest.raises(InputError, match="suggests no lineage"):
        services.lineage.accept(models, ["mine"])
    with pytest.raises(UnknownName):
        services.lineage.accept(models, ["vicuna-7b"])


def test_contradictions_are_refused_as_a_whole(models: Database) -> None:
    services.lineage.declare(models, [Model("mine", Lineage("a"))])
    with pytest.raises(Conflict):
        services.lineage.declare(models, [Model("other", Lineage("b")), Model("mine", Lineage("b"))])
    assert set(services.lineage.declared(models)) == {"mine"}
    with pytest.raises(InputError, match="its own parent"):
        services.lineage.declare(models, [Model("x", Lineage(None, "x"))])


def test_relatives_are_declared_or_by_name(database: Database) -> None:
    declared = [Model("base", Lineage("fam")), Model("tuned", Lineage("fam", "base")), Model("taught", Lineage())]
    services.lineage.declare(database, [*declared, Model("pupil", Lineage("other", None, ("base",)))])
    names = ["base", "tuned", "pupil", "gpt-4-turbo", "gpt4_1106_preview"]
    of = services.lineage.relatives(database, "base", names)
    assert of.declared
    assert [(other.model, other.relation, other.declared) for other in of.others] == [
        ("tuned", "tuned from it", True),
        ("pupil", "pupil", True),
    ]
    assert services.lineage.relatives(database, "tuned", names).others[0].relation == "parent"
    guessed = services.lineage.relatives(database, "gpt-4-turbo", names)
    assert not guessed.declared
    assert [(other.model, other.relation, other.declared) for other in guessed.others] == [
        ("gpt4_1106_preview", "same family", False)
    ]

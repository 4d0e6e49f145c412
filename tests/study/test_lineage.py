"""Lineage is declared by hand, by file or by confirming a proposal; contradictions are refused."""

from pathlib import Path

import pytest

from judgebench import services, store
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.formats.lineage_file import read_lineage
from judgebench.records import Judge, Lineage, Model
from judgebench.store.database import Database


@pytest.fixture
def models(database: Database) -> Database:
    with database.write() as connection:
        for name in ("vicuna-7b-v1.5", "mine"):
            store.models.add_model(connection, Model(name))
        store.judges.add_judge(connection, Judge("a judge", "gpt-4o", "pairwise/two-way.v1", "0" * 32))
    return database


def test_proposals_are_only_confirmed_ones(models: Database) -> None:
    found = {each.name: each for each in services.lineage.undeclared(models)}
    assert found["mine"].proposal is None
    assert found["gpt-4o"].is_judge
    assert services.lineage.declared(models) == {}
    services.lineage.accept(models, ["vicuna-7b-v1.5", "gpt-4o"])
    declared = services.lineage.declared(models)
    assert declared["vicuna-7b-v1.5"] == Lineage("llama", "llama-2", ("gpt-3.5-turbo",))
    assert declared["gpt-3.5-turbo"].family == declared["gpt-4o"].family == "gpt"
    assert [each.name for each in services.lineage.undeclared(models)] == ["mine"]


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


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "lineage.csv"
    path.write_text("model,family,parent,trained_on\nm,llama,,a; b\nn,,m,\n")
    assert read_lineage(path) == [Model("m", Lineage("llama", None, ("a", "b"))), Model("n", Lineage(None, "m"))]
    path.write_text("model,familiy\nm,llama\n")
    with pytest.raises(InputError, match="line 2, field 'familiy'"):
        read_lineage(path)
    path.write_text("model,family\nm,llama\nm,gpt\n")
    with pytest.raises(InputError, match="declared twice"):
        read_lineage(path)

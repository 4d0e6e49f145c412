"""A renamed model is as if it had always had its name: its trials' keys, and which of two models is A."""

from typing import Any

import pytest
import sqlalchemy as sa

import judgebench
from judgebench import services, store
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.records import HumanLabel, Instruction, Lineage, Model
from judgebench.store import schema as t
from judgebench.store.blocks import stale_blocks
from judgebench.store.database import Connection, Database
from judgebench.store.transfer import check, digests
from tests.filling import submitted

ASKED = [Instruction((f"What is {number}?",), reference=str(number) if number else None) for number in range(3)]


def filled(database: Database, middle: str) -> None:
    """Outputs, verdicts of three judges, and labels, of the models a, c and one between, whatever it is called."""
    texts = {"a": "one", middle: "two", "c": "three"}
    submitted(database, ASKED, sorted(texts), lambda model, number: f"{texts[model]} {number}")
    for judge, more in (("pairwise/two-way", {"all_pairs": True}), ("pointwise/mt-bench", {})):
        judged(database, judge, **more)
    for one in ASKED:
        label = HumanLabel.of("ann", one.key, first=middle, second="c", preference=1.0)
        services.labels.vote(database, "bench", label)


def judged(database: Database, template: str, **more: Any) -> Any:
    reply = "[[A]]" if template.startswith("pairwise") else "[[7]]"
    return judgebench.run(
        database,
        benchmark="bench",
        judge=lambda messages: reply,
        judge_name=template,
        judge_version="1",
        template=template,
        **more,
    )


def trials(connection: Connection) -> set[tuple[Any, ...]]:
    """What is stored of verdicts and labels, without what only tells when."""
    v, h, a, b = t.verdicts.c, t.human_labels.c, t.outputs.alias(), t.outputs.alias()
    verdicts = sa.select(v.trial_key, v.order, v.preference, v.score, v.status, v.repeat, a.c.text, b.c.text)
    verdicts = verdicts.join(a, a.c.id == v.output_a_id).outerjoin(b, b.c.id == v.output_b_id)
    labels = sa.select(h.annotator, h.order, h.preference, a.c.text, b.c.text)
    labels = labels.join(a, a.c.id == h.output_a_id).join(b, b.c.id == h.output_b_id)
    return {tuple(row) for query in (verdicts, labels) for row in connection.execute(query)}


def benchmarks(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.scalars(sa.select(t.benchmarks.c.name)))


@pytest.mark.slow
@pytest.mark.parametrize("new", ["b2", "d", "0"])
def test_a_renamed_model_is_as_if_it_had_always_had_its_name(database: Database, tmp_path: Any, new: str) -> None:
    filled(database, "b")
    with database.read() as connection:
        before = digests(connection)
    assert judgebench.rename(database, what="model", name="b", new=new, yes=True).done
    fresh = Database(str(tmp_path / "fresh.db"), create=True)
    filled(fresh, new)
    with database.read() as connection, fresh.read() as other:
        assert trials(connection) == trials(other)
        assert stale_blocks(connection) == []
    assert check(database).problems == ()
    assert judged(database, "pairwise/two-way", all_pairs=True).calls == 0, "the study is resumed without a question"
    judgebench.delete(database, what="run", name="3", yes=True)
    judgebench.rename(database, what="model", name=new, new="b", yes=True)
    with database.read() as connection:
        after = digests(connection)
    assert {name for name in before if before[name] != after[name]} <= {"events"}


@pytest.mark.slow
def test_an_old_name_says_what_became_of_it(database: Database) -> None:
    filled(database, "b")
    for what, name in (("model", "b"), ("benchmark", "bench"), ("judge", "pairwise/two-way")):
        judgebench.rename(database, what=what, name=name, new="new", yes=True)
    with pytest.raises(UnknownName, match="unknown benchmark 'bench': it was renamed to 'new' on "):
        judgebench.rank(database, benchmark="bench")
    with pytest.raises(UnknownName, match="unknown model 'b': it was renamed to 'new' on "):
        judgebench.estimate_run(database, benchmark="new", judge="scripted:coin", baseline="b")
    assert [row.name for row in judgebench.benchmarks(database).itertuples(index=False)] == ["new"]
    with database.read() as connection:
        (pairwise, pointwise) = store.runs.ended_studies(connection)
    assert (pairwise.benchmark, pairwise.judge, pairwise.specification["judge"]["name"]) == ("new", "new", "new")
    assert pointwise.specification["benchmark"] == "new"
    assert services.gaps.find_gaps(database).gaps == ()


def test_studies_audits_and_lineages_say_the_new_name(database: Database) -> None:
    filled(database, "b")
    services.lineage.declare(
        database, [Model("b", Lineage("bees")), Model("c", Lineage(parent="b", trained_on=("b",)))]
    )
    judgebench.run(database, benchmark="bench", judge="scripted:always-first", judge_name="j", baseline="b", limit=2)
    quoted = {"instruction": "x", "text": "b", "span": None}
    finding = {"rule": "b", "severity": "low", "model": "b", "message": "model 'b' does", "evidence": [quoted]}
    document = {"audit": "b", "findings": [finding], "judge": "b", "baseline": "b", "rates": {"b": 0.5}}
    with database.write() as connection:
        subject = store.audits.Subject("null-models", 1)
        store.audits.add_audit(connection, subject, passed=True, document=document)
    judgebench.rename(database, what="model", name="b", new="e", yes=True)
    with database.read() as connection:
        (audit,) = store.audits.newest_audits(connection, 1)
        assert store.models.lineages(connection)["c"] == Lineage(None, "e", ("e",))
        assert store.runs.ended_studies(connection)[-1].specification["baseline"] == "e"
    told = {**finding, "model": "e", "message": "model 'e' does"}
    assert audit.document == document | {"findings": [told], "baseline": "e", "rates": {"e": 0.5}}


def test_a_judge_keeps_the_lineage_of_its_llm(database: Database) -> None:
    filled(database, "b")
    services.lineage.declare(database, [Model("b", Lineage("bees"))])
    with database.write() as connection:
        connection.execute(sa.update(t.judges).values(model="b"))
    change = judgebench.rename(database, what="model", name="b", new="e", yes=True)
    assert "goes on being called 'b'" in change.notes[0]
    with database.read() as connection:
        lineages = store.models.lineages(connection)
    assert lineages["b"] == lineages["e"] == Lineage("bees")
    judgebench.rename(database, what="model", name="e", new="b", yes=True)  # and back
    assert check(database).problems == ()
    with database.read() as connection:
        lineages = store.models.lineages(connection)
        assert "e" not in lineages
        assert lineages["b"] == Lineage("bees")


@pytest.mark.slow
@pytest.mark.parametrize("other", ["Bench", "bench/2", "bench2", "b%", "b_nch"])
def test_stages_go_with_their_own_benchmark(database: Database, other: str) -> None:
    """Whichever other has a like name."""
    for name in ("bench", other):
        for benchmark in (name, f"audit:{name}/one", f"audit:{name}/one/honest"):
            submitted(database, ASKED[:1], ("a",), lambda model, number, name=name: name, benchmark=benchmark)
    judgebench.rename(database, what="benchmark", name="bench", new="new", yes=True)
    theirs = {other, f"audit:{other}/one", f"audit:{other}/one/honest"}
    assert benchmarks(database) == {"new", "audit:new/one", "audit:new/one/honest"} | theirs
    judgebench.delete(database, what="benchmark", name="new", yes=True)
    assert benchmarks(database) == theirs


def test_a_function_that_is_renamed_says_that_it_cannot_go_on(database: Database) -> None:
    filled(database, "b")
    change = judgebench.rename(database, what="judge", name="pairwise/two-way", new="new")
    assert change.notes == ("a function is known by the name that it has in Python: its studies no longer go on",)


def test_a_renamed_judge_that_is_named_goes_on(database: Database) -> None:
    filled(database, "b")
    asking: dict[str, Any] = {"benchmark": "bench", "all_pairs": True}
    judgebench.run(database, judge="scripted:coin", **asking)
    judgebench.rename(database, what="judge", name="scripted:coin", new="coin", yes=True)
    assert judgebench.run(database, judge="coin", **asking).calls == 0


def test_a_name_that_is_taken_or_unusable_is_refused(database: Database) -> None:
    filled(database, "b")
    with database.read() as connection:
        before = digests(connection)
    for what, name, new, kind, words in (
        ("model", "b", "c", Conflict, "there is a model 'c' already"),
        ("benchmark", "bench", "bench", Conflict, "already"),
        ("judge", "pairwise/two-way", "pointwise/mt-bench", Conflict, "already"),
        ("model", "b", " b", InputError, "model name ' b' cannot be used"),
        ("model", "b", "null:b", InputError, "belongs to audits"),
        ("benchmark", "bench", "audit:b", InputError, "belongs to audits"),
        ("model", "bb", "d", UnknownName, "unknown model 'bb'"),
    ):
        with pytest.raises(kind, match=words):
            judgebench.rename(database, what=what, name=name, new=new, yes=True)
    with database.read() as connection:
        assert digests(connection) == before


def test_a_deleted_model_is_left_out_of_studies(database: Database) -> None:
    filled(database, "b")
    judged(database, "pairwise/two-way", pairs=[("a", "b"), ("a", "c")])
    judgebench.delete(database, what="model", name="b", yes=True)
    with database.read() as connection:
        assert store.runs.ended_studies(connection)[-1].specification["pairs"] == [["a", "c"]]
    assert services.gaps.find_gaps(database).gaps == ()

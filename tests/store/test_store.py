"""What is written is read again, on SQLite and on PostgreSQL; what must not be written is refused by the database."""

import json
from dataclasses import replace
from pathlib import Path

import alembic.autogenerate
import alembic.migration
import alembic.script
import numpy as np
import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import Conflict, DatabaseError, InputError, UnknownName
from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import (
    Completion,
    Instruction,
    Judge,
    Lineage,
    Model,
    Order,
    Output,
    Source,
    Status,
    TokenLogprob,
    Verdict,
    clean_text,
)
from judgebench.resources import folder
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import backup, check, copy
from judgebench.store.verdicts import add_reparsed
from tests.factories import JUDGE, failed, filled, instruction, ok, result, trial


def test_the_migrations_build_exactly_the_tables_of_the_code(database: Database) -> None:
    with database.read() as connection:
        context = alembic.migration.MigrationContext.configure(connection, opts={"compare_type": True})
        assert alembic.autogenerate.compare_metadata(context, tables.metadata) == []


def test_the_newest_migration_is_the_one_the_code_names() -> None:
    scripts = alembic.script.ScriptDirectory(str(folder("migrations")))
    assert scripts.get_current_head() == tables.SCHEMA_REVISION


def test_outputs_come_back_as_they_were_submitted(database: Database) -> None:
    text = clean_text("line\r\n\ttab \u202eRTL\u202c \U0001f600 nul \0 lone \ud800 'quoted' \"; DROP TABLE outputs;--")
    asked = Instruction(("first turn", "second turn"), "säge", "gold", ("Is it?",))
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, [asked])
        store.models.add_model(connection, Model("m", Lineage("fam", "base", ("teacher",))))
        store.models.add_outputs(connection, benchmark, [Output(asked.key, "m", text)])
    with database.read() as connection:
        [question] = store.benchmarks.questions(connection, benchmark, ["m"])
        assert store.models.models(connection, benchmark) == [Model("m", Lineage("fam", "base", ("teacher",)))]
    assert question.instruction == asked
    assert question.outputs["m"].text == text


def test_submitting_again_adds_nothing_and_another_output_is_refused(database: Database) -> None:
    filled(database)
    asked = instruction(0)
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        assert store.benchmarks.add_instructions(connection, benchmark, [asked]) == store.database.Stored(0, 1)
        same = Output(asked.key, "alpha", "alpha says 0")
        assert store.models.add_outputs(connection, benchmark, [same]) == store.database.Stored(0, 1)
    with pytest.raises(Conflict, match="another output"), database.write() as connection:  # noqa: PT012 - one transaction
        store.benchmarks.add_instructions(connection, benchmark, [instruction(99)])
        store.models.add_outputs(connection, benchmark, [Output(asked.key, "alpha", "other")])
    with database.read() as connection:
        assert len(store.benchmarks.instructions(connection, benchmark)) == 3


def test_a_judge_under_the_same_name_never_changes(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        store.judges.add_judge(connection, JUDGE)
        hotter = Judge(JUDGE.name, JUDGE.model, JUDGE.template, JUDGE.template_digest, {"temperature": 1})
        with pytest.raises(Conflict, match="another judge"):
            store.judges.add_judge(connection, hotter)
        renamed = Judge("other", JUDGE.model, JUDGE.template, JUDGE.template_digest, JUDGE.settings)
        with pytest.raises(Conflict, match="'judge'"):
            store.judges.add_judge(connection, renamed)


def test_lineage_can_be_declared_later_but_not_contradicted(database: Database) -> None:
    with database.write() as connection:
        store.models.add_model(connection, Model("m"))
        store.models.add_model(connection, Model("m", Lineage("llama")))
        store.models.add_model(connection, Model("m"))
        with pytest.raises(Conflict, match="llama"):
            store.models.add_model(connection, Model("m", Lineage("gpt")))


def test_a_verdict_is_stored_once_however_often_it_is_handed_over(database: Database) -> None:
    verdicts = filled(database)
    one = result(trial(0), ok(1.0))
    with database.write() as connection:
        assert verdicts.add(connection, [one, one]) == store.database.Stored(1, 1)
        assert verdicts.add(connection, [one]) == store.database.Stored(0, 1)
    assert check(database).rows["verdicts"] == check(database).rows["completions"] == 1


def test_only_a_failure_gets_a_further_revision(database: Database) -> None:
    verdicts = filled(database)
    asked = trial(0)
    with database.write() as connection:
        verdicts.add(connection, [result(asked, failed(), reply=None)])
        verdicts.add(connection, [result(asked, ok(0.25))])
        verdicts.add(connection, [result(asked, ok(1.0))])
    with database.read() as connection:
        assert store.verdicts.revisions(connection, [asked.key]) == {asked.key: (1, Status.OK)}
        stored = store.arrays.verdict_table(connection, store.benchmarks.benchmark_id(connection, "bench"))
    assert stored.table.preference.tolist() == [0.25]
    assert stored.left_out == {}


def test_the_table_holds_preferences_and_counts_the_rest(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(
            connection,
            [
                result(trial(0), ok(1.0)),
                result(trial(0, Order.BA), ok(0.5)),
                result(trial(1), failed(), reply=None),
                result(trial(2), Verdict(Status.UNPARSED, Source.NONE, detail="?", parser="1")),
            ],
        )
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        stored = store.arrays.verdict_table(connection, benchmark)
        one_category = store.arrays.verdict_table(connection, benchmark, judges=["judge"], category="c1")
    table = stored.table
    assert table.models == ("alpha", "beta")
    assert [table.models[code] for code in table.model_a] == ["alpha", "alpha"]
    assert table.order.tolist() == [0, 1]
    assert table.preference.tolist() == [1.0, 0.5]
    assert table.length_a.tolist() == [len("alpha says 0")] * 2
    assert {table.instructions[code] for code in table.instruction} == {instruction(0).key}
    assert stored.left_out == {Status.FAILED: 1, Status.UNPARSED: 1}
    assert len(one_category.table) == 0
    assert one_category.left_out == {Status.FAILED: 1}


def test_completions_come_back_with_their_log_probabilities(database: Database) -> None:
    verdicts = filled(database)
    asked = trial(0)
    token = TokenLogprob("A", -0.1, (("A", -0.1), ("B", float("-inf"))))
    reply = Completion("A", "because", "stop", (token,), "gpt-0613", 10, 1, 0.5, 0.25)
    given = result(asked, ok(1.0))
    with database.write() as connection:
        verdicts.add(connection, [replace(given, completion=reply)])
    with database.read() as connection:
        [reply] = store.battles.unread(connection, "judge", f"not {PARSER_VERSION}")
    stored = reply.completion
    assert (reply.trial.key, reply.trial.battle.instruction.category) == (asked.key, "c0")
    assert stored.logprobs == (TokenLogprob("A", -0.1, (("A", -0.1), ("B", -9999.0))),)
    assert (stored.text, stored.reasoning, stored.model, stored.cost_usd) == ("A", "because", "gpt-0613", 0.5)


def test_reading_again_appends_a_revision_and_keeps_the_completion(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), Verdict(Status.UNPARSED, Source.NONE, parser="1"))])
    with database.read() as connection:
        [reply] = store.battles.unread(connection, "judge", f"not {PARSER_VERSION}")
    with database.write() as connection:
        better = Verdict(Status.OK, Source.LABEL, 1.0, parser="2")
        assert add_reparsed(connection, {reply.verdict_id: better}) == 1
    with database.read() as connection:
        assert list(store.battles.unread(connection, "judge", "2")) == []
        stored = store.arrays.verdict_table(connection, store.benchmarks.benchmark_id(connection, "bench"))
    assert stored.table.preference.tolist() == [1.0]
    assert check(database).rows["verdicts"] == 2


@pytest.mark.parametrize(
    "broken",
    [
        Verdict(Status.FAILED, Source.NONE, preference=0.5, parser="1"),
        Verdict(Status.OK, Source.LABEL, preference=1.5, parser="1"),
        Verdict(Status.OK, Source.LABEL, preference=0.5, parser="1"),
        Verdict(Status.OK, Source.LABEL, preference=None, parser="1"),
        Verdict(Status.TIE, Source.LABEL, preference=0.6, parser="1"),
    ],
)
def test_the_database_itself_refuses_a_verdict_that_cannot_be(database: Database, broken: Verdict) -> None:
    verdicts = filled(database)
    with pytest.raises(DatabaseError, match="refused"), database.write() as connection:
        verdicts.add(connection, [result(trial(0), broken)])
    assert check(database).rows["verdicts"] == check(database).rows["completions"] == 0


def test_a_copy_holds_the_same_rows_and_goes_on(database: Database, tmp_path: Path, postgres_server: str) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(n), ok(1.0)) for n in range(3)])
    target = str(tmp_path / "copy.db")
    counts = copy(database, target)
    assert counts == check(database).rows
    copied = Database(target)
    with database.read() as one, copied.read() as other:
        for table in tables.metadata.sorted_tables:
            query = sa.select(table).order_by(table.c.id)
            assert [tuple(row) for row in one.execute(query)] == [tuple(row) for row in other.execute(query)]
    with pytest.raises(Conflict, match="not empty"):
        copy(copied, target)
    with copied.write() as connection:
        assert store.benchmarks.add_benchmark(connection, "another") > 1


def test_from_sqlite_to_postgresql_and_back(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    from tests.conftest import _fresh_postgres

    source = Database(str(tmp_path / "one.db"), create=True)
    verdicts = filled(source)
    with source.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(0.25))])
    there = _fresh_postgres(request.getfixturevalue("postgres_server"))
    assert copy(source, there) == check(source).rows
    middle = Database(there)
    assert copy(middle, str(tmp_path / "two.db")) == check(source).rows
    with middle.write() as connection:
        assert store.benchmarks.add_benchmark(connection, "new") == 2
    backup(middle, tmp_path / "three.db")
    assert check(Database(str(tmp_path / "three.db"))).problems == ()


def test_a_backup_never_overwrites(tmp_path: Path) -> None:
    source = Database(str(tmp_path / "one.db"), create=True)
    filled(source)
    backup(source, tmp_path / "saved.db")
    assert check(Database(str(tmp_path / "saved.db"))) == check(source)
    with pytest.raises(InputError, match="exists"):
        backup(source, tmp_path / "saved.db")


def test_a_database_newer_than_the_code_is_refused(address: str) -> None:
    database = Database(address, create=True)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(DatabaseError, match="newer"):
        Database(address)


def test_reading_what_is_not_there_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no database"):
        Database(str(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="folder"):
        Database(str(tmp_path / "no" / "folder.db"), create=True)


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello " * 1000)
    with pytest.raises(DatabaseError, match=r"text\.db"):
        Database(str(tmp_path / "text.db"))


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(DatabaseError) as caught:
        Database("postgresql://me:s3cret@127.0.0.1:1/none")
    assert "s3cret" not in str(caught.value)


def test_unknown_names_come_with_the_nearest(database: Database) -> None:
    filled(database)
    with database.read() as connection, pytest.raises(UnknownName, match="did you mean 'bench'"):
        store.benchmarks.benchmark_id(connection, "bnch")


def test_two_writers_at_once_lose_nothing(address: str) -> None:
    import threading

    database = Database(address, create=True)
    verdicts = filled(database, instructions=40)
    results = [result(trial(number), ok(1.0)) for number in range(40)]

    def write(own: Database) -> None:
        for each in results:
            with own.write() as connection:
                verdicts.add(connection, [each])

    threads = [threading.Thread(target=write, args=(Database(address),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert check(database).rows["verdicts"] == 40
    assert check(database).problems == ()
    with database.read() as connection:
        ids = connection.scalars(sa.select(tables.verdicts.c.id)).all()
    assert sorted(ids) == list(np.arange(1, 41))
    assert json.dumps(check(database).rows)


def test_the_stages_of_audits_are_not_listed_among_benchmarks(database: Database) -> None:
    with database.write() as connection:
        stage = store.benchmarks.add_benchmark(connection, f"{store.benchmarks.STAGE}bench/1a2b")
        store.benchmarks.add_benchmark(connection, "bench")
    with database.read() as connection:
        assert store.benchmarks.benchmark_names(connection) == ["bench"]
        assert store.benchmarks.benchmark_id(connection, f"{store.benchmarks.STAGE}bench/1a2b") == stage
        with pytest.raises(UnknownName) as caught:
            store.benchmarks.benchmark_id(connection, "bunch")
    assert store.benchmarks.STAGE not in str(caught.value)

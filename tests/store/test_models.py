"""Models and their outputs are stored once, on either engine, and read again as they were submitted."""

import pytest

from judgebench import store
from judgebench.errors import Conflict
from judgebench.records import (
    Instruction,
    Lineage,
    Model,
    Output,
    clean_text,
)
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import filled


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


def test_lineage_can_be_declared_later_but_not_contradicted(database: Database) -> None:
    with database.write() as connection:
        store.models.add_model(connection, Model("m"))
        store.models.add_model(connection, Model("m", Lineage("llama")))
        store.models.add_model(connection, Model("m"))
        with pytest.raises(Conflict, match="llama"):
            store.models.add_model(connection, Model("m", Lineage("gpt")))

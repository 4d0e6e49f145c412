"""Models and their outputs are stored once, on either engine, and read again as they were submitted."""

from dataclasses import replace

import pytest

from judgebench import store
from judgebench.audits.null_models import PREFIX
from judgebench.errors import Conflict, UnknownName
from judgebench.keys import clean_text
from judgebench.records import Answer, Completion, Instruction, Lineage, Model, Output, Status
from judgebench.store.database import Database
from judgebench.store.models import AnswerWriter, Generator, add_generator, add_generator_addresses, generator_addresses
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
        [answered] = store.benchmarks.answered_instructions(connection, benchmark, ["m"])
        assert store.models.models(connection) == [Model("m", Lineage("fam", "base", ("teacher",)))]
        assert store.benchmarks.model_names(connection, benchmark) == ["m"]
    assert answered.instruction == asked
    assert answered.outputs["m"].text == text


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


def test_where_a_model_was_asked_is_remembered_each_place_once(database: Database) -> None:
    with database.write() as connection:
        model_id = store.models.add_model(connection, Model("m"))
        generator_id = add_generator(connection, model_id, "m", Generator("gpt", None, {}))
        assert generator_addresses(connection, "m") == ()
        for urls in (["http://a/v1"], ["http://b/v1", "HTTP://A:80/v1/", "http://b"]):
            add_generator_addresses(connection, generator_id, urls)
        assert generator_addresses(connection, "m") == ("http://a/v1", "http://b")
        assert generator_addresses(connection, "other") == ()


def test_how_a_model_was_asked_is_kept_and_another_way_is_refused(database: Database) -> None:
    generator = Generator("gpt", "Be brief.", {"temperature": 0})
    asked = [instruction(number) for number in range(2)]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, asked)
        model = store.models.add_model(connection, Model("m"))
        writer = AnswerWriter(connection, benchmark, model, add_generator(connection, model, "m", generator))
        output = Output(asked[0].key, "m", "yes", ("first",))
        answers = [
            Answer(output, Status.TRUNCATED, None, Completion("yes", cost_usd=0.5)),
            Answer(None, Status.FAILED, "no reply", None),
        ]
        writer.add(connection, answers)
        writer.add(connection, [Answer(Output(asked[0].key, "m", "no"), Status.OK, None, None)])
        assert add_generator(connection, model, "m", generator) == 1
        with pytest.raises(Conflict, match="another way of asking"):
            add_generator(connection, model, "m", replace(generator, system=None))
    with database.read() as connection:
        assert writer.known(connection, [each.key for each in asked]) == {asked[0].key: Status.TRUNCATED}
        assert store.models.generators(connection) == {"m": generator}
        (first, _) = store.benchmarks.answered_instructions(connection, benchmark, ["m"])
    assert first.outputs == {"m": output}


def test_a_model_with_submitted_outputs_is_not_asked(database: Database) -> None:
    filled(database)
    with database.write() as connection, pytest.raises(Conflict, match="were submitted"):
        add_generator(connection, 1, "alpha", Generator("gpt", None, {}))


def test_what_audits_entered_is_no_name_to_choose(database: Database) -> None:
    with database.write() as connection:
        for name in ("mine", f"{PREFIX}empty@1", "audit:original@1"):
            store.models.add_model(connection, Model(name))
        with pytest.raises(UnknownName) as caught:
            store.models.check_model(connection, "original")
    assert str(caught.value) == "unknown model 'original': known are mine"

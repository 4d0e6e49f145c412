"""References that come after their instructions."""

from dataclasses import replace

from judgebench import store
from judgebench.records import Instruction
from judgebench.store.database import Database
from judgebench.store.references import References

QUESTION = Instruction(("Two and two?",))


def test_an_instruction_without_a_reference_gets_one_once(database: Database) -> None:
    known = replace(QUESTION, reference="4")
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "b")
        store.benchmarks.add_instructions(connection, benchmark, [QUESTION])
        assert store.references.give(connection, benchmark, [QUESTION]) == References(0, 0)
        assert store.references.give(connection, benchmark, [known]) == References(1, 0)
        assert store.references.give(connection, benchmark, [replace(QUESTION, reference="5")]) == References(0, 0)
        [stored] = store.benchmarks.instructions(connection, benchmark)
    assert stored.reference == "4"

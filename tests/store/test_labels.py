"""Human labels as they are stored: coded as verdicts are, beside them, and what is left to label."""

import numpy as np
import pytest

from judgebench import services, store
from judgebench.errors import DatabaseError
from judgebench.records import HumanLabel, Order
from judgebench.store import labels
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import copy
from tests.factories import instruction, ok, result, trial
from tests.filling import filled


def said(number: int = 0, preference: float = 1.0, annotator: str = "ann", **more: object) -> HumanLabel:
    """A label by someone who saw beta's output first."""
    return HumanLabel.of(
        annotator, instruction(number).key, first="beta", second="alpha", preference=preference, **more
    )


def test_the_database_itself_refuses_what_must_not_be(database: Database) -> None:
    filled(database)
    services.labels.vote(database, "bench", said())
    with pytest.raises(DatabaseError, match="refused"), database.write() as connection:
        connection.execute(tables.human_labels.update().values(preference=2.0))
    with pytest.raises(DatabaseError, match="refused"), database.write() as connection:
        connection.execute(tables.human_labels.update().values(both_bad=True))


def test_labels_are_coded_as_verdicts_are(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(number), ok(1.0)) for number in range(3)])
    services.labels.add_labels(database, "bench", [said(2, 1.0), said(0, 0.0), said(0, 0.5, "bob")])
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        table = store.arrays.verdict_table(connection, benchmark).table
        people = labels.label_table(connection, benchmark, models=table.models, instructions=table.instructions)
    assert people.annotators == ("ann", "bob")
    assert np.all(people.model_a < people.model_b)
    keys = [table.instructions[code] for code in people.instruction]
    assert keys == [instruction(2).key, instruction(0).key, instruction(0).key]
    assert people.preference.tolist() == [0.0, 1.0, 0.5]


def test_labels_are_copied_with_everything_else(database: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    filled(database)
    services.labels.vote(database, "bench", said(preference=0.5, both_bad=True))
    address = str(tmp_path_factory.mktemp("copy") / "copy.db")
    assert copy(database, address)["human_labels"] == 1
    copied = Database(address)
    assert services.labels.human_labels(copied, "bench") == services.labels.human_labels(database, "bench")
    copied.close()


def test_what_is_left_to_label_and_what_judges_say_beside_it(database: Database) -> None:
    verdicts = filled(database, models=("alpha", "beta", "gamma"))
    with database.write() as connection:
        asked = [trial(number, order) for number in range(2) for order in Order]
        verdicts.add(connection, [result(each, ok(0.0 if each.order is Order.AB else 0.5)) for each in asked])
        verdicts.add(connection, [result(trial(0, a="alpha", b="gamma"), ok(1.0))])
    services.labels.add_labels(database, "bench", [said(0, 1.0), said(2, 0.0), said(0, 0.5, "bob")])
    with database.read() as connection:
        assert labels.unlabelled(connection, 1, "ann") == [1, 2]
        pairs = labels.unlabelled_pairs(connection, 1, "ann")
        assert [(one.model, other.model, one.text) for one, other in pairs] == [("alpha", "gamma", "alpha says 0")]
        assert len(labels.unlabelled_pairs(connection, 1, "eve")) == 2
        assert labels.counts_by_instruction(connection, "ann") == {1: 1, 3: 1}
        beside = labels.beside_judges(connection, 1, "ann")
        assert [(label.instruction, label.preference, label.judged) for label in beside] == [
            (1, 0.0, 0.25),
            (3, 1.0, None),
        ]
        assert labels.annotators(connection, 1) == {"ann": 2, "bob": 1}
        assert store.battles.count(connection, 1) == 3

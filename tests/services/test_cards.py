"""A judge's report card, read from either engine."""

from judgebench import services
from judgebench.store.database import Database
from tests.filling import judged


def test_a_card(database: Database) -> None:
    judged(database)
    lines = {line.name: line for line in services.cards.card(database, "judge").lines}
    assert lines["reached"].figure.value == 0.8
    assert lines["parsed"].figure.value == 1.0
    assert lines["cost"].figure.value == 0.01
    assert lines["latency"].figure.value == 0.5

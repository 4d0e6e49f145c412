"""Agreement with people and the queue for people, read from either engine."""

from judgebench import services
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import judged


def test_agreement_counts_what_people_labelled(database: Database) -> None:
    judged(database)
    [judge] = services.agreement.agreement(database, "bench").judges
    assert (judge.items, judge.without_verdict) == (2, 1)
    assert judge.accuracy.value == 0.5
    assert [group.category for group in judge.by_category] == ["c0"]


def test_what_nobody_labelled_waits_for_people(database: Database) -> None:
    judged(database)
    waiting = services.agreement.human_queue(database, "bench", "judge")
    assert [battle.instruction.key for battle in waiting.battles] == [instruction(1).key]

"""What moves a judge, and the leaderboard without it, are read from either engine."""

import numpy as np
import pytest
from hypothesis import given

from judgebench import services, store
from judgebench.bias.human_agreement import labelled_battles
from judgebench.errors import InputError, StatisticsError
from judgebench.leaderboard import Choices, Controls
from judgebench.records import Model, Output
from judgebench.services.scope import Scope
from judgebench.stats.verdict_table import NO_LABELS, VerdictTable
from judgebench.store.arrays import LeftOut
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import filled, judged, judged_samples, sampled
from tests.stats.factories import tables


@given(tables(), tables())
def test_items_with_a_failed_trial_are_found_as_by_looking_each_up(table: VerdictTable, trials: VerdictTable) -> None:
    trials = trials.select((trials.model_a < len(table.models)) & (trials.model_b < len(table.models)))
    status = np.zeros(len(trials), dtype=np.int64)
    without = LeftOut(trials.instruction, trials.judge, status, trials.model_a, trials.model_b)
    items = labelled_battles(table, NO_LABELS)
    known = list(zip(items.instruction, items.model_a, items.model_b, strict=True))
    failed: dict[str, set[int]] = {}
    for at, judge, a, b in zip(trials.instruction, trials.judge, trials.model_a, trials.model_b, strict=True):
        battle = (at, min(a, b), max(a, b))
        if battle in known:
            failed.setdefault(table.judges[judge], set()).add(known.index(battle))
    marks = services.bias.failed_items(items, table, without)
    assert {judge: set(np.flatnonzero(of).tolist()) for judge, of in marks.items()} == failed


def test_a_report_counts_the_judges_verdicts(database: Database) -> None:
    judged(database)
    found = services.bias.bias(database, "bench", scope=Scope(("judge",)))
    assert (found.verdicts, found.position.matched, found.position.consistency.value) == (4, 2, 1.0)


def test_a_sample_is_not_another_one_in_the_other_order_nor_a_repeat_of_it(database: Database) -> None:
    sampled(database)
    judged_samples(database)
    found = services.bias.bias(database, "bench").position
    assert (found.matched, found.unmatched, found.consistency.value) == (6, 6, 1.0)
    assert found.repeatability.reason == "no trial was repeated"
    of_card = {line.name: line for line in services.cards.card(database, "judge", benchmark="bench").lines}
    assert of_card["consistency"].figure.value == 1.0
    assert of_card["repeatability"].figure.reason == "no trial was repeated"


def test_style_is_counted_in_outputs_that_came_later_as_well(database: Database) -> None:
    filled(database)
    keys = [instruction(number).key for number in range(3)]
    for model, text in (("gamma", "- a\n- b"), ("delta", "# **c**")):
        with database.write() as connection:
            store.models.add_model(connection, Model(model))
            store.models.add_outputs(
                connection, store.benchmarks.benchmark_id(connection, "bench"), [Output(keys[1], model, text)]
            )
        with database.read() as connection:
            found = store.arrays.style_counts(
                connection,
                store.benchmarks.benchmark_id(connection, "bench"),
                models=("delta", "gamma"),
                instructions=keys,
            )
    marks = {name: counts.tolist() for name, counts in found.items()}
    nothing = [0.0, 0.0]
    assert marks == {
        "headers": [nothing, [1.0, 0.0], nothing],
        "lists": [nothing, [0.0, 2.0], nothing],
        "bold": [nothing, [1.0, 0.0], nothing],
        "code": [nothing] * 3,
    }


def test_at_equal_length_the_wordy_model_falls(wordy: Database) -> None:
    found = services.bias.moves(wordy, "b", ("length",))
    change = {row.model: row.change for row in found.together.board}
    assert change["wordy"].upper is not None
    assert change["wordy"].upper < 0
    assert found.entries[0].points is not None
    assert found.entries[0].points.lower is not None
    assert found.entries[0].points.lower > 0


def test_style_has_an_entry_for_each_mark_that_is_there(wordy: Database) -> None:
    found = services.bias.moves(wordy, "b", ("style", "length"))
    entries = {entry.name: entry for entry in found.entries}
    assert list(entries) == ["lists", "length"]
    assert entries["lists"].points is not None
    assert entries["lists"].points.identified


def test_lineage_is_read_from_what_was_declared(wordy: Database) -> None:
    found = services.bias.moves(wordy, "b", ("lineage",))
    reasons = {entry.name: entry.points.reason for entry in found.entries if entry.points is not None}
    assert set(reasons) == {"same", "inheritance", "family"}
    assert "not declared" not in "".join(reasons.values())


def test_nothing_to_control(wordy: Database) -> None:
    with pytest.raises(InputError):
        services.bias.moves(wordy, "b", ("length",), scope=Scope(judges=("nobody",)))
    empty = Database(":memory:", create=True)
    with empty.write() as connection:
        store.benchmarks.add_benchmark(connection, "b")
    with pytest.raises(StatisticsError, match="run a judge"):
        services.bias.moves(empty, "b", ("length",))


def test_the_length_coefficient_is_one_on_every_door(wordy: Database) -> None:
    entry = services.bias.moves(wordy, "b", ("length",)).entries[0]
    board = services.leaderboards.leaderboard(
        wordy, "b", choices=Choices(method="bradley-terry"), controls=Controls(columns=("length",))
    )
    assert entry.log_odds is not None
    lower, upper = entry.log_odds.ends
    note = (
        f"at equal length, whose coefficient is {entry.log_odds.value:.2f} [{lower:.2f}, {upper:.2f}] log-odds a unit"
    )
    assert note in board.notes

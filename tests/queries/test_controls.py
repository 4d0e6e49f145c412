"""Boards at equal length, style and lineage; counts beside boards; boards of one language."""

import pytest

from judgebench import services, store
from judgebench.errors import InputError, StatisticsError
from judgebench.records import (
    Battle,
    Completion,
    Instruction,
    Judge,
    Lineage,
    Model,
    Order,
    Output,
    Source,
    Status,
    Trial,
    TrialResult,
    Verdict,
)
from judgebench.services.bias import Scope
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter

_JUDGE = Judge("judge", "relative", "pairwise/two-way.v1", "0" * 32)
_LENGTHS = {"plain": 20, "marked": 20, "wordy": 60}


def _text(model: str, number: int) -> str:
    marks = "\n- one\n- two\n- three" if model == "marked" and number % 3 else ""
    return f"{model} {number} " + "x" * (_LENGTHS[model] + 11 * (number * len(model) % 13)) + marks


@pytest.fixture
def filled() -> Database:
    """The longer of two outputs wins, mostly; one reply in ten has no verdict; each costs a cent."""
    database = Database(":memory:", create=True)
    asked = [
        Instruction((f"What is the sum of {n} and one?" if n % 4 else f"Was ist die Summe von {n} und eins?",))
        for n in range(60)
    ]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "b")
        store.benchmarks.add_instructions(connection, benchmark, asked)
        for model in _LENGTHS:
            store.models.add_model(connection, Model(model, Lineage("kin" if model == "plain" else "other")))
        store.models.add_model(connection, Model("relative", Lineage("kin")))
        outputs = {
            (each.key, model): Output(each.key, model, _text(model, number))
            for number, each in enumerate(asked)
            for model in _LENGTHS
        }
        store.models.add_outputs(connection, benchmark, list(outputs.values()))
        judge = store.judges.add_judge(connection, _JUDGE)
        run = store.runs.start_run(connection, benchmark_id=benchmark, judge_id=judge, kind="run", specification={})
        results = []
        for number, each in enumerate(asked):
            for a, b in (("marked", "plain"), ("marked", "wordy"), ("plain", "wordy")):
                battle = Battle.of(each, outputs[each.key, a], outputs[each.key, b])
                longer = len(battle.a.text) > len(battle.b.text)
                preferred = 1.0 if longer != (number % 7 == 0) else 0.0
                verdict = Verdict(Status.OK, Source.LABEL, preferred, parser="1")
                if number % 10 == 9 and a == "plain":
                    verdict = Verdict(Status.UNPARSED, Source.NONE, detail="?", parser="1")
                trial = Trial(_JUDGE.digest, battle, Order.AB if number % 2 else Order.BA)
                reply = Completion("A", cost_usd=0.01)
                results.append(TrialResult(trial.key, each.key, a, b, trial.order, 0, verdict, reply))
        VerdictWriter(connection, run).add(connection, results)
    return database


def test_at_equal_length_the_wordy_model_falls(filled: Database) -> None:
    found = services.bias.moves(filled, "b", ("length",))
    change = {row.model: row.change for row in found.together.board}
    assert change["wordy"].upper is not None
    assert change["wordy"].upper < 0
    assert found.entries[0].points is not None
    assert found.entries[0].points.lower is not None
    assert found.entries[0].points.lower > 0


def test_style_has_an_entry_for_each_mark_that_is_there(filled: Database) -> None:
    found = services.bias.moves(filled, "b", ("style", "length"))
    entries = {entry.name: entry for entry in found.entries}
    assert list(entries) == ["lists", "length"]
    assert entries["lists"].points is not None
    assert entries["lists"].points.identified


def test_lineage_is_read_from_what_was_declared(filled: Database) -> None:
    found = services.bias.moves(filled, "b", ("lineage",))
    reasons = {entry.name: entry.points.reason for entry in found.entries if entry.points is not None}
    assert set(reasons) == {"same", "inheritance", "family"}
    assert "not declared" not in "".join(reasons.values())


def test_nothing_to_control(filled: Database) -> None:
    with pytest.raises(InputError):
        services.bias.moves(filled, "b", ("length",), scope=Scope(judges=("nobody",)))
    empty = Database(":memory:", create=True)
    with empty.write() as connection:
        store.benchmarks.add_benchmark(connection, "b")
    with pytest.raises(StatisticsError, match="run a judge"):
        services.bias.moves(empty, "b", ("length",))


def test_failures_and_cost_are_counted_by_model(filled: Database) -> None:
    found = services.leaderboards.tallies(filled, "b")
    assert {model: tally.failures for model, tally in found.items()} == {"marked": 0, "plain": 6, "wordy": 6}
    assert found["marked"].cost_usd == pytest.approx(1.2)


def test_a_board_of_one_language_counts_its_instructions_only(filled: Database) -> None:
    assert services.leaderboards.languages(filled, "b") == ["English", "German"]
    whole = services.leaderboards.leaderboard(filled, "b")
    german = services.leaderboards.leaderboard(filled, "b", language="German")
    english = services.leaderboards.leaderboard(filled, "b", language="English")
    for rows in zip(
        *(sorted(board.rows, key=lambda row: row.model) for board in (whole, german, english)), strict=True
    ):
        assert rows[0].battles == rows[1].battles + rows[2].battles
    assert german.left_out.get(Status.UNPARSED, 0) + english.left_out[Status.UNPARSED] == 6
    with pytest.raises(InputError, match="unknown language"):
        services.leaderboards.leaderboard(filled, "b", language="Klingon")

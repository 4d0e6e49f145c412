"""What could not be committed waits beside the database, for its own run alone, and is stored once."""

from pathlib import Path

import pytest

from judgebench.engine.unstored import Unstored, path_for
from judgebench.errors import InputError
from judgebench.records import Answer, Completion, Order, Output, Status, TokenLogprob, TrialResult
from judgebench.store.database import Database
from tests.factories import ok, result, trial


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "judgebench.db"), create=True)


def place(database: Database) -> Path:
    path = path_for(database)
    assert path is not None
    return path


def results(count: int) -> list[TrialResult]:
    return [result(trial(number, Order.AB), ok(0.25)) for number in range(count)]


def test_results_come_back_as_they_were_to_their_own_run(database: Database) -> None:
    mine = Unstored(database, ("bench", "judge"), TrialResult)
    others = Unstored(database, ("bench", "other judge"), TrialResult)
    name = mine.keep(results(2))
    mine.keep(results(3)[2:])
    others.keep(results(1))
    assert Path(name) == place(database)
    taken: list[TrialResult] = []
    mine.store(taken.extend)
    assert taken == results(3)
    mine.store(taken.extend)
    assert taken == results(3)
    others.store(taken.extend)
    assert len(taken) == 4
    assert not place(database).exists()


def test_they_stay_where_storing_fails_again(database: Database) -> None:
    unstored = Unstored(database, ("bench", "judge"), TrialResult)
    unstored.keep(results(2))
    with pytest.raises(ZeroDivisionError):
        unstored.store(lambda _: print(1 / 0))
    taken: list[TrialResult] = []
    unstored.store(taken.extend)
    assert taken == results(2)


def test_answers_keep_their_texts_and_probabilities(database: Database) -> None:
    reply = Completion("a\ud800 \u2028b", logprobs=(TokenLogprob("a", -0.5, (("b", -2.0),)),), cost_usd=0.1)
    answers = [Answer(Output("key", "model", "text\n\u00e9"), Status.OK, None, reply)]
    unstored = Unstored(database, ("bench", "model"), Answer)
    unstored.keep(answers)
    taken: list[Answer] = []
    unstored.store(taken.extend)
    assert taken == answers


@pytest.mark.parametrize("line", ["{", "[]", "3", '{"owner": ["bench", "judge"], "result": {}}', '{"result": 1}'])
def test_a_damaged_file_is_named(database: Database, line: str) -> None:
    place(database).write_text(line + "\n")
    with pytest.raises(InputError, match=r"judgebench\.db\.unstored, line 1"):
        Unstored(database, ("bench", "judge"), TrialResult).store(print)


def test_a_folder_that_cannot_be_written_is_said(database: Database) -> None:
    place(database).mkdir()
    with pytest.raises(InputError, match="2 replies could be stored nowhere"):
        Unstored(database, ("bench", "judge"), TrialResult).keep(results(2))


def test_a_database_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    unstored = Unstored(Database(":memory:", create=True), ("bench", "judge"), TrialResult)
    unstored.store(print)
    with pytest.raises(InputError, match="1 reply could be stored nowhere: the database is in memory"):
        unstored.keep(results(1))
    assert list(tmp_path.iterdir()) == []

"""The queries of docs/formats.md, in DuckDB on an exported folder, say what boards and the store say."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from judgebench import services, store
from judgebench.leaderboard import Choices
from judgebench.records import HumanLabel, Order, Status
from judgebench.services.exports import export
from judgebench.services.scope import Scope
from judgebench.stats.verdict_table import PairCounts
from judgebench.store.database import Database
from tests.factories import failed, instruction, ok, result, trial
from tests.filling import filled

duckdb = pytest.importorskip("duckdb", reason="queries of the folder are run in DuckDB: pip install duckdb")
PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
QUERIES = dict(re.findall(r"^```sql\n-- (\w+): (.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
PAIRS = (("alpha", "beta"), ("alpha", "gamma"), ("beta", "gamma"))
INSTRUCTIONS = 8


@pytest.fixture
def judged(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Exported into the current folder; some trials failed, some battles were judged in one order, one is a tie."""
    writer, rng = filled(database, INSTRUCTIONS, ("alpha", "beta", "gamma")), np.random.default_rng(0)
    places = [(number, pair, order) for number in range(INSTRUCTIONS) for pair in PAIRS for order in Order]
    outcomes = [failed() if rng.random() < 0.1 else ok(float(rng.choice([0.0, 0.3, 1.0]))) for _ in places]
    with database.write() as connection:
        trials = [trial(number, order, *pair) for number, pair, order in places]
        writer.add(connection, [result(one, outcome) for one, outcome in zip(trials, outcomes, strict=True)])
    for number in range(INSTRUCTIONS - 2):
        label = HumanLabel.of("ann", instruction(number).key, first="alpha", second="beta", preference=number % 3 / 2)
        services.labels.vote(database, "bench", label)
    export(database, "all", tmp_path / "folder", benchmark="bench")
    monkeypatch.chdir(tmp_path / "folder")
    return database


def _rows(name: str) -> list[Any]:
    rows: list[Any] = duckdb.connect().execute(QUERIES[name].partition("\n")[2]).fetchall()
    return rows


def test_win_rates_are_the_boards(judged: Database) -> None:
    board = services.leaderboards.leaderboard(judged, "bench", choices=Choices(method="win-rate"))
    rows = {row[1]: row[2:] for row in _rows("win_rates")}
    assert rows.keys() == {row.model for row in board.rows}
    for row in board.rows:
        assert rows[row.model] == (pytest.approx(row.win_rate, abs=1e-12), row.battles)


def test_pairs_are_what_ratings_are_fitted_to(judged: Database) -> None:
    with judged.read() as connection:
        counts = PairCounts.of(services.scope.scoped_verdicts(connection, "bench", Scope()).table)
    places = {name: at for at, name in enumerate(counts.models)}
    rows = _rows("pairs")
    assert len(rows) == len(PAIRS)
    for _, a, b, won, verdicts in rows:
        assert counts.verdicts[places[a], places[b]] == verdicts
        assert counts.wins[places[a], places[b]] == pytest.approx(won, abs=1e-12)


def test_outcomes_and_the_first_place_are_the_stores(judged: Database) -> None:
    with judged.read() as connection:
        table = services.scope.scoped_verdicts(connection, "bench", Scope()).table
        spent = store.verdicts.spent(connection, 1, "judge")
        trials = Counter(store.arrays.trials(connection, 1, "judge").status.tolist())
    outcomes = _rows("outcomes")
    assert {Status(row[1]): row[2] for row in outcomes} == trials
    assert sum(row[3] or 0 for row in outcomes) == pytest.approx(spent.cost_usd or 0)
    ((_, first, verdicts),) = _rows("first_place")
    assert verdicts == len(table)
    assert first == pytest.approx(np.where(table.order == 0, table.preference, 1 - table.preference).mean())


def test_agreement_is_that_of_decided_battles(judged: Database) -> None:
    with judged.read() as connection:
        table = services.scope.scoped_verdicts(connection, "bench", Scope()).table
    sides = []
    for number in range(INSTRUCTIONS - 2):
        of_it = (table.instruction == table.instructions.index(instruction(number).key)) & (table.model_b == 1)
        mean = table.preference[of_it & (table.model_a == 0)]
        person = number % 3 / 2
        if len(mean) and mean.mean() != 0.5 and person != 0.5:
            sides.append((mean.mean() > 0.5) == (person > 0.5))
    ((_, same, battles),) = _rows("agreement")
    assert battles == len(sides)
    assert same == pytest.approx(np.mean(sides))


def test_every_query_of_the_page_is_run() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert QUERIES
    assert all(f'_rows("{name}")' in source for name in QUERIES)

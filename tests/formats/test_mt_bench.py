"""MT-Bench's judgments: turns, both orders, unreadable ones, and the published averages."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.errors import InputError
from judgebench.formats.verdicts import VerdictsFile
from judgebench.leaderboard import Choices
from judgebench.records import Order, Source, Status
from judgebench.services.imports import ImportReport, import_file, read
from judgebench.services.scope import Scope
from judgebench.store.database import Database
from tests.formats.writing import write_rows

QUESTION = {"question_id": 81, "category": "writing", "turns": ["Name a city.", "And its river."]}
SINGLE: dict[str, Any] = {
    **{"question_id": 81, "model": "m", "judge": ["gpt-4", "single-v1"], "user_prompt": "[Answer] Bonn", "turn": 1},
    **{"judgment": "Good. Rating: [[7]]", "score": 7, "tstamp": 1.5},
}
PAIR: dict[str, Any] = {
    **{"question_id": 81, "model_1": "m", "model_2": "n", "judge": ["gpt-4", "pair-v2"], "turn": 1, "tstamp": 1.5},
    **{"g1_winner": "model_1", "g1_user_prompt": "Bonn or Paris?", "g1_judgment": "A is better. [[A]]"},
    **{"g2_winner": "model_2", "g2_user_prompt": "Paris or Bonn?", "g2_judgment": "A is better. [[A]]"},
}


def answers(model: str, *texts: str) -> dict[str, Any]:
    return {"instruction": QUESTION["turns"], "model": model, "output": list(texts)}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """With a question of two turns and the answers of m and n."""
    database = Database(str(tmp_path / "mt.db"), create=True)
    import_file(database, write_rows(tmp_path / "question.jsonl", [QUESTION]), benchmark="mt")
    for model, texts in (("m", ("Bonn", "Rhine")), ("n", ("Paris", "Seine"))):
        path = write_rows(tmp_path / f"{model}.jsonl", [answers(model, *texts)])
        import_file(database, path, benchmark="mt")
    return database


def judged(database: Database, path: Path, rows: list[dict[str, Any]]) -> VerdictsFile:
    file = read(write_rows(path / "judged.jsonl", rows), known=services.known.of(database, "mt"))
    assert isinstance(file.contents, VerdictsFile)
    return file.contents


def test_a_score_is_of_the_reply_to_its_turn(database: Database, tmp_path: Path) -> None:
    second = SINGLE | {"turn": 2, "user_prompt": "Bonn Rhine", "judge": ["gpt-4", "single-v1-multi-turn"], "score": 5}
    first, last = judged(database, tmp_path, [SINGLE, second]).verdicts
    assert (first.instruction.turns, first.a.text, first.a.earlier) == (("Name a city.",), "Bonn", ())
    assert (last.instruction.turns, last.a.text, last.a.earlier) == (tuple(QUESTION["turns"]), "Rhine", ("Bonn",))
    assert [(row.verdict.score, row.verdict.source) for row in (first, last)] == [
        (7, Source.RECORDED),
        (5, Source.RECORDED),
    ]
    assert [row.judge.name for row in (first, last)] == ["gpt-4:single-v1", "gpt-4:single-v1-multi-turn"]
    assert first.completion is not None
    assert first.completion.text == "Good. Rating: [[7]]"
    assert "score 7 (7)" in str(last.verdict.detail)  # its reply says 7


def test_minus_one_is_no_score(database: Database, tmp_path: Path) -> None:
    [row] = judged(database, tmp_path, [SINGLE | {"score": -1, "judgment": "Good."}]).verdicts
    assert (row.verdict.status, row.verdict.score) == (Status.UNPARSED, None)
    assert str(row.verdict.detail).startswith("recorded as -1")


def test_a_judge_that_always_prefers_what_is_shown_first_names_no_winner(database: Database, tmp_path: Path) -> None:
    import_file(database, write_rows(tmp_path / "pair.jsonl", [PAIR]), benchmark="mt")
    file = judged(database, tmp_path, [PAIR])
    assert [(row.order, row.verdict.preference) for row in file.verdicts] == [(Order.AB, 1.0), (Order.BA, 0.0)]
    assert [row.verdict.detail for row in file.verdicts] == [None, None]
    board = services.leaderboards.leaderboard(database, "mt", choices=Choices())
    assert [row.win_rate for row in board.rows] == [0.5, 0.5]
    services.exports.export(database, "battles", tmp_path / "battles.jsonl", benchmark="mt")
    [battle] = [json.loads(line) for line in (tmp_path / "battles.jsonl").read_text().splitlines()]
    assert (battle["preference"], battle["consistent"]) == (0.5, False)


def test_an_error_is_no_verdict_and_a_missing_game_none_at_all(database: Database, tmp_path: Path) -> None:
    row = PAIR | {"g1_winner": "error", "g1_judgment": "Hm."} | dict.fromkeys(("g2_winner", "g2_judgment"))
    [verdict] = judged(database, tmp_path, [row]).verdicts
    assert (verdict.verdict.status, verdict.verdict.label) == (Status.UNPARSED, "error")


def test_a_row_that_was_appended_again_is_a_duplicate_or_a_repeat(database: Database, tmp_path: Path) -> None:
    again = SINGLE | {"judgment": "Fine. Rating: [[8]]", "score": 8}
    file = judged(database, tmp_path, [SINGLE, SINGLE | {"tstamp": 2.5}, again])
    assert ([row.repeat for row in file.verdicts], file.duplicates) == ([0, 1], 1)


@pytest.mark.parametrize(
    ("row", "changes", "message"),
    [
        (SINGLE, {"question_id": 82}, "'question_id': .*'82'.* import the instructions first"),
        (SINGLE, {"model": "x"}, "'model': .* of model 'x' .* import the answers first"),
        (SINGLE, {"turn": 3}, "'turn'"),
        (SINGLE, {"turn": 1.5}, "'turn': expected the number of a turn"),
        (SINGLE, {"judge": "gpt-4"}, "'judge': expected a list"),
        (SINGLE, {"score": "seven"}, "'score': expected a number"),
        (SINGLE, {"user_prompt": "[Answer] Berlin"}, "'user_prompt': .* another text"),
        (PAIR, {"g1_winner": "m"}, "'g1_winner': expected one of model_1, model_2, tie, error"),
        (PAIR, {"model_2": "m"}, "'model_2': is model_1"),
        (PAIR, {"g2_judgment": None}, "'g2_judgment': expected text"),
    ],
)
def test_what_cannot_be_read_is_refused(
    database: Database, tmp_path: Path, row: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"judged\.jsonl, line 2, field {message}"):
        judged(database, tmp_path, [row, row | changes])


def test_reference_answers_are_references_of_questions_that_nobody_judged(database: Database, tmp_path: Path) -> None:
    reference = {"question_id": 81, "model_id": "gpt-4", "choices": [{"index": 0, "turns": ["Bonn.", "The Rhine."]}]}
    path = write_rows(tmp_path / "reference.jsonl", [reference, reference])
    report = import_file(database, path, benchmark="mt", as_format="mt-bench-references")
    assert (report.references, report.duplicate, report.new) == (1, 1, 0)
    assert getattr(services.known.of(database, "mt").instruction("81"), "reference", None) == "Bonn.\n\nThe Rhine."
    assert import_file(database, path, benchmark="mt", as_format="mt-bench-references").references == 0
    for changes, message in (
        ({"choices": []}, "expected a list"),
        ({"question_id": 82}, "import the instructions first"),
    ):
        wrong = write_rows(tmp_path / "wrong.jsonl", [reference | changes])
        with pytest.raises(InputError, match=rf"wrong\.jsonl, line 1, field .*{message}"):
            import_file(database, wrong, benchmark="mt", as_format="mt-bench-references")


def published(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


@pytest.fixture
def imported(shared: Path, tmp_path: Path) -> tuple[Database, list[ImportReport]]:
    """What FastChat's users have: questions, two models' answers, one judge's scores and pairs."""
    database, folder = Database(str(tmp_path / "mt.db"), create=True), shared / "data" / "mt_bench"
    import_file(database, folder / "question.jsonl.gz", benchmark="mt_bench")
    references = import_file(database, folder / "ref.jsonl.gz", benchmark="mt_bench", as_format="mt-bench-references")
    counts = (references.references, references.references_left_out, references.known)
    assert counts == (1, 0, 30)  # 39 of the 80 questions bring one themselves
    files = [folder / f"{name}.jsonl.gz" for name in ("phi-3", "phi-3-dpo", "gpt-4_single", "gpt-4_pair")]
    return database, [import_file(database, path, benchmark="mt_bench") for path in files]


@pytest.mark.shared
def test_every_judgment_is_in_the_database_as_in_the_file(
    imported: tuple[Database, list[ImportReport]], shared: Path, tmp_path: Path
) -> None:
    database, reports = imported
    singles, pairs = (published(shared / "data" / "mt_bench" / f"gpt-4_{name}.jsonl.gz") for name in ("single", "pair"))
    assert [(report.format, report.new) for report in reports[2:]] == [("mt-bench-single", 160), ("mt-bench-pair", 150)]
    assert [(report.reread, report.read_otherwise) for report in reports[2:]] == [(160, 0), (150, 0)]
    services.exports.export(database, "verdicts", tmp_path / "verdicts.jsonl", benchmark="mt_bench")
    rows = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    assert Counter((row["judge"], row["reply"], row["score"]) for row in rows if row["model_b"] is None) == Counter(
        (":".join(row["judge"]), row["judgment"], row["score"]) for row in singles
    )
    winners = {"model_1": 1.0, "tie": 0.5, "model_2": 0.0, "error": None}  # model_1 sorts first here
    assert Counter((row["order"], row["reply"], row["preference"]) for row in rows if row["model_b"]) == Counter(
        (order, row[f"{game}_judgment"], winners[row[f"{game}_winner"]])
        for row in pairs
        for game, order in (("g1", "AB"), ("g2", "BA"))
    )


@pytest.mark.shared
def test_golden_averages_by_turn_and_pairs_that_tie_unless_both_orders_agree(
    imported: tuple[Database, list[ImportReport]], tmp_path: Path
) -> None:
    """FastChat's ``show_result.py`` on these files: turn 1 8.3625, turn 2 8.0375, average 8.2; 20 / 18 / 35, 51.4 %."""
    database, _ = imported
    prompts = ("gpt-4:single-v1", "gpt-4:single-math-v1")
    for judges, mean in (
        (prompts, 8.3625),
        (tuple(f"{name}-multi-turn" for name in prompts), 8.0375),
        ((*prompts, *(f"{name}-multi-turn" for name in prompts)), 8.2),
    ):
        board = services.leaderboards.leaderboard(
            database, "mt_bench", scope=Scope(judges=judges), choices=Choices(method="score")
        )
        [row] = board.rows
        assert row.rating == pytest.approx(mean, abs=1e-9)
    services.exports.export(database, "verdicts", tmp_path / "v.jsonl", benchmark="mt_bench")
    games: dict[str, list[float | None]] = {}
    for line in (tmp_path / "v.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["model_b"] is not None:
            games.setdefault(row["instruction_key"], []).append(row["preference"])
    outcomes = Counter(
        preferences[0] if len(set(preferences)) == 1 else 0.5
        for preferences in games.values()
        if None not in preferences
    )
    assert (outcomes[0.0], outcomes[1.0], outcomes[0.5]) == (20, 18, 35)  # wins of phi-3-dpo, of phi-3, ties
    assert round(100 * (20 + 35 / 2) / 73, 1) == 51.4

"""Arena-Hard-Auto's judgments: v0.1 and v2, five labels, both orders."""

from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.errors import InputError
from judgebench.formats.rereading import is_read_otherwise
from judgebench.formats.verdicts import VerdictsFile
from judgebench.records import Order, Status
from judgebench.services.imports import import_file, read
from judgebench.stats.published_scores import arena_hard_score
from judgebench.store.database import Database
from tests.formats.writing import write_rows

OUTPUTS = [
    {"instruction": "Name a city.", "uid": "q1", "model": model, "output": text}
    for model, text in (("gpt-4-0314", "Paris"), ("o3-mini", "Bonn"), ("new", "Rome"))
]
V2: dict[str, Any] = {
    **{"uid": "q1", "category": "hard_prompt", "judge": "gpt-4.1", "model": "new", "baseline": "o3-mini"},
    "games": [
        {"score": "B>A", "judgment": {"answer": "So [[B>A]]", "thought": "Hm."}, "prompt": [{"content": "Bonn Rome"}]},
        {"score": "A=B", "judgment": {"answer": "So [[A=B]]"}, "prompt": {"content": "Rome Bonn"}},
    ],
}
V1: dict[str, Any] = {
    **{"question_id": "q1", "model": "new", "judge": "gpt-4-1106-preview"},
    "games": [
        {"user_prompt": "A: Paris B: Rome", "judgment": "\nMy verdict: [[B>>A]]", "score": "B>>A"},
        {"user_prompt": "A: Rome B: Paris", "judgment": "\nMy verdict: [[A>B]]", "score": "A>B"},
    ],
}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(str(tmp_path / "ah.db"), create=True)
    import_file(database, write_rows(tmp_path / "outputs.jsonl", OUTPUTS), benchmark="ah")
    return database


def judged(database: Database, folder: Path, rows: list[dict[str, Any]]) -> VerdictsFile:
    file = read(write_rows(folder / "new.jsonl", rows), known=services.known.of(database, "ah"))
    assert (file.format.name, isinstance(file.contents, VerdictsFile)) == ("arena-hard", True)
    assert isinstance(file.contents, VerdictsFile)
    return file.contents


def test_the_first_game_shows_the_baseline_first(database: Database, tmp_path: Path) -> None:
    first, second = judged(database, tmp_path, [V2]).verdicts
    assert (first.a.model, first.b and first.b.model, first.judge.name) == ("new", "o3-mini", "gpt-4.1")
    assert [(row.order, row.verdict.preference, row.verdict.label) for row in (first, second)] == [
        (Order.BA, 0.75, "B>A"),
        (Order.AB, 0.5, "A=B"),
    ]
    assert first.completion is not None
    assert (first.completion.text, first.completion.reasoning) == ("So [[B>A]]", "Hm.")
    assert not any(map(is_read_otherwise, (first, second)))


def test_golden_score_of_v2(database: Database, tmp_path: Path) -> None:
    """Arena-Hard v2: (B>A, A=B) and (B>>A, A>B) are .5, 1, 1, 1, 1, 1, whose mean is .916667."""
    games = [judged(database, tmp_path, [row]).verdicts for row in (V2, V1)]
    labels = [(str(first.verdict.label), str(second.verdict.label)) for first, second in games]
    assert labels == [("B>A", "A=B"), ("B>>A", "A>B")]
    assert arena_hard_score(labels) == pytest.approx(100 * 5.5 / 6)


def test_a_row_of_v0_1_has_the_usual_baseline_where_its_prompts_show_it(database: Database, tmp_path: Path) -> None:
    first, second = judged(database, tmp_path, [V1]).verdicts
    assert (first.a.model, first.b and first.b.model) == ("gpt-4-0314", "new")
    assert [(row.order, row.verdict.preference) for row in (first, second)] == [(Order.AB, 0.0), (Order.BA, 0.25)]
    games = [V1["games"][0] | {"user_prompt": "A: Bonn B: Rome"}, V1["games"][1]]
    with pytest.raises(InputError, match=r"'games': the judge was shown another text .* 'gpt-4-0314'"):
        judged(database, tmp_path, [V1 | {"games": games}])
    bare = [{"judgment": "[[A>B]]", "score": "A>B"}] * 2
    with pytest.raises(InputError, match="'baseline': is missing, and no prompt tells"):
        judged(database, tmp_path, [V1 | {"games": bare}])


def test_a_judge_that_always_prefers_what_is_shown_first_makes_no_winner(database: Database, tmp_path: Path) -> None:
    games = [game | {"score": "A>>B", "judgment": {"answer": "[[A>>B]]"}} for game in V2["games"]]
    import_file(database, write_rows(tmp_path / "first.jsonl", [V2 | {"games": games}]), benchmark="ah")
    board = services.leaderboards.leaderboard(database, "ah")
    assert [row.win_rate for row in board.rows] == [0.5, 0.5]


def test_null_is_no_verdict_and_an_odd_label_none_of_the_five(database: Database, tmp_path: Path) -> None:
    games = [V2["games"][0] | {"score": None}, V2["games"][1] | {"score": "A>B>"}]
    first, second = judged(database, tmp_path, [V2 | {"games": games}]).verdicts
    assert (first.verdict.status, second.verdict.status) == (Status.UNPARSED, Status.UNPARSED)
    assert "recorded as null" in str(first.verdict.detail)
    assert "read again by parser" in str(first.verdict.detail)
    assert "'A>B>', which is none of the five labels" in str(second.verdict.detail)
    [_, none] = judged(database, tmp_path, [V2 | {"games": [V2["games"][0], None]}]).verdicts
    assert (none.verdict.status, none.completion) == (Status.UNPARSED, None)


def test_mirrored_spellings_and_a_judge_of_the_folder(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "model_judgment" / "gemini"
    folder.mkdir(parents=True)
    games = [V2["games"][0] | {"score": "A<B"}, V2["games"][1] | {"score": "B<<A"}]
    first, second = judged(database, folder, [V2 | {"games": games, "judge": None}]).verdicts
    assert [row.verdict.preference for row in (first, second)] == [0.75, 1.0]
    assert first.judge.name == "gemini"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uid": "q2"}, "'uid': .* import the instructions first"),
        ({"model": "x"}, "'model': .* import the answers first"),
        ({"baseline": "x"}, "'baseline': .* import the answers first"),
        ({"baseline": "new"}, "'model': is the baseline"),
        ({"games": []}, "'games': expected a list of two games"),
        ({"games": ["x", "y"]}, "'games': expected objects"),
        ({"games": [{"score": 7}]}, "'games': expected text"),
        ({"judge": None}, "'judge': is missing"),
    ],
)
def test_what_cannot_be_read_is_refused(
    database: Database, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"new\.jsonl, line 2, field {message}"):
        judged(database, tmp_path, [V2, V2 | changes])

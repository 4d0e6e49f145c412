"""The people's board: votes alone rank, as the methods rank verdicts, and what votes cannot tell is refused."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import judgebench
from judgebench import services
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.leaderboard import Choices, Controls, Leaderboard
from judgebench.services.imports import ImportOptions, import_file
from judgebench.services.scope import Scope
from judgebench.show.coverage import sentences
from judgebench.store.database import Database

STRENGTHS = {"ant": 1.0, "bee": 0.4, "cat": 0.0, "dog": -0.5, "eel": -0.9}
PEOPLE = Scope(people=True)


def voted(path: Path, *, prompts: int = 0, votes: int = 3000) -> Database:
    """A database with votes drawn from STRENGTHS; ``prompts``: that the file names, none where it is 0."""
    rng, names = np.random.default_rng(7), list(STRENGTHS)
    file = path / "votes.csv"
    with file.open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["model_a", "model_b", "winner", *(["question_id", "worker"] if prompts else [])])
        for at in range(votes):
            a, b = rng.choice(names, 2, replace=False).tolist()
            won = rng.random() < 1 / (1 + np.exp(STRENGTHS[b] - STRENGTHS[a]))
            winner = "tie (bothbad)" if rng.random() < 0.1 else "model_a" if won else "model_b"
            table.writerow([a, b, winner, *([f"p{at % prompts}", f"v{at}"] if prompts else [])])
    database = Database(":memory:", create=True)
    import_file(database, file, benchmark="arena", options=ImportOptions(audit=False))
    return database


def board(database: Database, scope: Scope = PEOPLE, **choices: Any) -> Leaderboard:
    return services.leaderboards.leaderboard(database, "arena", scope=scope, choices=Choices(**choices))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["win-rate", "bradley-terry", "davidson", "rao-kupper", "elo"])
def test_known_strengths_come_back_by_every_method(tmp_path: Path, method: str) -> None:
    ranked = board(voted(tmp_path, prompts=60), method=method)
    assert [row.model for row in ranked.rows] == list(STRENGTHS)
    assert ranked.judges == ()


@pytest.mark.slow
def test_votes_of_nobody_known_on_nothing_known_equal_rate(tmp_path: Path) -> None:
    ranked = board(voted(tmp_path), method="bradley-terry")
    with (tmp_path / "votes.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    rated = judgebench.rate(*([row[name] for row in rows] for name in ("model_a", "model_b", "winner")))
    assert [row.model for row in ranked.rows] == list(rated["model"])
    np.testing.assert_allclose([row.rating for row in ranked.rows], rated["rating"], atol=1e-4)
    widths = [row.upper - row.lower for row in ranked.rows if row.upper is not None and row.lower is not None]
    np.testing.assert_allclose(widths, rated["upper"] - rated["lower"], rtol=0.1)
    assert "each vote counts as to a prompt of its own" in ranked.notes[0]


@pytest.mark.slow
def test_what_counts_is_said_with_both_bad_and_other_people(tmp_path: Path) -> None:
    database = voted(tmp_path, prompts=60)
    about = board(database).coverage
    assert about is not None
    assert about.people is not None
    assert (about.people.votes, about.people.annotators, about.judges, about.left_out) == (3000, 3000, {}, {})
    both_bad = sum(label.both_bad for label in services.labels.human_labels(database, "arena"))
    assert (about.people.both_bad, both_bad > 200) == (both_bad, True)
    some = board(database, Scope(people=True, annotators=tuple(f"v{at}" for at in range(500)))).coverage
    assert some is not None
    assert some.people is not None
    assert (some.people.votes, some.people.other_votes) == (500, 2500)
    assert any("not counted: 2,500 votes of 2,500 other annotators" in sentence for sentence in sentences(some))


@pytest.mark.parametrize(
    ("scope", "choices", "controls"),
    [
        (Scope(people=True, all_judges=True), {}, Controls()),
        (Scope(annotators=("v1",)), {}, Controls()),
        (PEOPLE, {"method": "score"}, Controls()),
        (PEOPLE, {"method": "judge-aware"}, Controls()),
        (PEOPLE, {"jury": "mean"}, Controls()),
        (PEOPLE, {}, Controls(anchor="human")),
        (PEOPLE, {"method": "bradley-terry"}, Controls(columns=("length",))),
        (PEOPLE, {"method": "length-controlled", "baseline": "ant"}, Controls()),
    ],
)
def test_what_votes_cannot_tell_is_refused(
    tmp_path: Path, scope: Scope, choices: dict[str, Any], controls: Controls
) -> None:
    database = voted(tmp_path, prompts=5, votes=50)
    with pytest.raises((InputError, StatisticsError)):
        services.leaderboards.leaderboard(database, "arena", scope=scope, choices=Choices(**choices), controls=controls)


def test_without_votes_it_says_what_to_do(wordy: Database, tmp_path: Path) -> None:
    with pytest.raises(StatisticsError, match="labels import FILE"):
        services.leaderboards.leaderboard(wordy, services.benchmarks.benchmarks(wordy)[0].name, scope=PEOPLE)
    database = voted(tmp_path, prompts=5, votes=50)
    with pytest.raises(StatisticsError, match="--by people"):
        board(database, Scope())
    with pytest.raises(UnknownName, match="annotator"):
        board(database, Scope(people=True, annotators=("nobody",)))


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(("name", "votes"), [("llmfao", 8931), ("chatbot_arena_subset", 0)])
def test_published_votes_rank(shared: Path, name: str, votes: int) -> None:
    database = Database(":memory:", create=True)
    options = ImportOptions(audit=False)
    import_file(database, shared / "data" / name / "votes.csv.gz", benchmark="arena", options=options)
    stored = sum(1 for _ in services.labels.human_labels(database, "arena"))
    about = board(database, method="bradley-terry").coverage
    assert about is not None
    assert about.people is not None
    assert about.people.votes == stored
    assert votes in (0, stored)

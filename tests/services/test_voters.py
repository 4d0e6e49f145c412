"""Voters and two leaderboards beside each other, at the doors."""

from typing import Any

import pytest

import judgebench
from app.views import voters as views
from judgebench import services
from judgebench.errors import StatisticsError
from judgebench.records import HumanLabel
from judgebench.show import voters as show
from judgebench.store.database import Database
from tests.factories import instruction, ok, result, trial
from tests.filling import filled


@pytest.fixture
def voted(database: Database) -> Database:
    """A judge that always prefers alpha, and people who prefer beta, one of whom has a hostile name."""
    verdicts = filled(database, instructions=30)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(number), ok(1.0)) for number in range(30)])
    labels = [
        HumanLabel.of(who, instruction(number).key, first="beta", second="alpha", preference=1.0)
        for who in ("ann", "<b>bob")
        for number in range(30)
    ]
    services.labels.add_labels(database, "bench", labels)
    return database


def test_judges_and_people_who_disagree_are_apart_and_voters_are_told(voted: Database) -> None:
    report = judgebench.voters(voted, benchmark="bench")
    assert [voter.votes for voter in report.voters] == [30, 30]
    assert report.voters[0].with_people.value == 1.0
    assert report.voters[0].with_judges["judge"].value == 0.0
    two: Any = judgebench.two_boards(voted, benchmark="bench", method="win-rate")
    assert [(row.model, row.by_judges, row.by_people, row.apart) for row in two.models] == [
        ("beta", (2, 2), (1, 1), True),
        ("alpha", (1, 1), (2, 2), True),
    ]
    assert "place beta and alpha apart" in show.apart(two)
    usual: Any = judgebench.two_boards(voted, benchmark="bench")
    assert usual.judges.method == services.leaderboards.leaderboard(voted, "bench").method == "win-rate"
    assert show.basis(usual) == [
        "Ranks by judges: Win rates against the field, judged by judge.",
        "Ranks by people: Win rates against the field, by people's votes.",
    ]
    html = views.table(report) + views.places(two, lambda model: f"model?model={model}")
    assert "<b>bob" not in html
    assert "&lt;b&gt;bob" in html
    assert html.count("apart</span>") == 2
    assert [voter.name for voter in views.numbered(report, "ann").voters] == ["voter 1", "ann"]


def test_why_agreement_is_not_known_is_said_once(database: Database) -> None:
    filled(database, instructions=2)
    label = HumanLabel.of("ann", instruction(0).key, first="beta", second="alpha", preference=1.0)
    services.labels.add_labels(database, "bench", [label])
    told = show.sentences(judgebench.voters(database, benchmark="bench"))[1]
    assert told == "How far people agree with each other is not known: no battle was labelled by two people."


def test_where_nobody_voted_it_says_so(database: Database) -> None:
    filled(database)
    with pytest.raises(StatisticsError, match="nobody voted"):
        services.voters.voters(database, "bench")

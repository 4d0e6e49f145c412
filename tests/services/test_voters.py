"""Voters and two leaderboards beside each other, at the doors."""

from typing import Any

import pytest

import judgebench
from app.views import voters as views
from judgebench import services
from judgebench.errors import StatisticsError
from judgebench.leaderboard import Choices, Leaderboard
from judgebench.records import HumanLabel
from judgebench.services.scope import Scope
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
    assert show.basis(usual)[:2] == [
        "Ranks by judges: Win rates against the field, judged by judge.",
        "Ranks by people: Win rates against the field, by people's votes.",
    ]
    assert "Votes of one annotator count as if of several" in show.basis(usual)[2]
    assert all(row.differs for row in usual.models)
    html = views.table(report) + views.places(two, lambda model: f"model?model={model}", ("alpha", "beta"))
    assert "<b>bob" not in html
    assert "&lt;b&gt;bob" in html
    assert html.count("ratings and ranks apart</span>") == 2
    assert [voter.name for voter in views.numbered(report, "ann").voters] == ["voter 1", "ann"]


def test_an_annotators_votes_count_together_where_the_method_can_tell(database: Database) -> None:
    """Of ten people who always agree with themselves there are ten opinions, however many votes each gives."""
    verdicts = filled(database, instructions=40)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(number), ok(number % 3 / 2)) for number in range(40)])
    labels = [
        HumanLabel.of(f"v{who}", instruction(number).key, first="beta", second="alpha", preference=float(who < 7))
        for who in range(10)
        for number in range(40)
    ]
    services.labels.add_labels(database, "bench", labels)

    def width(board: Leaderboard) -> float:
        lower, upper = board.rows[0].estimate.ends
        return upper - lower

    two = services.voters.two_boards(database, "bench", choices=Choices(method="bradley-terry"))
    scope = Scope(people=True)
    alone = services.leaderboards.leaderboard(database, "bench", scope=scope, choices=Choices(method="bradley-terry"))
    assert "annotator" not in two.people.interval_method  # judges stand in their place in the method's words
    assert width(two.people) > 3 * width(alone)
    assert two.ratings_reason == ""
    one = services.voters.two_boards(database, "bench", annotators=("v1",), choices=Choices(method="bradley-terry"))
    assert one.people.coverage is not None
    assert one.people.coverage.people is not None
    assert one.people.coverage.people.votes == 40


def test_win_rates_against_the_field_are_held_against_each_other_only_where_the_field_is_one(
    database: Database,
) -> None:
    verdicts = filled(database, instructions=4, models=("alpha", "beta", "gamma"))
    pairs = [("alpha", "beta"), ("alpha", "gamma"), ("beta", "gamma")]
    with database.write() as connection:
        trials = [trial(number, a=a, b=b) for a, b in pairs for number in range(4)]
        verdicts.add(connection, [result(one, ok(1.0)) for one in trials])
    label = [HumanLabel.of("ann", instruction(0).key, first=a, second=b, preference=0.0) for a, b in pairs]
    services.labels.add_labels(database, "bench", label)
    two = services.voters.two_boards(database, "bench")
    assert "whom a model met" in two.ratings_reason
    assert not any(row.differs for row in two.models)
    assert "Ratings are not held against each other" in show.apart(two)
    against = services.voters.two_boards(database, "bench", choices=Choices(baseline="alpha"))
    assert against.ratings_reason == ""


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

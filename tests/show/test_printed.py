"""A result travels as plain values and is read back as it was."""

import json

import pytest

from judgebench import services
from judgebench.estimate import unidentified
from judgebench.services.leaderboards import leaderboard
from judgebench.show import printed, results
from judgebench.show.numbers import Labelled
from judgebench.show.printed import Printed, Table
from judgebench.store.database import Database
from tests.filling import judged
from tests.show.factories import known


def test_what_is_made_here_is_read_there(database: Database) -> None:
    judged(database)
    made = [
        results.board(leaderboard(database, "bench"), "bench", "table"),
        results.benchmarks(services.benchmarks.benchmarks(database), "table"),
        results.cards([services.cards.card(database, "judge")], "table"),
        Printed(("line", *printed.estimates("title", [Labelled("known", known(0.6))]))),
    ]
    for one in made:
        assert isinstance(one, Printed)
        assert any(isinstance(part, Table) and part.rows for part in one.parts)
        assert printed.read(json.loads(json.dumps(one.document()))) == one


def test_what_is_no_result_is_not_read() -> None:
    for document in ({}, {"parts": None}, {"parts": [1]}, {"parts": [{"headings": [], "rows": [], "numbers": ["x"]}]}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            printed.read(document)


def test_columns_are_words_where_none_is_named_to_be_and_else_numbers() -> None:
    rows = [("a", 1, None)]
    assert printed.table(("x", "y", "z"), rows) == Table(("x", "y", "z"), (("a", "1", ""),))
    assert printed.table(("x", "y", "z"), rows, text=("x",)).numbers == (1, 2)


def test_estimates_say_their_number_or_why_there_is_none() -> None:
    identified, missing = Labelled("known", known(0.6)), Labelled("unknown", unidentified("no trial was repeated"))
    assert printed.estimate_cells(identified) == ("known", "60.0%", "[50.0%, 70.0%]", "n = 10")
    assert printed.estimate_cells(missing) == ("unknown", "not identified", "", "no trial was repeated")

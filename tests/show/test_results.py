"""Every result has the forms that its command offers."""

import json

import pytest

from judgebench import services
from judgebench.services.leaderboards import leaderboard
from judgebench.show import results
from judgebench.show.printed import Printed
from judgebench.show.results import Form
from judgebench.store.database import Database
from tests.filling import judged


@pytest.mark.parametrize(("form", "kind"), [("table", Printed), ("json", dict), ("csv", str), ("markdown", str)])
def test_a_board_has_every_form(database: Database, form: Form, kind: type) -> None:
    judged(database)
    made = results.board(leaderboard(database, "bench"), "bench", form)
    assert isinstance(made, kind)
    assert isinstance(made, Printed) or json.dumps(made, allow_nan=False)


def test_two_models_are_told_about_in_every_form(database: Database) -> None:
    judged(database)
    between = services.profiles.compare(database, "bench", "alpha", "beta")
    shown = results.comparison(between, "bench", "table")
    assert isinstance(shown, Printed)
    assert "beta as a new version of alpha" in shown.parts
    document = results.comparison(between, "bench", "json")
    assert isinstance(document, dict)
    assert (document["first"], document["decision"]) == ("alpha", between.change.decision)
    text = results.comparison(between, "bench", "csv")
    assert isinstance(text, str)
    assert len(text.splitlines()) == 1 + len(between.change.instructions)

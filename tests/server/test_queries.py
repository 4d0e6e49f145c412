"""Parameters become the scope, choices and controls that the command line's options become."""

import pytest
from pydantic import ValidationError

from judgebench.errors import UnknownName
from judgebench.leaderboard import Choices, Controls
from judgebench.server.queries import BattlesQuery, BoardQuery
from judgebench.services.scope import EVERYTHING


def test_what_is_usual() -> None:
    query = BoardQuery(benchmark="b", judge=[])
    assert (query.scope(), query.choices(), query.controls()) == (EVERYTHING, Choices(), Controls())


def test_what_is_chosen() -> None:
    query = BoardQuery(benchmark="b", judge=["j"], method="elo", level=0.9, control="length", exclude_related=True)
    assert query.scope().judges == ("j",)
    assert (query.choices().method, query.choices().level) == ("elo", 0.9)
    assert query.controls() == Controls(("length",), 0.0)
    with pytest.raises(UnknownName):
        BoardQuery(benchmark="b", judge=[], control="lenght").controls()


def test_no_more_is_asked_than_the_server_bears() -> None:
    for wrong in ({"limit": 10_000}, {"text": "x" * 2000}, {"model": ["m"] * 200}, {"nothing": 1}):
        with pytest.raises(ValidationError):
            BattlesQuery.model_validate({"benchmark": "b", "model": []} | wrong)

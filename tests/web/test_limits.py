"""So many at once and so many a minute, each holder by itself; who has nothing is forgotten."""

import pytest
from starlette.exceptions import HTTPException

from judgebench.web.limits import PerMinute, Running


def test_a_minute_later_there_is_room_again() -> None:
    now = [0.0]
    pace = PerMinute("requests", 2, clock=lambda: now[0])
    pace.one("a")
    pace.one("a")
    pace.one("b")
    with pytest.raises(HTTPException, match="within a minute") as refusal:
        pace.one("a")
    assert refusal.value.headers == {"Retry-After": "61"}
    now[0] = 61.0
    pace.one("a")
    pace.forget()
    pace.check("b")


def test_what_has_ended_makes_room() -> None:
    running = Running("uploads", 1)
    with running.one("a"), running.one("b"), pytest.raises(HTTPException, match="uploads"), running.one("a"):
        pass
    with running.one("a"):
        pass

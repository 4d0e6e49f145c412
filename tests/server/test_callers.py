"""Who has a token is known, noted, and asks no more than so often."""

import time
from dataclasses import replace

import pytest

from judgebench.server.state import ServerState
from judgebench.services.access import Policy
from judgebench.services.tokens import tokens
from judgebench.store.database import Database
from tests.filling import judged
from tests.server.conftest import HOSTS, LIMITS
from tests.server.serving import Api, serving
from tests.server.submitted import submit


def test_the_use_of_a_token_is_noted(api: Api) -> None:
    assert api.ask("GET", "/me", "viewer").json == {"name": "token viewer", "role": "viewer", "benchmarks": []}
    end = time.monotonic() + 120  # it is noted beside the answer
    while next(token for token in tokens(api.database) if token.name == "viewer").used_at is None:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_requests_of_a_token_are_limited(database: Database) -> None:
    judged(database)
    state = ServerState(database, lambda: Policy(False), hosts=HOSTS, limits=replace(LIMITS, rate=5))
    with serving(database, state) as api:
        answers = [api.ask("GET", "/me", "viewer") for _ in range(7)]
        assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert "within a minute" in answers[-1].json["error"]
        assert api.ask("GET", "/me", "admin").status == 200
        assert submit(api, "gamma", who="admin").status == 201

"""A key is one request's: sent again it is answered again, and done once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from starlette.responses import JSONResponse, Response

from judgebench import store
from judgebench.server import submitting
from judgebench.server.state import ServerState
from judgebench.services import repeats
from judgebench.services.access import Policy
from judgebench.store.database import Database
from tests.server.serving import JSONL, Api, serving
from tests.server.submitted import submit


def test_a_key_is_one_request_s(api: Api) -> None:
    key = {**JSONL, "Idempotency-Key": "one"}
    first = submit(api, "zeta", headers=key)
    again = submit(api, "zeta", headers=key)
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    other = submit(api, "eta", headers=key)
    assert other.status == 422
    assert "another request" in other.json["error"]
    assert submit(api, "eta", who="admin", headers=key).status == 201  # somebody else's key of the same name
    refused = api.ask("POST", "/outputs?benchmark=bench&model=z", "submitter", b"{", {**key, "Idempotency-Key": "two"})
    assert refused.status == 422
    assert submit(api, "theta", headers={**JSONL, "Idempotency-Key": "two"}).status == 201  # it may be put right


@pytest.mark.slow
def test_a_server_says_of_what_it_works_on_that_it_does(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than the lease lasts, by which a server elsewhere would take it for one that was killed."""
    monkeypatch.setattr(repeats, "RENEW_S", 0.05)
    monkeypatch.setattr(repeats, "LEASE_S", 1.0)
    taken: list[bool] = []

    def slow(*_: object) -> Response:
        time.sleep(2)
        with database.read() as connection:
            since = connection.scalar(sa.text("SELECT created_at FROM idempotency_keys"))
            taken.append(since < store.claims.after(store.claims.clock(connection), -1.0))
        return JSONResponse({"stored": 1}, 201)

    monkeypatch.setattr(submitting, "_submit", slow)
    with serving(database, ServerState(database, lambda: Policy(False))) as api:
        assert submit(api, "zeta", headers={**JSONL, "Idempotency-Key": "k"}).status == 201
    assert taken == [False]


def test_a_key_is_one_request_s_while_it_is_worked_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, known = threading.Event(), threading.Event()

    def slow(*_: object) -> Response:
        begun.set()
        assert known.wait(30)
        return JSONResponse({"stored": 1}, 201)

    monkeypatch.setattr(submitting, "_submit", slow)
    key = {**JSONL, "Idempotency-Key": "k"}
    with serving(database, ServerState(database, lambda: Policy(False))) as api, ThreadPoolExecutor(1) as pool:
        first = pool.submit(submit, api, "zeta", headers=key)
        assert begun.wait(30)
        same, other = submit(api, "zeta", headers=key), submit(api, "eta", headers=key)
        known.set()
        assert first.result().status == 201
    assert (same.status, same.headers.get("retry-after"), "worked on" in same.json["error"]) == (409, "1", True)
    assert (other.status, other.headers.get("retry-after")) == (422, None)
    assert "another request" in other.json["error"]


def test_what_a_server_elsewhere_was_at_when_it_was_killed_is_done_once_its_lease_is_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "LEASE_S", 0.5)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(repeats, "this_process", lambda: "elsewhere 1 5 b7e1:4026531836")
        assert repeats.begin(database, "ann", "k", "request") is None
    with pytest.raises(repeats.StillWorking):
        repeats.begin(database, "ann", "k", "request")
    time.sleep(0.6)
    assert repeats.begin(database, "ann", "k", "request") is None

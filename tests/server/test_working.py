"""Runs and audits are started, watched and stopped by those who may."""

import json
import os
from dataclasses import replace

import pytest

from judgebench import services
from judgebench.server import working
from judgebench.services.worker import JobWorker
from judgebench.show.tables import board_document
from judgebench.spec import JudgeSpec
from tests.server.serving import JSON, Answer, Api


def test_a_run_is_started_watched_and_read(api: Api) -> None:
    study = json.dumps({"benchmark": "bench", "judge": "scripted:coin", "models": ["alpha", "beta"], "all_pairs": True})
    key = {**JSON, "Idempotency-Key": "run"}
    started = api.ask("POST", "/runs", "admin", study.encode(), key)
    assert started.status == 202
    assert api.ask("POST", "/runs", "admin", study.encode(), key).json == started.json
    place = started.headers["location"].removeprefix("/api/v1")
    assert api.ask("GET", place, "viewer").json["state"] == "queued"
    twin = api.ask("POST", "/runs", "admin", study.encode(), JSON)
    assert twin.status == 409
    JobWorker(str(api.database.url.database), dict(os.environ), at_once=1, tell=lambda _: None).work(once=True)
    job = api.ask("GET", place, "admin").json
    assert (job["state"], job["actor"], job["report"]["planned"]) == ("done", "token admin", 6)
    assert "report" not in api.ask("GET", place, "viewer").json
    board = api.ask("GET", "/leaderboard?benchmark=bench&judge=scripted:coin&level=0.9", "viewer").json
    mine = services.leaderboards.leaderboard(
        api.database,
        "bench",
        scope=services.scope.Scope(("scripted:coin",)),
        choices=replace(services.scope.USUAL, level=0.9),
    )
    assert board == json.loads(json.dumps(board_document("bench", mine)))
    assert api.ask("GET", "/runs?benchmark=bench", "viewer").json[0]["judge"] == "scripted:coin"


def test_a_run_that_no_worker_could_start_is_refused_at_once(api: Api) -> None:
    stored = next(judge for judge in services.judges.judges(api.database) if judge.name == "judge")
    judge = {"model": stored.model, "url": "http://judge.example.org:8000/v1", "name": "judge", "settings": {"seed": 7}}
    study = {"benchmark": "bench", "judge": judge, "all_pairs": True}
    before = api.ask("GET", "/jobs", "admin").json
    answer = api.ask("POST", "/runs", "admin", json.dumps(study).encode(), JSON)
    assert (answer.status, "judge 'judge' is stored with" in answer.json["error"]) == (409, True), answer.body
    for unknown in ({"baseline": "nobody"}, {"all_pairs": True, "models": ["nobody"]}):
        study = {"benchmark": "bench", "judge": "scripted:coin"} | unknown
        refused = api.ask("POST", "/runs", "admin", json.dumps(study).encode(), JSON)
        assert (refused.status, "nobody" in refused.json["error"]) == (422, True), refused.body
    assert api.ask("GET", "/jobs", "admin").json == before


def test_only_admins_have_models_placed_and_the_cost_is_agreed_to(api: Api) -> None:
    def place(who: str, **more: object) -> Answer:
        body = {"benchmark": "bench", "models": ["beta"], "judges": ["priced"], "max_cost": 5, **more}
        return api.ask("POST", "/placements", who, json.dumps(body).encode(), JSON)

    judge = JudgeSpec(model="scripted:coin", name="priced", price="1000000,0", settings={"max_tokens": 7})
    services.judges.add_judge(api.database, judge)
    before = len(api.ask("GET", "/jobs", "admin").json)
    assert place("submitter", step="plan").status == 403
    assert list(place("admin", step="plan").json) == ["told"]
    assert place("admin", step="bill").json["needs_consent"]
    refused = place("admin")
    assert (refused.status, "say so (--yes" in refused.json["error"]) == (422, True)
    for wrong in ({"step": "stat"}, {"models": []}, {"models": "beta"}, {"judges": ["nobody"]}, {"template": "x.md"}):
        assert place("admin", **wrong).status == 422
    assert len(api.ask("GET", "/jobs", "admin").json) == before
    started = place("admin", agreed=True)
    assert (started.status, len(started.json["jobs"])) == (202, 1)
    landed = api.ask(
        "GET", f"/placement?benchmark=bench&model=beta&judge=priced&job={started.json['jobs'][0]}", "viewer"
    )
    assert (landed.status, landed.json["calls"]) == (200, 0)
    assert api.ask("DELETE", f"/jobs/{started.json['jobs'][0]}", "admin").json["state"] == "stopped"


def test_an_audit_is_started_and_stopped(api: Api) -> None:
    asked = {"audit": "null-models", "settings": {"benchmark": "bench", "judge": "scripted:coin"}}
    assert api.ask("POST", "/audits", "submitter", json.dumps(asked).encode(), JSON).status == 403
    started = api.ask("POST", "/audits", "admin", json.dumps(asked).encode(), JSON)
    assert started.status == 202
    place = started.headers["location"].removeprefix("/api/v1")
    assert api.ask("DELETE", place, "submitter").status == 403
    assert api.ask("DELETE", place, "admin").json["state"] == "stopped"
    free = {"audit": "submissions", "settings": {"benchmark": "bench"}}
    theirs = api.ask("POST", "/audits", "admin", json.dumps(free).encode(), JSON)
    others = theirs.headers["location"].removeprefix("/api/v1")
    refused = api.ask("DELETE", others, "submitter")
    assert (refused.status, "token admin" in refused.json["error"]) == (403, True)
    assert api.ask("DELETE", others, "viewer").status == 403
    assert api.ask("DELETE", others, "admin").json["state"] == "stopped"
    mine = api.ask("POST", "/audits", "submitter", json.dumps(free).encode(), JSON)
    assert mine.status == 202
    assert api.ask("DELETE", mine.headers["location"].removeprefix("/api/v1"), "submitter").status == 200
    assert {job["state"] for job in api.ask("GET", "/jobs", "viewer").json} <= {"stopped", "done"}
    assert isinstance(api.ask("GET", "/audits?benchmark=bench", "viewer").json, list)


@pytest.mark.parametrize("settings", [{"baseline": "x1"}, {"model": ["alpha", "x1"]}, {"benchmark": "nobody"}])
def test_an_audit_of_what_is_not_there_is_refused(api: Api, settings: dict[str, object]) -> None:
    asked = {"audit": "submissions", "settings": {"benchmark": "bench", **settings}}
    answer = api.ask("POST", "/audits", "submitter", json.dumps(asked).encode(), JSON)
    assert answer.status == 422
    assert "unknown" in answer.json["error"]


@pytest.mark.parametrize("place", ["/runs", "/jobs"])
def test_what_is_listed_of_no_benchmark_is_refused(api: Api, place: str) -> None:
    answer = api.ask("GET", f"{place}?benchmark=nobody", "viewer")
    assert (answer.status, "unknown benchmark" in answer.json["error"]) == (404, True)
    assert api.ask("GET", f"{place}?benchmark=bench", "viewer").status == 200


def test_nobody_fills_the_queue(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "_OPEN", 1)
    asked = [
        {"audit": "submissions", "settings": {"benchmark": "bench", "model": [model]}} for model in ("alpha", "beta")
    ]
    answers = [api.ask("POST", "/audits", "submitter", json.dumps(document).encode(), JSON) for document in asked]
    assert [answer.status for answer in answers] == [202, 429]
    assert "retry-after" in answers[1].headers
    assert api.ask("DELETE", f"/jobs/{answers[0].json['job']}", "submitter").json["state"] == "stopped"

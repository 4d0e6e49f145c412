"""Runs and audits are started, watched and stopped by those who may."""

import json
import os
from dataclasses import replace

import pytest

from judgebench import engine, services
from judgebench.errors import DatabaseAway
from judgebench.server import working
from judgebench.services.worker import JobWorker
from judgebench.show.tables import board_document
from judgebench.spec import JudgeSpec, Study
from tests.server.serving import JSON, Answer, Api


@pytest.mark.slow
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


QUEUEING = {
    "/runs": {"benchmark": "bench", "judge": "scripted:always-second", "all_pairs": True},
    "/audits": {"audit": "submissions", "settings": {"benchmark": "bench", "model": ["alpha"]}},
    "/placements": {"benchmark": "bench", "models": ["beta"], "judges": ["both", "ways"], "agreed": True},
}


def test_what_queues_and_its_answer_are_stored_together(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is killed between gives the same jobs to the request that is sent again, and queues none anew."""
    for name, model in (("both", "scripted:coin"), ("ways", "scripted:always-first")):
        services.judges.add_judge(api.database, JudgeSpec(model=model, name=name, settings={"max_tokens": 9}))
    new: set[int] = set()
    for number, (path, body) in enumerate([*QUEUEING.items(), ("", {})]):
        before = {job.id for job in services.jobs.jobs(api.database)}
        with monkeypatch.context() as killed:
            killed.setattr(services.repeats, "end", killed_there)
            key = {**JSON, "Idempotency-Key": f"killed {number}"}
            path = path or f"/jobs/{min(new)}/resume"
            assert api.ask("POST", path, "admin", json.dumps(body).encode(), key).status == 503
        new = {job.id for job in services.jobs.jobs(api.database)} - before
        again = api.ask("POST", path, "admin", json.dumps(body).encode(), key)
        assert (again.status, again.headers["idempotent-replayed"]) == (202, "true"), again.body
        if not path.endswith("resume"):
            assert {*again.json.get("jobs", [again.json.get("job")])} == new
            assert len(new) == (2 if path == "/placements" else 1)
        assert {job.id for job in services.jobs.jobs(api.database)} == before | new
        for one in new:
            assert api.ask("DELETE", f"/jobs/{one}", "admin").json["state"] == "stopped"


def killed_there(*_: object) -> None:
    raise DatabaseAway("its process was killed")


def test_a_job_is_resumed_by_those_who_may_stop_it_and_once(api: Api) -> None:
    study = {"benchmark": "bench", "judge": "scripted:always-second", "all_pairs": True}
    run = api.ask("POST", "/runs", "admin", json.dumps(study).encode(), JSON).json["job"]
    free = {"audit": "submissions", "settings": {"benchmark": "bench", "model": ["beta"]}}
    audit = api.ask("POST", "/audits", "submitter", json.dumps(free).encode(), JSON).json["job"]
    assert api.ask("POST", f"/jobs/{run}/resume", "admin").status == 409
    for number in (run, audit):
        assert api.ask("DELETE", f"/jobs/{number}", "admin").json["state"] == "stopped"
    for who in ("viewer", "submitter"):
        assert api.ask("POST", f"/jobs/{run}/resume", who).status == 403
    assert api.ask("POST", f"/jobs/{audit}/resume", "viewer").status == 403
    assert api.ask("POST", f"/jobs/{audit}/resume", "submitter").status == 202
    key = {"Idempotency-Key": "again"}
    resumed = api.ask("POST", f"/jobs/{run}/resume", "admin", None, key)
    assert (resumed.status, resumed.json["job"], resumed.json["state"]) == (202, run, "queued")
    assert api.ask("DELETE", f"/jobs/{run}", "admin").json["state"] == "stopped"
    assert api.ask("POST", f"/jobs/{run}/resume", "admin", None, key).json == resumed.json
    assert api.ask("GET", f"/jobs/{run}", "admin").json["state"] == "stopped"
    assert api.ask("POST", "/jobs/99999/resume", "admin").status == 404
    assert api.ask("DELETE", f"/jobs/{audit}", "submitter").json["state"] == "stopped"


def test_a_job_whose_judge_may_not_be_asked_by_now_is_not_resumed(api: Api) -> None:
    judge = JudgeSpec(model="m", name="elsewhere", url="http://elsewhere.example.org/v1")
    study = Study(benchmark="bench", judge=judge, all_pairs=True)
    job = services.jobs.queue_run(api.database, study, engine.plan.estimate(api.database, study))
    services.jobs.stop(api.database, job.id)
    refused = api.ask("POST", f"/jobs/{job.id}/resume", "admin")
    assert (refused.status, "not on the list" in refused.json["error"]) == (403, True)
    assert services.jobs.job(api.database, job.id).state == "stopped"


def test_what_a_terminal_alone_may_start_is_not_resumed(api: Api) -> None:
    study = Study(benchmark="bench", judge=JudgeSpec(model="vllm:some/model"), all_pairs=True)
    job = services.jobs.queue_run(api.database, study, engine.plan.estimate(api.database, study))
    services.jobs.stop(api.database, job.id)
    refused = api.ask("POST", f"/jobs/{job.id}/resume", "admin")
    assert (refused.status, "from a terminal only" in refused.json["error"]) == (403, True)
    assert services.jobs.job(api.database, job.id).state == "stopped"


def test_jobs_are_listed_by_state_and_number(api: Api) -> None:
    def listed(query: str) -> list[int]:
        return [job["id"] for job in api.ask("GET", f"/jobs{query}", "viewer").json]

    every = api.ask("GET", "/jobs", "viewer").json
    assert listed("?last=2") == [job["id"] for job in every][:2]
    assert listed("?state=stopped&state=done") == [j["id"] for j in every if j["state"] in ("stopped", "done")]
    assert {"done", "planned"} <= every[0].keys()
    assert "worker" not in every[0]
    for wrong in ("?last=0", "?last=101", "?state=lost", "?stat=done"):
        assert api.ask("GET", f"/jobs{wrong}", "viewer").status == 422

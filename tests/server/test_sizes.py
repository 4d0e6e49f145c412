"""What a body or an address holds is bounded before anything is made of it: lists, numbers, depth and levels."""

import json
import time
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import services
from judgebench.errors import InputError
from judgebench.services.web_studies import AUDIT_FIELDS, JUDGE_FIELDS, PLACEMENT_FIELDS, STUDY_FIELDS
from judgebench.spec import JudgeSpec, Study, make
from judgebench.store import schema
from tests.server.serving import JSON, Answer, Api

STUDY: dict[str, Any] = {"benchmark": "bench", "judge": "scripted:coin", "all_pairs": True}
PLACED = {"benchmark": "bench", "models": ["beta"]}


def posted(api: Api, path: str, body: dict[str, Any]) -> Answer:
    return api.ask("POST", path, "admin", json.dumps(body).encode(), JSON)


def bodies(value: object) -> list[tuple[str, str, dict[str, Any]]]:
    """The address, the field that is wrong, and the body."""
    judge = {"model": "scripted:coin"}
    return [
        *(("/runs", field, {**STUDY, field: value}) for field in STUDY_FIELDS),
        *(("/runs", field, {**STUDY, "judge": {**judge, field: value}}) for field in JUDGE_FIELDS),
        *(("/placements", field, {**PLACED, field: value}) for field in PLACEMENT_FIELDS),
        *(("/audits", field, {"audit": "submissions", "settings": {"benchmark": "bench", field: value}})
          for field in AUDIT_FIELDS),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [[f"n{at}" for at in range(5000)], 10**26, 10**351], ids=["list", "integer", "long"])
def test_no_field_takes_more_than_is_needed(api: Api, value: object) -> None:
    for path, field, body in bodies(value):
        answer = posted(api, path, body)
        assert (answer.status, field in answer.json["error"]) == (422, True), (path, field, answer.body[:300])
    assert api.ask("GET", "/jobs", "admin").json == []


@pytest.mark.parametrize("value", [-(10**9), 0, 1e308, 5e-324, 2**63 - 1])
def test_no_number_breaks_the_server(api: Api, value: float) -> None:
    for path, field, body in bodies(value):
        answer = posted(api, path, {**body, "step": "plan"} if path == "/placements" else body)
        assert answer.status < 500, (path, field, answer.body[:300])


def test_a_body_of_many_names_is_refused_at_once(api: Api) -> None:
    begun = time.monotonic()
    answer = posted(api, "/placements", {**PLACED, "models": [f"m{at}" for at in range(60_000)]})
    assert (answer.status, answer.json["error"]) == (422, "the body: 'models': at most 100 of them are taken at once")
    assert time.monotonic() - begun < 2
    deep = b'{"benchmark": "bench", "judge": {"model": "m", "settings": {"a": %s}}}' % (b"[" * 900 + b"]" * 900)
    refused = api.ask("POST", "/runs", "admin", deep, JSON)
    assert (refused.status, "nested" in refused.json["error"]) == (422, True)


@pytest.mark.parametrize("level", ["1e-300", "0.9999999999999999", "0.2", "nan", "inf"])
@pytest.mark.parametrize(
    "path", ["compare?first=alpha&second=beta&", "leaderboard?", "goals?", "steps?", "card?judge=judge&"]
)
def test_levels_are_those_of_the_commands(api: Api, path: str, level: str) -> None:
    answer = api.ask("GET", f"/{path}benchmark=bench&level={level}", "viewer")
    assert (answer.status, "level" in answer.json["error"]) == (422, True), answer.body


@pytest.mark.parametrize("number", [10**26, 2**63, 2**31])
def test_a_job_has_a_number_that_databases_count_to(api: Api, number: int) -> None:
    ways = [("GET", f"/jobs/{number}"), ("GET", f"/jobs/{number}/audit"), ("DELETE", f"/jobs/{number}")]
    for method, path in (*ways, ("GET", f"/placement?benchmark=bench&model=beta&job={number}")):
        answer = api.ask(method, path, "admin")
        assert (answer.status, "less than or equal" in answer.json["error"]) == (422, True), answer.body


def test_models_that_are_placed_are_looked_up_and_counted_once(api: Api) -> None:
    unknown = api.ask("GET", "/placement?benchmark=bench&model=nobody", "viewer")
    assert (unknown.status, "unknown model 'nobody'" in unknown.json["error"]) == (404, True), unknown.body
    services.judges.add_judge(api.database, JudgeSpec(model="scripted:coin", name="coin"))
    once = {**PLACED, "judges": ["coin"], "step": "plan"}
    twice = {**once, "models": ["beta", "beta"], "judges": ["coin", "coin"]}
    assert (first := posted(api, "/placements", once)).status == 200, first.body
    assert posted(api, "/placements", twice).json == first.json


@pytest.mark.parametrize("price", ["1e308,1e308", "1e7,1", "9" * 300 + ",1", "0" * 300_000 + ",1"])
def test_no_price_is_one_that_nobody_charges(api: Api, price: str) -> None:
    refused = posted(api, "/runs", {**STUDY, "judge": {"model": "scripted:coin", "price": price}})
    assert (refused.status, refused.json["error"].startswith("price '")) == (422, True), refused.body
    assert len(refused.body) < 1000


def test_a_cost_without_an_end_that_is_stored_is_told_as_not_known(api: Api) -> None:
    judge = {"model": "scripted:coin", "name": "priced", "price": "1,1", "settings": {"seed": 1}}
    number = posted(api, "/runs", {**STUDY, "judge": judge}).json["job"]
    with api.database.write() as connection:
        connection.execute(sa.update(schema.jobs).values(cost_usd=float("inf")))
        connection.execute(sa.update(schema.completions).values(cost_usd=float("inf")))
    told = [api.ask("GET", path, "admin") for path in ("/jobs", f"/jobs/{number}", "/runs")]
    with api.database.write() as connection:
        connection.execute(sa.update(schema.completions).values(cost_usd=None))
    assert [answer.status for answer in told] == [200, 200, 200]
    assert told[1].json["cost_usd"] is None
    assert api.ask("DELETE", f"/jobs/{number}", "admin").json["cost_usd"] is None


@pytest.mark.parametrize("text", ["x" * 110_000, "\U0001d4b3" * 110_000, "x" * 900_000])
def test_no_job_is_longer_than_anybody_would_read(api: Api, text: str) -> None:
    """Each is listed whole, a hundred of a caller's at once."""
    long = [{"note": text}, {text: 1}, {f"n{at}": text[:2000] for at in range(60)}, {"a": [text[:2000]] * 60}]
    described = [{"settings": settings} for settings in long] + [
        {field: text} for field in JUDGE_FIELDS if field != "settings"
    ]
    described += [{"model": "m", "url": f"http://judge.example.org:8000/{text}"}]
    for more in described:
        answer = posted(api, "/runs", {**STUDY, "judge": {"model": "scripted:coin", **more}})
        assert answer.status in (403, 413, 422), (list(more), answer.body[:300])
        if answer.status != 413 and not {"settings", "url"}.isdisjoint(more):
            assert "at most 100,000 are taken" in answer.json["error"] or answer.status == 403, answer.body[:300]
    assert all(len(json.dumps(job)) < 110_000 for job in api.ask("GET", "/jobs", "admin").json)


def test_a_number_that_is_written_as_text_is_that_number(api: Api) -> None:
    """In what is queued, too, so that the same work is known again."""
    audit = {"audit": "submissions", "settings": {"benchmark": "bench", "permuted": "7", "max_calls": "2147483648"}}
    queued = posted(api, "/audits", audit)
    assert queued.status == 202, queued.body
    audit["settings"] = {"benchmark": "bench", "permuted": 7}
    assert posted(api, "/audits", audit).status == 409
    stopped = api.ask("DELETE", f"/jobs/{queued.json['job']}", "admin").json
    assert stopped["specification"]["settings"] == {"benchmark": "bench", "permuted": 7, "max_calls": 2147483648}


@pytest.mark.parametrize("limit", ["1e999", "NaN", "Infinity"])
def test_no_limit_is_one_without_an_end(api: Api, limit: str) -> None:
    """Nor one that no answer in JSON could tell of."""
    audit = {"audit": "null-models", "settings": {"benchmark": "bench", "judge": "judge", "max_cost": limit}}
    for path, body in (("/audits", audit), ("/runs", {**STUDY, "max_cost": limit})):
        refused = posted(api, path, body)
        assert (refused.status, "max_cost" in refused.json["error"]) == (422, True), refused.body
    with pytest.raises(InputError, match="finite"):
        make(Study, {**STUDY, "judge": {"model": "scripted:coin"}, "max_cost": limit}, where="study.yaml")
    assert api.ask("GET", "/jobs", "admin").status == 200

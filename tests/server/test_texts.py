"""Whatever text a request carries, in an address or a body, a text that no database can hold is a wrong value, and the
answer names the field. The addresses are those that ``openapi.json`` lists, so that a new one is held to it as well."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judgebench.server.state import ServerState
from judgebench.services.access import KNOWN_HOSTS, Policy
from judgebench.services.web_studies import AUDIT_FIELDS, JUDGE_FIELDS, STUDY_FIELDS
from judgebench.store.database import Database
from tests.filling import judged
from tests.server.serving import JSON, JSONL, Api, serving

JUDGE: dict[str, Any] = {"model": "scripted:coin"}
STUDY: dict[str, Any] = {"benchmark": "bench", "judge": JUDGE, "models": ["alpha", "beta"], "all_pairs": True}
AUDIT = {"audit": "submissions", "settings": {"benchmark": "bench"}}
REST = {"instruction": "0" * 32, "model_a": "alpha", "model_b": "beta", "model": "alpha", "judge": "judge"}
AROUND = st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=5)
BAD = st.sampled_from(["\0", "\ud800", "\udfff"])


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    judged(database)
    policy = Policy(False, {}, KNOWN_HOSTS)
    with serving(database, ServerState(database, lambda: policy)) as running:
        yield running


def parameters(api: Api) -> list[tuple[str, str, str, list[str]]]:
    """Of every address: its method, a text that it takes, and those that it wants besides."""
    found = []
    for path, methods in api.ask("GET", "/openapi.json").json["paths"].items():
        for method, about in methods.items():
            given = [one for one in about.get("parameters", ()) if one["in"] == "query"]
            wanted = [one["name"] for one in given if one.get("required")]
            for one in given:
                if "string" in json.dumps(one["schema"]) and "enum" not in json.dumps(one["schema"]):
                    found.append((method.upper(), path.removeprefix("/api/v1"), one["name"], wanted))
    return found


def test_no_address_takes_a_zero_byte(api: Api) -> None:
    held = parameters(api)
    assert {path for _, path, _, _ in held} >= {"/outputs", "/leaderboard", "/battles", "/battle", "/card", "/jobs"}
    for method, path, name, wanted in held:
        query = {"benchmark": "bench", **REST}
        query = {one: query.get(one, "x") for one in wanted} | {name: "a\0b"}
        body = b'{"instruction": "q", "output": "a"}\n' if method == "POST" else None
        answer = api.ask(method, f"{path}?{urlencode(query)}", "admin", body, JSONL if method == "POST" else {})
        assert (answer.status, name in answer.json["error"]) == (422, True), (method, path, name, answer.body)


def bodies(text: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The address, the field that is wrong, and the body."""
    for field in STUDY_FIELDS:
        yield "/runs", field, {**STUDY, field: text}
    for field in JUDGE_FIELDS:
        yield "/runs", field, {**STUDY, "judge": {**JUDGE, field: text}}
    yield "/runs", "settings", {**STUDY, "judge": {**JUDGE, "settings": {"stop": [text]}}}
    yield "/runs", "models", {**STUDY, "models": ["alpha", text]}
    yield "/runs", "pairs", {**STUDY, "pairs": [["alpha", text]]}
    for field in AUDIT_FIELDS:
        yield "/audits", field, {**AUDIT, "settings": {"benchmark": "bench", field: text}}
    yield "/audits", "audit", {**AUDIT, "audit": text}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(AROUND, BAD, AROUND)
def test_no_field_takes_half_a_character(api: Api, before: str, bad: str, after: str) -> None:
    text = before + bad + after
    for path, field, body in bodies(text):
        answer = api.ask("POST", path, "admin", json.dumps(body).encode(), JSON)
        assert (answer.status, field in answer.json["error"]) == (422, True), (path, field, answer.body)
    assert api.ask("GET", "/jobs", "admin").json == []


def test_texts_of_outputs_are_kept_without_what_no_database_holds(api: Api) -> None:
    rows = [{"instruction": "What\0?", "output": "that\ud800"}]
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    answer = api.ask("POST", "/outputs?benchmark=new&model=m&new_benchmark=true", "admin", body, JSONL)
    assert answer.status in (201, 422), answer.body
    assert answer.status == 201 or "output" in answer.json["error"]

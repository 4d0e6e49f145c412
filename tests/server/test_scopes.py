"""A token for one benchmark learns nothing of another, whatever address it asks and however: not even a name."""

import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import pytest

from judgebench import services, store
from judgebench.records import JobState
from judgebench.server.state import ServerState
from judgebench.services.access import Policy, Role
from judgebench.services.judges import add_judge
from judgebench.services.tokens import create
from judgebench.services.web_studies import AUDIT_FIELDS, JUDGE_FIELDS, STUDY_FIELDS
from judgebench.spec import JudgeSpec
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.factories import instruction
from tests.filling import submitted
from tests.server.conftest import LIMITS
from tests.server.scoped import fill
from tests.server.serving import JSON, JSONL, Answer, Api, serving

MINE, OTHER = "amber", "zircon"  # all of the one, and of the other, has it in its name
_NEAR = ("zircom-model-a", "quartz-model", "zirco-bench")  # a slip, what a name was before, and another slip
_ODD = ("", "\x00", "9" * 30)
_SENT = "zircon-llm"  # by the asker itself, whose own jobs have it then
_JUDGE_URL = "http://judge.example.org:8000/v1"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    path = tmp_path_factory.mktemp("scopes") / "judgebench.db"
    with closing(Database(str(path), create=True)) as database:
        fill(database, MINE, 0)
        fill(database, OTHER, 50)
        services.upkeep.rename(database, "model", "zircon-model-b", "quartz-model", yes=True)
        services.upkeep.rename(database, "model", "quartz-model", "zircon-model-b", yes=True)
        policy = Policy(False, {}, ("judge.example.org:8000", "zircon.example.org", "amber.example.org"))
        with serving(database, ServerState(database, lambda: policy, limits=LIMITS)) as running:
            for number, name in enumerate((MINE, OTHER)):
                body = {"benchmark": f"{name}-bench", "judge": "scripted:coin", "all_pairs": True, "seed": number}
                assert running.ask("POST", "/runs", "admin", json.dumps(body).encode(), JSON).status == 202
            for role in ("viewer", "submitter", "admin"):
                mine = create(database, f"amber-{role}", Role[role.upper()], benchmarks=("amber-bench",))
                running.tokens[f"amber-{role}"] = mine.secret
            create(database, "zircon-token", Role.ADMIN, benchmarks=("zircon-bench",))
            yield running


def values(parameter: dict[str, Any]) -> tuple[str, ...]:
    """What nearly names something of the other benchmark where it takes names, and what is none."""
    schema = json.dumps(parameter["schema"])
    takes_names = '"string"' in schema and "enum" not in schema
    return (*_NEAR, *_ODD) if takes_names else _ODD[-1:]


def queries(parameters: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """With each parameter given each of its values, the others as they fit; and once none."""
    fitting = {"benchmark": "amber-bench", "judge": "amber-judge", "model": "amber-model-new"}
    fitting |= {"first": "amber-model-a", "second": "amber-model-b"}
    names = [one["name"] for one in parameters if one["in"] == "query"]
    usual = {name: fitting[name] for name in names if name in fitting}
    yield {}
    yield usual
    yield {one["name"]: usual[one["name"]] for one in parameters if one["required"] and one["name"] in usual}
    for one in parameters:
        yield from (usual | {one["name"]: value} for value in values(one) if one["in"] == "query")
    for name in ("by", "format", "full", "method", "all_judges"):
        choices = {"by": "people", "format": "table", "full": "true", "method": "bradley-terry", "all_judges": "true"}
        if name in names:
            yield usual | {name: choices[name]}


def rows() -> Iterator[bytes]:
    """Outputs: to an instruction of this benchmark, to one of the other, and a copy of what is there."""
    for number, text in ((0, "new"), (50, "new"), (0, "A text of everybody, 0"), (50, "A text of everybody, 0")):
        yield json.dumps({"instruction": instruction(number).text, "output": text}).encode()
    yield b"{"


def bodies() -> Iterator[Any]:
    study = {"benchmark": "amber-bench", "judge": "amber-judge", "all_pairs": True}
    yield from ([], {}, {"benchmark": "zircom"}, study)
    for field, value in itertools.product(STUDY_FIELDS, (_NEAR[0], ["zircom-model-a"], [["zircom-model-a", "x"]])):
        yield study | {field: value}
    for field, value in itertools.product(JUDGE_FIELDS, ("zircom-judge", _JUDGE_URL)):
        yield study | {"judge": {"model": "m", "url": _JUDGE_URL, field: value}}
    for more in ({}, {"name": "amber-other"}, {"name": "amber-other", "same_judge": True}):
        yield study | {"judge": {"model": _SENT, "url": _JUDGE_URL, **more}}
    for step, judges in itertools.product(("plan", "bill", "start"), ([], ["amber-judge"], ["zircom-judge"])):
        placing = {"benchmark": "amber-bench", "judges": judges, "step": step}
        yield from (placing | {"models": [model]} for model in ("amber-model-b", "zircom-model-a"))
    for audit in ("submissions", "null-models", "robustness", "zircom"):
        settings = {"benchmark": "amber-bench"}
        yield {"audit": audit, "settings": settings}
        for field, value in itertools.product(AUDIT_FIELDS, ("zircom-judge", ["zircom-model-a"])):
            yield {"audit": audit, "settings": settings | {field: value}}


def requests(api: Api) -> Iterator[tuple[str, str, bytes | None, dict[str, str]]]:
    """Method, address, body and headers, for every route that the server says it has."""
    for whole, methods in api.ask("GET", "/openapi.json").json["paths"].items():
        path = whole.removeprefix("/api/v1")
        for method, about in methods.items():
            if "{number}" in path:
                numbers = (*range(1, 8), "x", "9" * 30)
                yield from ((method.upper(), path.replace("{number}", str(number)), None, {}) for number in numbers)
            elif method == "get":
                for query in queries(about.get("parameters", [])):
                    yield "GET", f"{path}?{urlencode(query)}", None, {}
            elif path == "/outputs":
                asked = [urlencode({"dry_run": "true", **query}) for query in queries(about["parameters"])]
                yield from (("POST", f"{path}?{words}", next(rows()), JSONL) for words in asked)
                yield from (("POST", f"{path}?{asked[1]}", row, JSONL) for row in rows())
            else:
                yield from (("POST", path, json.dumps(body).encode(), JSON) for body in bodies())


@pytest.mark.slow
def test_no_answer_names_anything_of_another_benchmark(api: Api) -> None:
    found, every = [], list(requests(api))
    for method, path, body, headers in every:
        answer = api.ask(method, path, "amber-admin", body, headers)
        said = answer.body.decode().lower()
        assert answer.status < 500, (method, path, body, said)
        if OTHER in said.replace(_SENT, ""):
            found.append((method, path, body, said))
    assert found == []
    assert len(every) > 300


def test_a_job_of_another_benchmark_is_resumed_as_one_that_is_not_there(api: Api) -> None:
    said = [api.ask("POST", f"/jobs/{number}/resume", "amber-admin") for number in (job_of(api, "zircon-bench"), 99999)]
    assert [answer.status for answer in said] == [404, 404]
    assert said[0].json["error"].split("'")[2] == said[1].json["error"].split("'")[2]
    assert api.ask("POST", f"/jobs/{job_of(api, 'amber-bench')}/resume", "amber-viewer").status == 403


def job_of(api: Api, benchmark: str) -> int:
    """The oldest: later ones may be of a judge whose model the asker named."""
    return min(int(job["id"]) for job in api.ask("GET", "/jobs", "admin").json if job["benchmark"] == benchmark)


def test_what_a_job_of_its_own_benchmark_says_is_told_as_it_is(api: Api) -> None:
    """However others are called, by words that it says too."""
    number = job_of(api, "amber-bench")
    message = "the demo of zircon-bench replied 500"
    report = {"planned": 3, "reasons": {"asked as zircon-judge": 2, "no reply": 1}}
    with api.database.write() as connection:
        store.jobs.end(connection, number, JobState.FAILED, message, report)
    whole, mine = (api.ask("GET", f"/jobs/{number}", who).json for who in ("admin", "amber-admin"))
    assert (whole["message"], whole["report"]) == (message, report)
    assert (mine["message"], mine["report"]) == (message, report)
    assert {"message", "report", "specification"}.isdisjoint(api.ask("GET", f"/jobs/{number}", "amber-viewer").json)


FIELDS = {"judge": ("zircon-judge", "basalt-judge")}  # a name of the other benchmark, and one of none
FIELDS |= dict.fromkeys(
    ("model", "first", "second", "baseline", "model_a", "model_b"), ("zircon-model-a", "basalt-model-a")
)


def asked_of_names(api: Api) -> Iterator[tuple[str, str, Any, tuple[str, str]]]:
    """Method, address and body with NAME where each of the two names is to stand."""
    for whole, methods in api.ask("GET", "/openapi.json").json["paths"].items():
        parameters = [one["name"] for one in methods.get("get", {}).get("parameters", []) if one["in"] == "query"]
        usual = next(itertools.islice(queries(methods.get("get", {}).get("parameters", [])), 1, None))
        usual |= {"model": "amber-model-a"} if "model" in usual else {}
        usual |= {"model_a": "amber-model-a", "model_b": "amber-model-b"} if "model_a" in parameters else {}
        usual |= {"instruction": instruction(0).key} if whole.endswith("/battle") else {}
        for field in FIELDS.keys() & set(parameters):
            query = urlencode(usual | {field: "NAME"})
            yield "GET", f"{whole.removeprefix('/api/v1')}?{query}", None, FIELDS[field]
    study = {"benchmark": "amber-bench", "all_pairs": True}
    for judge in ("NAME", {"model": "NAME"}):
        yield "POST", "/runs", study | {"judge": judge}, FIELDS["judge"]
    settings = {"benchmark": "amber-bench", "judge": "NAME", "model": "amber-model-a", "opponent": "amber-model-b"}
    yield "POST", "/audits", {"audit": "robustness", "settings": settings}, FIELDS["judge"]
    for step in ("plan", "bill"):
        placing = {"benchmark": "amber-bench", "judges": ["NAME"], "models": ["amber-model-b"], "step": step}
        yield "POST", "/placements", placing, FIELDS["judge"]


def test_a_name_of_another_benchmark_and_one_of_none_get_the_same_answer(api: Api) -> None:
    every = list(asked_of_names(api))
    assert len(every) > 15
    for method, path, body, names in every:
        said = []
        for name in names:
            sent = None if body is None else json.dumps(body).replace("NAME", name).encode()
            answer = api.ask(method, path.replace("NAME", name), "amber-admin", sent, JSON if sent else {})
            said.append((answer.status, answer.body.decode().split(name)[0]))
        assert said[0] == said[1], (method, path, body)


def stop_all(api: Api) -> None:
    """Jobs that would be twins of new ones."""
    for job in api.ask("GET", "/jobs", "admin").json:
        api.ask("DELETE", f"/jobs/{job['id']}", "admin")


def test_where_a_judge_is_asked_is_for_admins_of_all(api: Api) -> None:
    """Of whoever is named, and of whoever a run, an audit or a collection of outputs describes."""
    study = {"benchmark": "amber-bench", "judge": "amber-judge", "models": ["amber-model-a", "amber-model-b"]}
    stop_all(api)
    number = posted(api, "/runs", study | {"all_pairs": True, "repeats": 7}, "amber-admin").json["job"]
    for who, is_told in (("admin", True), ("amber-admin", False)):
        for path in (f"/jobs/{number}", "/jobs"):
            answer = api.ask("GET", path, who)
            assert answer.status == 200
            assert ("https://amber.example.org" in answer.body.decode()) is is_told
            assert ('"variables"' in answer.body.decode()) is is_told
    told = api.ask("DELETE", f"/jobs/{number}", "amber-admin").json
    assert told["specification"]["study"]["judge"] == "amber-judge"
    assert (told["specification"]["study"]["repeats"], told["state"]) == (7, "stopped")


@pytest.mark.parametrize(
    ("specification", "shown"),
    [
        ({"audit": "null-models", "settings": {"judge": {"url": "u"}, "limit": 3}}, {"judge": "who", "limit": 3}),
        ({"generation": {"generator": {"url": "u"}, "model": "m"}, "audit": True}, {"generator": "who", "model": "m"}),
    ],
)
def test_who_is_asked_goes_by_name(specification: dict[str, Any], shown: dict[str, Any]) -> None:
    job = SimpleNamespace(specification=specification, subject="who")
    told = services.scopes.asked_for(cast(services.jobs.Job, job))
    assert shown in told.values()
    assert told.keys() == specification.keys()


def test_the_newest_jobs_are_those_of_its_own_benchmark(api: Api) -> None:
    body = {"benchmark": "amber-bench", "judge": "amber-judge", "all_pairs": True, "repeats": 9}
    stop_all(api)
    assert posted(api, "/runs", body, "amber-admin").status == 202
    assert api.ask("GET", "/jobs?last=1", "admin").json[0]["benchmark"] != "zircon-bench", "else the test shows nothing"
    theirs = create(api.database, "zircon-viewer", Role.VIEWER, benchmarks=("zircon-bench",)).secret
    listed = api.ask("GET", "/jobs?last=1", theirs).json
    assert [job["benchmark"] for job in listed] == ["zircon-bench"]


def posted(api: Api, path: str, body: dict[str, Any], who: str) -> Answer:
    return api.ask("POST", path, who, json.dumps(body).encode(), JSON)


def test_a_token_for_some_benchmarks_describes_no_judge(api: Api) -> None:
    """Neither one of its own, with another address or other settings, nor one that is there elsewhere or nowhere."""
    add_judge(api.database, JudgeSpec(model="scripted:coin", name="zircon-coin", settings={"max_tokens": 901}))
    before = check(api.database).rows
    for judge in (
        {"model": "amber-llm", "name": "amber-judge", "url": _JUDGE_URL, "same_judge": True},
        {"model": "amber-judge", "settings": {"max_tokens": 5}},
        {"model": "scripted:coin", "settings": {"max_tokens": 901}},
        {"model": "zircon-llm", "name": "zircon-judge", "url": _JUDGE_URL},
        {"model": "basalt-llm", "name": "basalt-judge", "url": _JUDGE_URL},
    ):
        study = {"benchmark": "amber-bench", "judge": judge, "all_pairs": True}
        refused = posted(api, "/runs", study, "amber-admin")
        assert (refused.status, "by its name alone" in refused.json["error"]) == (403, True)
        refused = posted(
            api, "/placements", {"benchmark": "amber-bench", "models": ["m"], "judges": judge}, "amber-admin"
        )
        assert refused.status == 403
    assert check(api.database).rows == before


def test_a_token_for_some_benchmarks_has_the_judge_of_their_standing_board_asked(api: Api) -> None:
    """By which whoever has all gives it one that was never asked there."""
    add_judge(api.database, JudgeSpec(model="scripted:coin", name="amber-new-judge", settings={"max_tokens": 902}))
    study = {"benchmark": "amber-bench", "judge": "amber-new-judge", "all_pairs": True}
    assert posted(api, "/runs", study, "amber-admin").status == 422
    pool = ("amber-model-a", "amber-model-b")
    services.standing.keep(api.database, "amber-bench", judge="amber-new-judge", pool=pool)
    try:
        assert posted(api, "/runs", study, "amber-admin").status == 202
    finally:
        services.standing.remove(api.database, "amber-bench")


def test_a_token_for_some_benchmarks_declares_no_lineage(api: Api) -> None:
    """Of a model of its own, of another benchmark, and of none."""
    row = json.dumps({"instruction": instruction(0).text, "output": "A text of everybody, 0"}).encode()
    declared = services.lineage.declared(api.database)
    for model in ("amber-model-a", "zircon-model-a", "basalt-model-a"):
        for more in ("family=another", "parent=zircon-model-b", "trained_on=basalt", "accept_lineage=true"):
            path = f"/outputs?benchmark=amber-bench&model={model}&{more}"
            refused = api.ask("POST", path, "amber-admin", row, JSONL)
            assert (refused.status, "lineage" in refused.json["error"]) == (403, True), refused.body
    assert services.lineage.declared(api.database) == declared
    own = api.ask("POST", "/outputs?benchmark=amber-bench&model=amber-model-a&dry_run=true", "amber-admin", row, JSONL)
    assert own.status == 200


def test_a_model_s_name_is_one_s_own_benchmark_s(api: Api) -> None:
    """Outputs under a name that another benchmark has are stored on the token's own, and change nothing there."""
    theirs = api.ask("GET", "/battles?benchmark=zircon-bench&full=true", "admin").body
    row = json.dumps({"instruction": instruction(0).text, "output": "mine"}).encode()
    for status in (201, 200):
        path = "/outputs?benchmark=amber-bench&model=zircon-model-a"
        assert api.ask("POST", path, "amber-submitter", row, JSONL).status == status
    assert api.ask("GET", "/battles?benchmark=zircon-bench&full=true", "admin").body == theirs
    services.upkeep.delete(api.database, "model", "zircon-model-a", yes=True)


def test_a_token_makes_no_benchmark_anew(api: Api) -> None:
    """One that was deleted, and whose name is nearly that of another."""
    submitted(api.database, [instruction(90)], ["gone-model"], lambda *_: "a text", benchmark="zircon-bend")
    secret = create(api.database, "of gone", Role.ADMIN, benchmarks=("zircon-bend",)).secret
    services.upkeep.delete(api.database, "benchmark", "zircon-bend", yes=True)
    row = json.dumps({"instruction": instruction(90).text, "output": "mine"}).encode()
    for more in ("", "&new_benchmark=true"):
        refused = api.ask("POST", f"/outputs?benchmark=zircon-bend&model=m{more}", secret, row, JSONL)
        assert refused.status == 422
        assert refused.json["error"] == "unknown benchmark 'zircon-bend': there is none by this name for you"


def test_a_card_is_of_the_token_s_own_benchmarks(api: Api) -> None:
    assert api.ask("GET", "/card?judge=amber-judge&benchmark=amber-bench", "amber-viewer").status == 200
    for query in ("judge=amber-judge", "judge=amber-judge&benchmark=zircon-bench"):
        refused = api.ask("GET", f"/card?{query}", "amber-viewer")
        assert refused.status == 403
    names = ("zircon-judge", "quartz-judge")
    unknown = [api.ask("GET", f"/card?judge={name}&benchmark=amber-bench", "amber-viewer") for name in names]
    assert [answer.status for answer in unknown] == [404, 404]
    assert unknown[0].json["error"].replace("zircon", "quartz") == unknown[1].json["error"]


def test_what_a_role_may_not_do_is_told_whatever_tokens_and_models_are_called(api: Api) -> None:
    assert {"admin", "viewer"} <= {token.name for token in services.tokens.tokens(api.database)}
    study = json.dumps({"benchmark": "amber-bench", "judge": "amber-judge", "all_pairs": True}).encode()
    told = api.ask("POST", "/runs", "amber-viewer", study, JSON)
    assert (told.status, told.json["error"]) == (403, "this needs the role admin; token amber-viewer has viewer")

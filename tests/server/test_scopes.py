"""A token for one benchmark learns nothing of another, whatever address it asks and however: not even a name."""

import itertools
import json
import shlex
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench import engine, services, store
from judgebench.errors import InputError
from judgebench.records import Battle, HumanLabel, JobState, Judge, Lineage, Model, Order, Trial, check_name
from judgebench.server.state import ServerState
from judgebench.services.access import Policy, Role
from judgebench.services.judges import add_judge
from judgebench.services.tokens import create
from judgebench.services.web_studies import AUDIT_FIELDS, JUDGE_FIELDS, STUDY_FIELDS
from judgebench.show.text import escaped_html, escaped_markdown, one_line
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests.factories import instruction, ok, result
from tests.filling import submitted
from tests.server.conftest import LIMITS
from tests.server.serving import JSON, JSONL, Api, serving

MINE, OTHER = "amber", "zircon"  # all of the one, and of the other, has it in its name
_NEAR = ("zircom-model-a", "quartz-model", "zirco-bench")  # a slip, what a name was before, and another slip
_ODD = ("", "\x00", "9" * 30)
_SENT = "zircon-llm"  # by the asker itself, whose own jobs have it then
_JUDGE_URL = "http://judge.example.org:8000/v1"


def fill(database: Database, name: str, start: int) -> None:
    """A benchmark with two models, a judge that is reached at an address, a voter, verdicts, a job and an audit."""
    models = [Model(f"{name}-model-{one}", Lineage(f"{name}-family")) for one in "ab"]
    asked = [instruction(number, category=f"{name}-category") for number in range(start, start + 3)]
    outputs = submitted(
        database, asked, models, lambda _, number: f"A text of everybody, {number}", benchmark=f"{name}-bench"
    )
    url = f"https://{name}.example.org/v1"
    judge = add_judge(database, JudgeSpec(model=f"{name}-llm", url=url, name=f"{name}-judge"))
    asking = {"judge": {"model": f"{name}-llm", "url": url, "name": judge.name}}
    with database.write() as connection:
        run = store.runs.start_run(
            connection,
            benchmark_id=store.benchmarks.benchmark_id(connection, f"{name}-bench"),
            judge_id=store.judges.add_judge(connection, judge),
            kind="run",
            specification=asking,
        )
        writer = VerdictWriter(connection, run)
        rows = [
            result(trial_of(judge, outputs, one.key, order), ok(0.8), f"{name}-reply")
            for one in asked
            for order in Order
        ]
        writer.add(connection, rows)
    for template in ("goals", "steps"):
        lister = JudgeSpec(
            **{"model": f"scripted:{'goals' if template == 'goals' else 'all-good'}", "name": f"{name}-{template}"},
            **{"template": f"pointwise/{template}", "settings": {"max_tokens": 1000 + start}},
        )
        engine.run.run(database, Study(benchmark=f"{name}-bench", judge=lister), environment={})
    names = [model.name for model in models]
    label = HumanLabel.of(f"{name}-voter", asked[0].key, first=names[0], second=names[1], preference=1.0)
    services.labels.vote(database, f"{name}-bench", label)


def trial_of(judge: Judge, outputs: Any, key: str, order: Order) -> Trial:
    sides = [output for (instruction_key, _), output in outputs.items() if instruction_key == key]
    asked = next(one for one in map(instruction, range(100)) if one.key == key)
    return Trial(judge.digest, Battle.of(asked, *sides), order)


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


def test_what_a_job_says_names_nothing_of_another_benchmark(api: Api) -> None:
    """An admin of all benchmarks sees it as it is, one of some without what is of others, word by word."""
    number = job_of(api, "amber-bench")
    message = "https://zircon.example.org/v1 replied 500"
    report = {"planned": 3, "reasons": {"asked as zircon-judge": 2, "no reply": 1}}
    with api.database.write() as connection:
        store.jobs.end(connection, number, JobState.FAILED, message, report)
    whole = api.ask("GET", f"/jobs/{number}", "admin").json
    assert (whole["message"], whole["report"]) == (message, report)
    mine = api.ask("GET", f"/jobs/{number}", "amber-admin").json
    assert mine["message"] == services.scopes.OF_OTHERS
    assert mine["report"] == {"planned": 3, "reasons": {services.scopes.OF_OTHERS: 2, "no reply": 1}}
    assert mine["specification"] == whole["specification"]
    for answer in (api.ask("GET", path, "amber-admin") for path in ("/jobs", f"/jobs/{number}")):
        assert OTHER not in answer.body.decode()
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


def test_what_a_job_says_of_where_a_judge_of_all_is_asked_is_for_admins_of_all(api: Api) -> None:
    url = "https://zircon.example.org/v1"
    add_judge(api.database, JudgeSpec(model="shared-llm", url=url, name="shared-judge"))
    body = {"benchmark": "amber-bench", "judge": "shared-judge", "all_pairs": True}
    started = api.ask("POST", "/runs", "amber-admin", json.dumps(body).encode(), JSON)
    assert started.status == 202
    number = started.json["job"]
    stopped = api.ask("DELETE", f"/jobs/{number}", "amber-admin")
    for answer in (stopped, api.ask("GET", f"/jobs/{number}", "amber-admin"), api.ask("GET", "/jobs", "amber-admin")):
        assert "zircon.example.org" not in answer.body.decode()
    assert "zircon.example.org" in api.ask("GET", f"/jobs/{number}", "admin").body.decode()


def test_the_newest_jobs_are_those_of_its_own_benchmark(api: Api) -> None:
    assert api.ask("GET", "/jobs?last=1", "admin").json[0]["benchmark"] != "zircon-bench", "else the test shows nothing"
    theirs = create(api.database, "zircon-viewer", Role.VIEWER, benchmarks=("zircon-bench",)).secret
    listed = api.ask("GET", "/jobs?last=1", theirs).json
    assert [job["benchmark"] for job in listed] == ["zircon-bench"]


def test_a_token_for_some_benchmarks_changes_nothing_that_all_share(api: Api) -> None:
    """Neither an address of a judge nor what a model is made of."""
    judge = {"model": "amber-llm", "name": "amber-judge", "url": _JUDGE_URL, "same_judge": True}
    study = json.dumps({"benchmark": "amber-bench", "judge": judge, "all_pairs": True}).encode()
    refused = api.ask("POST", "/runs", "amber-admin", study, JSON)
    assert (refused.status, "same_judge" in refused.json["error"]) == (403, True)
    row = json.dumps({"instruction": instruction(0).text, "output": "A text of everybody, 0"}).encode()
    for model in ("amber-model-a", "zircon-model-a"):
        path = f"/outputs?benchmark=amber-bench&model={model}&family=another"
        refused = api.ask("POST", path, "amber-admin", row, JSONL)
        assert (refused.status, "lineage" in refused.json["error"]) == (403, True), refused.body
    with api.database.read() as connection:
        assert _JUDGE_URL not in {one.url for one in store.judges.addresses(connection)["amber-judge"]}
    own = api.ask("POST", "/outputs?benchmark=amber-bench&model=amber-model-a&dry_run=true", "amber-admin", row, JSONL)
    assert own.status == 200


def test_a_card_is_of_the_token_s_own_benchmarks(api: Api) -> None:
    assert api.ask("GET", "/card?judge=amber-judge&benchmark=amber-bench", "amber-viewer").status == 200
    for query in ("judge=amber-judge", "judge=amber-judge&benchmark=zircon-bench"):
        refused = api.ask("GET", f"/card?{query}", "amber-viewer")
        assert refused.status == 403
    names = ("zircon-judge", "quartz-judge")
    unknown = [api.ask("GET", f"/card?judge={name}&benchmark=amber-bench", "amber-viewer") for name in names]
    assert [answer.status for answer in unknown] == [404, 404]
    assert unknown[0].json["error"].replace("zircon", "quartz") == unknown[1].json["error"]


SPELLINGS = (
    *(str, repr, json.dumps, ascii, shlex.quote, quote, escaped_html, escaped_markdown, one_line),
    lambda name: json.dumps(name, ensure_ascii=False),
    lambda name: json.dumps(f"{name!r} failed"),
    lambda name: repr([f"say '{name}'", name]),
    lambda name: one_line(name, 12),
)


def is_name(text: str) -> bool:
    try:
        check_name("judge", text)
    except InputError:
        return False
    return True


@given(st.text(min_size=3, max_size=30).map("zq7".__add__).filter(is_name), st.sampled_from(SPELLINGS))
def test_a_name_is_hidden_however_it_is_spelt(name: str, spelt: Any) -> None:
    document = {"message": f"this judge is stored under the name {spelt(name)}: use that"}
    assert services.scopes._shown(document, {name}) == {"message": services.scopes.OF_OTHERS}
    assert services.scopes._shown({"message": "no reply"}, {name}) == {"message": "no reply"}


@pytest.mark.parametrize(
    "name", [r"ACME\hidjudge", 'it\'s "theirs"', r"ACME\new", "<zq7&b>", r"ACME\xq", "50%25-zq", "é\U0001f600"]
)
def test_odd_names_are_hidden_however_they_are_spelt(name: str) -> None:
    for spelt in SPELLINGS:
        words = f"this judge is stored under the name {spelt(name)}: use that"
        assert list(services.scopes._named({name}, words)) == [name], words


def test_what_a_role_may_not_do_is_told_whatever_tokens_and_models_are_called(api: Api) -> None:
    assert {"admin", "viewer"} <= {token.name for token in services.tokens.tokens(api.database)}
    study = json.dumps({"benchmark": "amber-bench", "judge": "amber-judge", "all_pairs": True}).encode()
    told = api.ask("POST", "/runs", "amber-viewer", study, JSON)
    assert (told.status, told.json["error"]) == (403, "this needs the role admin; token amber-viewer has viewer")
    named = services.scopes._named
    assert not [*named({"admin", "viewer"}, told.json["error"])]
    assert [*named({"admin"}, "judge 'admin' is stored")] == ["admin"]


def test_a_conflict_with_a_judge_of_another_benchmark_does_not_tell_its_name(api: Api) -> None:
    spec = {"model": "scripted:always-first", "template": "pairwise/three-way"}
    for most, judge in enumerate((r"ACME\hidjudge", 'it\'s "theirs"'), 900):
        add_judge(api.database, JudgeSpec(**spec, name=judge, settings={"max_tokens": most}))
        mine = {**spec, "settings": {"max_tokens": most}}
        body = json.dumps({"benchmark": "amber-bench", "judge": mine, "all_pairs": True}).encode()
        answer = api.ask("POST", "/runs", "amber-admin", body, JSON)
        assert (answer.status, answer.json["error"]) == (409, services.scopes.KEPT_BACK)

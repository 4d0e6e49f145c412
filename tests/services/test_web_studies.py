"""What may be asked of judges from the web is no more than the app's pages offer, whatever the fields are."""

import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench import engine, store
from judgebench.clients import providers
from judgebench.clients.providers import GROUP
from judgebench.errors import InputError
from judgebench.records import Judge
from judgebench.services.access import KNOWN_HOSTS, Forbidden, Policy, Role, local_policy
from judgebench.services.placement import CAP_USD
from judgebench.services.web_studies import AUDIT_CALLS, audit_of, check_asked, needed, study_of, web_judge
from judgebench.spec import JudgeSpec, Study
from judgebench.spec.templates import load_template
from judgebench.store.database import Database
from tests.filling import judged

POLICY = Policy(False, {}, (*KNOWN_HOSTS, "gpu.example.org:8000"))


@pytest.fixture
def known(database: Database) -> Database:
    judged(database)
    return database


def study(database: Database, judge: Any, **more: Any) -> Study:
    return study_of(database, {"benchmark": "bench", "judge": judge, "all_pairs": True, **more}, POLICY, where="here")


def test_a_study_has_a_limit_where_a_price_is_known(known: Database) -> None:
    judge = {"model": "m", "url": "http://gpu.example.org:8000/v1", "price": "1,2", "key_env": "GPU_API_KEY"}
    assert study(known, judge).max_cost == CAP_USD
    assert study(known, judge, max_cost=1.5).max_cost == 1.5
    assert study(known, "scripted:coin").max_cost is None
    with pytest.raises(InputError, match="max_cost: must be a number"):
        study(known, judge, max_cost="5")
    with pytest.raises(InputError, match="at most 64"):
        study(known, judge, concurrency=65)


@given(
    st.sampled_from([*(set(JudgeSpec.model_fields) | set(Study.model_fields)), "x"]), st.sampled_from(["a", 1, [], {}])
)
def test_no_field_is_taken_that_is_not_listed(name: str, value: Any) -> None:
    from judgebench.services.web_studies import JUDGE_FIELDS, STUDY_FIELDS, _check_fields

    for fields in (JUDGE_FIELDS, STUDY_FIELDS):
        if name not in fields:
            with pytest.raises(InputError, match="unknown field"):
                _check_fields({name: value}, fields, "here")


@pytest.mark.parametrize("field", ["connection", "vllm", "ray"])
def test_files_programs_and_ways_are_no_fields(field: str) -> None:
    from judgebench.services.web_studies import JUDGE_FIELDS

    assert field not in JUDGE_FIELDS


@pytest.mark.parametrize(
    "judge",
    [
        {"model": "python:os:system"},
        {"model": "vllm:meta/llama"},
        {"model": "vllm-offline:/srv/model"},
        {"model": "any-llm:anthropic:claude"},
        {"model": "m", "template": "/etc/passwd"},
        {"model": "m", "template": "pairwise/../../x.v1.md"},
        {"model": "m", "url": ["http://gpu.example.org:8000/v1", "http://10.0.0.1/v1"]},
        {"model": "reward", "url": "http://gpu.example.org:8000.evil.example/v1"},
    ],
)
def test_what_would_reach_further_is_refused(known: Database, judge: dict[str, Any]) -> None:
    with pytest.raises(Forbidden):
        web_judge(known, judge, POLICY, where="here")


@pytest.mark.parametrize("judge", [None, 5, ["m"], {"model": "m", "url": 5}, {"model": "m", "url": [5]}, {}])
def test_what_is_no_judge_is_said(known: Database, judge: Any) -> None:
    with pytest.raises(InputError):
        web_judge(known, judge, POLICY, where="here")


def test_an_audit_that_asks_a_judge_is_an_admin_s_and_has_an_end(known: Database) -> None:
    fields = {"benchmark": "bench", "judge": "scripted:coin", "limit": 5}
    audit, settings, given_ = audit_of(known, "null-models", fields, POLICY, where="here")
    assert (audit.name, given_["max_calls"], given_["judge"]) == ("null-models", AUDIT_CALLS, "scripted:coin")
    assert settings.benchmark == "bench"
    assert needed(fields) is Role.ADMIN
    assert needed({"benchmark": "bench"}) is Role.SUBMITTER
    with pytest.raises(InputError, match="name a judge"):
        audit_of(known, "null-models", {**fields, "judge": {"model": "m"}}, POLICY, where="here")
    with pytest.raises(InputError, match="unknown field"):
        audit_of(known, "null-models", {**fields, "concurrency": 10_000}, POLICY, where="here")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["vllm-offline:/models/x", "python:os", "foreign:x", "vllm:x", "any-llm:openai/x"])
@pytest.mark.parametrize("name", [None, "careful"])
def test_a_judge_that_a_file_brought_loads_nothing(known: Database, model: str, name: str | None) -> None:
    """Whoever imports a file chooses its judge's model, and the digest of a template that everybody has."""
    template = load_template("pairwise/two-way")
    brought = Judge(name or model, model, template.id, template.digest, {})
    with known.write() as connection:
        store.judges.add_judge(connection, brought, template.shows)
    if name is None:
        with pytest.raises(Forbidden, match="from a terminal only"):
            study(known, model)
        return
    asked = study(known, name)
    assert asked.judge.model == name, "a server's own name for it, without an address"
    with pytest.raises(InputError, match="needs an address"):
        engine.plan.estimate(known, asked)


@pytest.mark.parametrize("model", [{"a": 1}, ["m"], 7, True])
def test_a_model_that_is_no_text_is_refused(known: Database, model: Any) -> None:
    with pytest.raises(InputError, match="model"):
        study(known, {"model": model})


@pytest.mark.parametrize("model", ["vllm-offline:/models/x", "vllm:x", "any-llm:openai/x", "foreign:x"])
def test_a_program_is_started_only_where_somebody_has_added_it(known: Database, model: str) -> None:
    """Pages and API ask here; on a person's own machine everything may be asked."""
    judge = JudgeSpec(model=model)
    with pytest.raises(Forbidden, match="from a terminal only"):
        check_asked(known, judge, POLICY)
    check_asked(known, judge, local_policy())


@pytest.mark.parametrize("field", ["model", "name"])
@pytest.mark.parametrize("text", ["m\0", "m\ud800"])
def test_a_name_that_no_database_holds_is_refused(known: Database, field: str, text: str) -> None:
    with pytest.raises(InputError, match=f"judge: {field}: .*a zero byte"):
        study(known, {"model": "m", "url": "http://gpu.example.org:8000/v1", field: text})


def test_an_installed_package_is_loaded_for_no_address(known: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("pkg", "parrots:Parrot", GROUP)
    monkeypatch.setattr(providers, "entry_points", lambda **about: [point] if about.get("name") == "pkg" else [])
    url = "http://gpu.example.org:8000/v1"
    with pytest.raises(Forbidden, match="from a terminal only"):
        study(known, {"model": "pkg:x", "url": url})
    assert study(known, {"model": "llama3:8b", "url": url}).judge.model == "llama3:8b", "a server's own name"


def test_pages_ask_whether_a_judge_may_be_asked() -> None:
    """The policy alone does not know what is added here: only what goes on, and what tests a known judge, asks it."""
    root = Path(__file__).parents[2] / "app"
    alone = {path.name for path in root.rglob("*.py") if "policy().check_asked(" in path.read_text(encoding="utf-8")}
    assert alone <= {"asking.py", "audit_start.py", "judges.py", "placing.py"}
    asks = re.compile(r" (check_asked|study_of)\(database")  # the second calls the first
    starting = {path.name for path in root.rglob("*.py") if asks.search(path.read_text(encoding="utf-8"))}
    assert starting == {"asking.py", "audit_start.py", "runs.py"}

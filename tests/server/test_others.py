"""What other benchmarks hold makes no difference to a token that is for some: two servers that differ in nothing else
answer the same requests by the same words, and store the same. Where they do not, some request tells."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from judgebench import engine, services
from judgebench.records import Lineage, Model
from judgebench.server.state import ServerState
from judgebench.services.access import Policy, Role
from judgebench.services.judges import add_judge
from judgebench.services.tokens import create
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.factories import instruction
from tests.filling import submitted
from tests.server.conftest import LIMITS
from tests.server.scoped import fill
from tests.server.serving import JSON, JSONL, Answer, Api, serving

HOSTS = ("zircon.example.org", "basalt.example.org", "amber.example.org", "shared.example.org")
WORDS = ("a", "the", "gpt", "demo", "model", "judge", "this", "admin", "amber", "bradley-terry", "steps", "benchmark")
FITTING: Mapping[str, Any] = {
    **{"benchmark": "amber-bench", "judge": "amber-judge", "model": "amber-model-a", "first": "amber-model-a"},
    **{"second": "amber-model-b", "model_a": "amber-model-a", "model_b": "amber-model-b", "all_pairs": True},
    **{
        "instruction": instruction(0).key,
        "models": ["amber-model-a", "amber-model-b"],
        "judges": ["amber-judge"],
        "step": "plan",
    },
    **{"audit": "robustness", "opponent": "amber-model-b"},
}
NAMES = (
    *("zircon-bench", "zircon-model-a", "zircon-judge", "zircon-spare", "zircon-llm", "zircon-declared"),
    *("zircon-voter", "zircon-steps", "zircon-shared", "zircom-model-a", "gpt", instruction(50).key),
)
AUDITS = ("submissions", "integrity", "null-models", "robustness", "defences")
SENT = ("zircon-model-b", "zircon-llm", "zircon-declared", "zircon-judge", "demo", "amber-model-a", "amber-new")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[0-9:.+Z]*")


class Sent(NamedTuple):
    who: str
    method: str
    path: str
    body: bytes | None = None
    kind: Mapping[str, str] = {}

    def to(self, api: Api) -> Answer:
        return api.ask(self.method, self.path, self.who, self.body, self.kind)


def hold(database: Database, other: str, start: int, words: tuple[str, ...]) -> None:
    """A benchmark of the token's, all that another one holds, and things that are called by ``words``."""
    fill(database, "amber", 0)
    fill(database, other, start)
    add_judge(database, JudgeSpec(model=f"{other}-llm", url=f"https://{other}.example.org/v1", name=f"{other}-spare",
                                  settings={"max_tokens": 77}))  # fmt: skip
    shared = JudgeSpec(model="scripted:coin", name="amber-coin", settings={"seed": 5})
    for benchmark in ("amber-bench", f"{other}-bench"):
        engine.run.run(database, Study(benchmark=benchmark, judge=shared, all_pairs=True), environment={})
    services.lineage.declare(database, [Model(f"{other}-declared", Lineage(f"{other}-family", f"{other}-model-a"))])
    services.standing.keep(database, f"{other}-bench", judge=f"{other}-judge")
    for number, word in enumerate(words):
        submitted(database, [instruction(80)], [word], lambda model, _: f"{model} says", benchmark=word)
        add_judge(database, JudgeSpec(model=word, url="https://shared.example.org/v1", name=word,
                                      settings={"max_tokens": 100 + number}))  # fmt: skip


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Api]]:
    """Where what the requests name is another benchmark's, and where nobody has it."""
    invented = tuple(chr(ord("\u0561") + number) * len(word) for number, word in enumerate(WORDS))
    policy = Policy(False, {}, HOSTS)
    with ExitStack() as stack:
        made = []
        for other, start, words in (("zircon", 50, WORDS), ("basalt", 60, invented)):
            path: Path = tmp_path_factory.mktemp(other) / "judgebench.db"
            database = stack.enter_context(closing(Database(str(path), create=True)))
            hold(database, other, start, words)
            api = stack.enter_context(serving(database, ServerState(database, lambda: policy, limits=LIMITS)))
            study = {"benchmark": f"{other}-bench", "judge": "scripted:coin", "all_pairs": True}
            assert (
                api.ask(
                    "POST", "/runs", "admin", json.dumps(study).encode(), JSON | {"Idempotency-Key": f"{other}-key"}
                ).status
                == 202
            )
            for role in (Role.VIEWER, Role.SUBMITTER, Role.ADMIN):
                mine = create(database, f"of {role.name.lower()}", role, benchmarks=("amber-bench",))
                api.tokens[f"of {role.name.lower()}"] = mine.secret
            made.append(api)
        yield made[0], made[1]


def routes(api: Api) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, address and description of each that the server says it has."""
    for path, methods in api.ask("GET", "/openapi.json").json["paths"].items():
        for method, about in methods.items():
            yield method.upper(), path.removeprefix("/api/v1"), about


def read(path: str, about: Mapping[str, Any]) -> Iterator[str]:
    """The address with each parameter given each of the names, the others as they fit."""
    parameters = [one for one in about.get("parameters", []) if one["in"] == "query"]
    usual = {one["name"]: FITTING[one["name"]] for one in parameters if one["name"] in FITTING}
    yield f"{path}?{urlencode(usual)}"
    for parameter in parameters:
        schema = json.dumps(parameter["schema"])
        names = NAMES if '"string"' in schema and "enum" not in schema else ()
        for name in names:
            yield f"{path}?{urlencode(usual | {parameter['name']: name})}"
        if "enum" in schema:  # with every choice, by which all of them are made that read names
            choices = [one for part in parameter["schema"].get("anyOf", [parameter["schema"]]) for one in
                       part.get("enum", [])]  # fmt: skip
            yield from (f"{path}?{urlencode(usual | {parameter['name']: choice})}" for choice in choices)


def fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The place of each field that a body may have, however deep."""
    for part in (schema, *schema.get("oneOf", ())):
        for name, inner in part.get("properties", {}).items():
            yield (name,)
            yield from ((name, *rest) for rest in fields(inner))


def fitting(schema: Mapping[str, Any]) -> dict[str, Any]:
    made = {}
    for name, inner in schema.get("properties", {}).items():
        if "properties" in inner:
            made[name] = fitting(inner)
        elif name in FITTING:
            made[name] = FITTING[name]
    return made | ({"models": ["amber-model-b"]} if "step" in made else {})  # which meets the others


def laid(body: Any, place: tuple[str, ...], value: object) -> Any:
    """``body`` with the value in its place; what stood for a whole object is its model."""
    inner = body if isinstance(body, dict) else {"model": body}
    first, *rest = place
    return {**inner, first: laid(inner.get(first, {}), tuple(rest), value) if rest else value}


def usual_bodies(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """As they fit, with every choice of those fields that have some."""
    usual = fitting(schema)
    yield usual
    for name, inner in schema["properties"].items():
        yield from (usual | {name: choice} for choice in inner.get("enum", AUDITS if name == "audit" else ()))


def bodies(about: Mapping[str, Any]) -> Iterator[bytes]:
    schema = about["requestBody"]["content"]["application/json"]["schema"]
    for usual in usual_bodies(schema):
        yield json.dumps(usual).encode()
        for place, name in itertools.product(fields(schema), NAMES):
            values = (name, [name], *([[[name, "amber-model-a"]]] if place[-1] == "pairs" else ()))
            yield from (json.dumps(laid(usual, place, value)).encode() for value in values)


def outputs(path: str, about: Mapping[str, Any]) -> Iterator[Sent]:
    """Outputs of models that others have, tried and then stored, by whoever may."""
    rows = [{"instruction": instruction(at).text, "output": f"mine, {at}"} for at in (0, 1, 50)]
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    for address in read(path, about):
        yield Sent("of admin", "POST", f"{address}&dry_run=true", body, JSONL)
    for who in ("of submitter", "of admin"):
        for name in SENT:
            query = urlencode({"benchmark": "amber-bench", "model": name})
            yield from (Sent(who, "POST", f"{path}?{query}&{more}", body, JSONL) for more in ("dry_run=true", "", ""))


def everything(api: Api) -> Iterator[Sent]:
    late = []
    reading = [(method, path, about) for method, path, about in routes(api) if method == "GET" and "{" not in path]
    for method, path, about in routes(api):
        roles = ("of viewer", "of admin") if "{number}" in path or method == "GET" else ("of admin", "of submitter")
        if "{number}" in path:
            yield from (Sent(who, method, path.replace("{number}", str(at))) for who in roles for at in (1, 2, 999))
        elif method == "GET":
            yield from (Sent("of viewer", method, address) for address in read(path, about))
        elif path == "/outputs":
            late += list(outputs(path, about))  # after which some of the names are the token's own benchmark's
        else:
            yield from (Sent("of admin", method, path, body, JSON) for body in bodies(about))
            usual = fitting(about["requestBody"]["content"]["application/json"]["schema"])
            yield Sent("of admin", method, path, json.dumps(usual).encode(), JSON | {"Idempotency-Key": "zircon-key"})
    yield from late
    yield from (Sent("of viewer", "GET", next(read(path, about))) for _, path, about in reading)


def told(answer: Answer) -> tuple[int, Mapping[str, str], str]:
    kept = {
        name: value for name, value in answer.headers.items() if name in ("location", "retry-after", "content-type")
    }
    return answer.status, kept, TIME.sub("TIME", answer.body.decode())


def stored(database: Database) -> dict[str, int]:
    """Rows of tables, without models: a name that both have is one model's."""
    return {table: count for table, count in check(database).rows.items() if table != "models"}


@pytest.mark.slow
def test_what_other_benchmarks_hold_makes_no_difference(sides: tuple[Api, Api]) -> None:
    here, there = sides
    differing, statuses = [], Counter[int]()
    for sent in everything(here):
        one, other = (told(sent.to(api)) for api in sides)
        statuses[one[0]] += 1
        if one != other:
            differing.append((sent, one, other))
    assert differing[:3] == []
    assert {200, 201, 202, 403, 404, 422} <= statuses.keys()
    assert max(statuses) < 500
    assert statuses.total() > 1000
    assert stored(here.database) == stored(there.database)

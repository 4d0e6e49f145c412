"""Whatever stands in a request, by the server's own description of what may, it is answered in JSON, and as none of the
server's faults: texts, numbers and nestings of every size, twice, in addresses, bodies, headers and uploads."""

import gzip
import http.client
import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest

from judgebench import services
from judgebench.records import HumanLabel
from judgebench.services.access import Role
from judgebench.services.judges import add_judge
from judgebench.services.tokens import create
from judgebench.spec import JudgeSpec
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import judged
from tests.server.started import started

MANY = int(os.environ.get("JUDGEBENCH_TEST_HOSTILE", "8"))  # values, drawn anew each time, in each place
FITTING: Mapping[str, Any] = {
    **{"benchmark": "bench", "judge": "judge", "model": "alpha", "first": "alpha", "second": "beta"},
    **{"model_a": "alpha", "model_b": "beta", "instruction": instruction(0).key, "models": ["beta"], "step": "plan"},
    **{"audit": "submissions", "all_pairs": True},
}
TEXTS = (
    *("", " ", "\x00", "a\x00b", "\n", "\r\nX: y", "\u202e\u200b", "e\u0301\u00e9", "\U0001d4b3" * 50, "x" * 201),
    *("x" * 5000, "' OR 1=1 --", "%", "_%", "%s%(x)s{0}{x}", "../../etc/passwd", "$(id)", "{}", "[]", "null", "NaN"),
    *("-1", "0", "1e999", "2147483648", "9223372036854775808", "9" * 400, "\u0661\u0662", "1_000", "0x10", " 1 "),
    *("bench", "alpha", "judge", "scripted:coin", "scripted:", "vllm:x", "python:os", "embedded", ":", "a:b:c", "@f"),
    *("pairwise/two-way", "pointwise/steps.v1", "http://", "http://[", "https://x:99999", "http://\ud800", "\ud800"),
)
VALUES = (
    *(*TEXTS, None, True, False, 0, -1, 1.5, 2**31, 2**63 - 1, -(2**63), 10**30, 1e308, -1e-320, 10**400),
    *([], {}, [None], [[]], [{}], [[None, 1]], [1, "a"], ["alpha", "alpha"], [["alpha", "alpha"]], [["alpha"]]),
    *([["alpha", "beta", "gamma"]], [["alpha", "beta"]] * 3, {"model": None}, {"": ""}, {"model": {}}, {"\x00": 1}),
    *({"max_tokens": -1}, {"temperature": "hot"}, {"max_tokens": [1]}, {"seed": {"a": 1}}, {"variant": 1}),
    *(["x"] * 101, json.loads("[" * 18 + "]" * 18), {"a": {"b": {"c": {"d": [1]}}}}, "AB", ["AB", "BA"]),
)
ROWS = ("instruction", "output", "model", "id", "messages", "category", "reference", "output_steps", "output_marks",
        "instruction_id", "sample", "choices", "afterwards", "checklist", "goals")  # fmt: skip


KINDS = (
    *("application/jsonl", "application/json", "text/csv", "text/tab-separated-values"),
    *("application/vnd.apache.parquet", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
)
NOISE = (
    *(b"", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"PK\x03\x04" + b"\x00" * 50, b"PAR1" + b"\xff" * 60 + b"PAR1"),
    *(
        b"[" * 3000,
        b"[[],[]]",
        b"{}",
        b"null\n1\n",
        b'{"a":' * 2000,
        b'"\\ud800"',
        b"a,b\n1",
        b'"',
        b"a\tb\n\x00\t\x00",
    ),
    *(b"instruction,output\n" + b'"' * 999, gzip.compress(b"x")),
)
RAW = (b"", b"\xff", b"{", b'{"a":1,"a":1}', b"[" * 5000, b'{"benchmark": NaN}', b"1e999", b'"\\ud800"')


class Sent(NamedTuple):
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}


def encoded(query: list[tuple[str, object]]) -> str:
    return urlencode([(name, str(value)) for name, value in query], errors="surrogatepass")


def some(values: Sequence[Any], draw: random.Random) -> list[Any]:
    return draw.sample(values, min(MANY, len(values)))


def addresses(path: str, about: Mapping[str, Any], draw: random.Random) -> Iterator[str]:
    """With each parameter given texts, twice, and not at all."""
    parameters = [one for one in about.get("parameters", []) if one["in"] == "query"]
    usual = {one["name"]: FITTING[one["name"]] for one in parameters if one["name"] in FITTING}
    for name in [one["name"] for one in parameters]:
        others = [(other, value) for other, value in usual.items() if other != name]
        yield f"{path}?{encoded(others)}"
        yield f"{path}?{encoded([*others, (name, 'alpha'), (name, 'beta')])}"
        yield from (f"{path}?{encoded([*others, (name, text)])}" for text in some(TEXTS, draw))


def places(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for part in (schema, *schema.get("oneOf", ())):
        for name, inner in part.get("properties", {}).items():
            yield (name,)
            yield from ((name, *rest) for rest in places(inner))


def fitting(schema: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema.get("properties", {}).items()
    own = {name: FITTING[name] for name, inner in fields if name in FITTING and "properties" not in inner}
    return own | {name: {"benchmark": "bench"} for name, inner in fields if "properties" in inner}


def laid(body: Any, place: tuple[str, ...], value: object) -> Any:
    inner = body if isinstance(body, dict) else {"model": "scripted:coin"}
    first, *rest = place
    return {**inner, first: laid(inner.get(first, {}), tuple(rest), value) if rest else value}


def bodies(schema: Mapping[str, Any], draw: random.Random) -> Iterator[Any]:
    usual = fitting(schema)
    yield from some(VALUES, draw)
    for place in places(schema):
        yield from (laid(usual, place, value) for value in some(VALUES, draw))


def drawn(schema: Mapping[str, Any], draw: random.Random) -> Any:
    """Several fields at once."""
    body = fitting(schema)
    fields = [*places(schema)]
    for place in draw.sample(fields, min(draw.randint(2, 5), len(fields))):
        body = laid(body, place, draw.choice(VALUES))
    return body


def uploads(path: str, draw: random.Random) -> Iterator[Sent]:
    """Some of it is stored where it can be, each as another model's."""
    query = f"{path}?benchmark=bench&model=m%d&accept_findings=true&dry_run=%s"
    numbers = count()
    usual = {"instruction": instruction(0).text, "output": "an output"}
    for field in ROWS:
        rows = [json.dumps({**usual, field: value}).encode() for value in some(VALUES, draw)]
        yield from (
            Sent("POST", query % (number, ("true", "false")[number % 4 == 0]), row, {"Content-Type": KINDS[0]})
            for number, row in zip(numbers, rows, strict=False)
        )
    for kind in (*KINDS, "text/html", "\xff", "application/json; charset=utf-7"):
        for body in some((*NOISE, draw.randbytes(500)), draw):
            for packing, packed in (("identity", body), ("gzip", body), ("zstd", body), ("gzip", gzip.compress(body))):
                yield Sent("POST", query % (0, "true"), packed, {"Content-Type": kind, "Content-Encoding": packing})


def everything(paths: Mapping[str, Any], draw: random.Random) -> Iterator[Sent]:
    """Each hostile value once in each place, then several at once as they are drawn."""
    kind = {"Content-Type": "application/json"}
    described = []
    for path, methods in paths.items():
        for method, about in methods.items():
            numbers = ("0", "1", "2", *(quote(text, safe="", errors="surrogatepass") for text in some(TEXTS, draw)))
            for place in numbers if "{number}" in path else ("",):
                yield Sent(method.upper(), path.replace("{number}", place))
            one = path.replace("{number}", "1")
            yield from (Sent(method.upper(), address) for address in addresses(one, about, draw))
            schema = about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if method == "post" and "/outputs" not in path:
                described.append((one, schema))
                yield from (Sent("POST", one, json.dumps(body).encode(), kind) for body in bodies(schema, draw))
                for key in ("\xff", "x" * 255, "x" * 256, " ", "a\tb"):
                    yield Sent("POST", one, json.dumps(fitting(schema)).encode(), kind | {"Idempotency-Key": key})
                yield from (Sent("POST", one, raw, kind) for raw in RAW)
            if "/outputs" in path:
                yield from uploads(one, draw)
    for _ in range(20 * MANY):
        path, schema = draw.choice(described)
        yield Sent("POST", path, json.dumps(drawn(schema, draw)).encode(), kind)
        path = draw.choice([one for one in paths if "get" in paths[one] and "{" not in one])
        parameters = [one["name"] for one in paths[path]["get"].get("parameters", [])]
        picked = draw.sample(parameters, min(3, len(parameters)))
        usual = [(name, FITTING[name]) for name in parameters if name in FITTING and name not in picked]
        yield Sent("GET", f"{path}?{encoded([*usual, *((name, draw.choice(TEXTS)) for name in picked)])}")


def filled(address: str) -> str:
    """A database with all that routes read, and a token that may do everything."""
    with closing(Database(address)) as database:
        judged(database)
        add_judge(database, JudgeSpec(model="scripted:coin", name="coin"))
        label = HumanLabel.of("ann", instruction(1).key, first="alpha", second="beta", preference=0.0)
        services.labels.vote(database, "bench", label)
        return create(database, "hostile", Role.ADMIN).secret


def wrong(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """What is wrong with an answer; "": nothing."""
    if status >= 500 and status not in (501, 503):
        return "the server's fault"
    kind = headers.get("content-type", "")
    if status >= 400 or kind.startswith("application/json"):
        try:
            document = json.loads(body)
        except ValueError:
            return "no JSON"
        if status >= 400 and not (isinstance(document.get("error"), str) and len(document["error"]) < 20_000):
            return "no sentence"
    return ""


@pytest.mark.slow
def test_nothing_that_stands_in_a_request_is_the_server_s_fault(address: str) -> None:
    token, draw, faults, statuses = filled(address), random.Random(7), [], Counter[int]()
    with started(address, "--api-only", "--rate", "1000000") as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=600)

        def ask(sent: Sent) -> tuple[int, Mapping[str, str], bytes]:
            headers = {"Authorization": f"Bearer {token}", **sent.headers}
            connection.request(sent.method, sent.path, sent.body, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

        with closing(connection):
            paths = json.loads(ask(Sent("GET", "/api/v1/openapi.json"))[2])["paths"]
            for sent in everything(paths, draw):
                status, headers, body = ask(sent)
                statuses[status] += 1
                if why := wrong(status, headers, body):
                    faults.append((why, status, sent, body[:300]))
                if status == 202 and "location" in headers:  # else there are soon too many
                    ask(Sent("DELETE", headers["location"]))
    assert faults[:5] == []
    assert {200, 201, 202, 404, 415, 422} <= statuses.keys()
    assert statuses.total() > 200 * MANY

"""How a server wants to be asked: what is taken, and that nothing secret is, nor repeated."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.spec import JudgeSpec, load_study, make

KEY = "sk-proj-Vd83nNf02xK1mQ9zR7tY"
PASSWORD = "hunter2"  # as no rule could tell


def judged(**connection: Any) -> JudgeSpec:
    key = {"key_env": "MY_KEY"} if "key_header" in connection else {}
    return make(JudgeSpec, {"model": "m", "url": "http://h/v1", "connection": connection, **key}, where="flags")


@pytest.mark.parametrize(
    "connection",
    [
        {"headers": {"X-Tenant": KEY}},
        {"headers": {"X-Tenant": f"Bearer {PASSWORD}-{PASSWORD}"}},
        {"headers": {"X-Tenant": "eyJhbGciOiJIUzI1NiJ9.e30.abc"}},
        {"headers": {"X-Tenant": "q7Jx2Lp0Zt9Rw4Bn6Vc1"}},
        {"headers": {"X-Tenant": "aB3/x9K+Qz71/mNpL0+tR5vW="}},
        {"headers": {"X-Api-Key": PASSWORD}},
        {"headers": {"Authorization": PASSWORD}},
        {"headers": {"Ocp-Apim-Subscription-Key": PASSWORD}},
        {"headers": {"Cookie": PASSWORD}},
        {"headers": {KEY: "x"}},
        {"headers_env": {"X-Api": KEY}},
        {"headers_env": {KEY: "VARIABLE"}},
        {"key_header": KEY},
        {"query": {"key": PASSWORD}},
        {"query": {"sig": PASSWORD}},
        {"query": {"version": KEY}},
        {"proxy": f"http://user:{PASSWORD}@proxy:3128"},
        {"proxy": f"http://{KEY}:3128"},
        {"proxy": "http://proxy:3128", "proxy_env": KEY},
        {"ca": KEY},
        {"client_cert": KEY},
        {"client_cert": "cert.pem", "client_key_env": KEY},
        {"token_command": ["get-token", KEY]},
        {"token_command": ["get-token", "--client-secret", PASSWORD]},
        {"token_command": ["get-token", f"--password={PASSWORD}"]},
        {"token_command": ["env", f"TOKEN={PASSWORD}", "get-token"]},
        {"token_command": ["curl", "-u", f"me:{PASSWORD}", "http://h"]},
        {"token_command": ["curl", f"http://me:{PASSWORD}@h"]},
        {"token_command": ["curl", "-H", f"X-Api-Key: {PASSWORD}"]},
        {"api_key": PASSWORD},
    ],
)
def test_what_looks_like_a_key_is_refused_and_not_repeated(connection: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        judged(**connection)
    seen: BaseException | None = caught.value
    while seen is not None:  # a traceback shows them all
        assert KEY not in str(seen)
        assert PASSWORD not in str(seen)
        seen = seen.__cause__


@pytest.mark.parametrize(
    ("connection", "why"),
    [
        ({"headers": {"X-T": "a\r\nX-Other: b"}}, "line break"),
        ({"headers": {"X-T": " a"}}, "blanks"),
        ({"headers": {"X-T\r\nX": "a"}}, "letters"),
        ({"headers": {"X T": "a"}}, "letters"),
        ({"headers": {"Host": "other"}}, "set by the client"),
        ({"headers": {"content-length": "3"}}, "set by the client"),
        ({"headers_env": {"Transfer-Encoding": "V"}}, "set by the client"),
        ({"headers_env": {"Proxy-Authorization": "V"}}, "proxy's options"),
        ({"headers": {"X-T": "a"}, "headers_env": {"x-t": "V"}}, "given twice"),
        ({"headers_env": {"Api-Key": "V"}, "key_header": "api-key"}, "given twice"),
        ({"proxy": "socks5://proxy:1080"}, "SOCKS"),
        ({"proxy": "proxy:3128"}, "http://HOST:PORT"),
        ({"proxy": "http://proxy:99999"}, "http://HOST:PORT"),
        ({"proxy": "http://proxy/path"}, "no more"),
        ({"proxy_env": "V"}, "belongs to a proxy"),
        ({"client_key": "k.pem"}, "belongs to a client_cert"),
        ({"token_command": ["a\0b"]}, "NUL"),
        ({"token_command": ["t"], "token": str}, "not both"),
        ({"system_role": "assistant"}, "system_role"),
        ({"header": {"X-T": "a"}}, "did you mean 'headers'"),
        ({"query": {"version": 1.10}}, "query.version"),
    ],
)
def test_what_cannot_be_sent_is_refused(connection: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        judged(**connection)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"key_env": "MY_KEY", "connection": {"token_command": ["t"]}}, "not both"),
        ({"key_env": "MY_KEY", "connection": {"headers_env": {"Authorization": "V"}}}, "Authorization"),
        ({"connection": {"token": str, "headers_env": {"authorization": "V"}}}, "Authorization"),
        ({"connection": {"key_header": "api-key"}}, "name the key's variable"),
    ],
)
def test_one_key_goes_one_way(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        make(JudgeSpec, {"model": "m", "url": "http://h/v1", **fields}, where="flags")


@pytest.mark.parametrize(
    "connection",
    [
        {"headers": {"X-Tenant": "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "OpenAI-Organization": "org-research"}},
        {"query": {"api-version": "2024-10-21-preview"}},
        {"headers_env": {"Authorization": "BASIC_LOGIN"}},
        {"headers_env": {"Ocp-Apim-Subscription-Key": "GATEWAY_KEY"}, "token_command": ["get-token"]},
        {"token_command": ["az", "account", "get-access-token", "--resource", "https://cognitiveservices.azure.com"]},
        {"token_command": ["sh", "-c", 'curl -u "$LOGIN" http://h']},
        {"token_command": ["curl", "-H", "Metadata: true", "http://h:8/token?resource=a"]},
        {"token_command": ["vault", "read", "-field=token", "--token-file", "/run/token"]},
        {"proxy": "http://proxy.example:3128", "proxy_env": "PROXY_LOGIN"},
        {"key_header": "api-key"},
    ],
)
def test_what_servers_ask_for_is_taken_and_stored_as_it_is(connection: dict[str, Any]) -> None:
    spec = judged(**connection)
    assert make(JudgeSpec, spec.model_dump(mode="json", exclude_defaults=True), where="again") == spec
    assert spec.connection.stored() == connection


def test_what_is_usual_is_not_stored() -> None:
    assert "connection" not in judged().model_dump(mode="json", exclude_defaults=True)


def test_a_function_is_no_part_of_what_is_stored() -> None:
    spec = judged(token=lambda: "t")
    assert spec.connection.has_token
    assert spec.connection.stored() == {}
    assert "lambda" not in repr(spec)


def test_a_study_file_may_write_a_version_as_a_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(
        """
benchmark: b
judge:
  model: m
  url: http://h/v1
  key_env: MY_KEY
  connection:
    key_header: api-key
    query: {api-version: 2024-10-21}
    ca: ca.pem
""",
        encoding="utf-8",
    )
    connection = load_study(Path("study.yaml")).judge.connection
    assert connection.query == {"api-version": "2024-10-21"}
    assert connection.ca == str(tmp_path / "ca.pem")

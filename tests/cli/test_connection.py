"""Servers that want more than a key: each judged to the end by the command line, and no secret is left behind."""

import base64
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import judgebench
from judgebench.cli.connection import ConnectionOptions
from judgebench.errors import InputError
from judgebench.store import schema
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.factories import instruction
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import submitted
from tests.gates import PASSWORD, Authority, Clerk, Proxy, anything_but

KEY = "sk-reach-0123456789abcdef"
GATEWAY = "Gw-4821-zulu-kilo"
LOGIN = "judge:pa55-w0rd-9x"
TRIALS = 200
SECRETS = [KEY, GATEWAY, LOGIN, LOGIN.partition(":")[2], PASSWORD, base64.b64encode(LOGIN.encode()).decode()]
Served = Callable[[int, Request], Reply]


@pytest.fixture
def bench(tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """A benchmark of a hundred battles, and the secrets in variables."""
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        submitted(database, [instruction(number) for number in range(100)], ["one", "two"], lambda m, n: f"{m} {n}")
    for name, value in (("MY_KEY", KEY), ("GATEWAY_KEY", GATEWAY), ("PROXY_LOGIN", LOGIN), ("CERT_KEY", PASSWORD)):
        monkeypatch.setenv(name, value)
    return invoke


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def echoing(takes: Callable[[Request], bool], also: Callable[[], str] = str) -> Served:
    """A judge that repeats whatever it was sent, so that each secret would be stored; who is not let in gets a 401."""

    def script(index: int, request: Request) -> Reply:
        heard = " ".join([request.path, *request.headers.values(), also()])
        if not takes(request):
            return Reply.error(401, f"not let in: {heard}")
        if request.method == "GET":
            return Reply.of({"data": [{"id": "judge"}]})
        return Reply.chat("[[A]]", message={"reasoning": heard}, model=f"judge {heard}"[:190])

    return script


def everywhere(tmp_path: Path, invoke: Invoke) -> Iterator[object]:
    """All that is left: files, and what commands print and write."""
    for command in (
        ("judges", "show", "strict"),
        ("judges", "list", "--format", "json"),
        ("export", "verdicts", "--benchmark", "bench", "--judge", "strict", "--to", "verdicts.jsonl"),
        ("export", "verdicts", "--benchmark", "bench", "--judge", "strict", "--to", "verdicts.csv"),
        ("db", "backup", "copy.db"),
    ):
        result = invoke(*command)
        assert result.code == 0, result.err
        yield result.out + result.err
    yield from (path.read_bytes() for path in tmp_path.iterdir() if path.is_file() and path.suffix != ".py")


def judge_all(invoke: Invoke, tmp_path: Path, url: str, *how: object, secrets: tuple[str, ...] = ()) -> None:
    """Add the judge, try it, have everything judged, and look for secrets wherever they could be."""
    added = invoke("judges", "add", "strict", "--model", "judge", "--url", url, *how)
    assert added.code == 0, added.err
    agreed = how if "--token-command" in how else ()  # a command that is only remembered is not run
    tested = invoke("judges", "test", "strict", *agreed)
    assert tested.code == 0, tested.err
    ran = invoke("run", "--benchmark", "bench", "--judge", "strict", "--all-pairs", "--format", "json", *agreed)
    assert (ran.code, ran.json["planned"], ran.json["ok"]) == (0, TRIALS, TRIALS), ran.err
    printed = "".join(result.out + result.err for result in (added, tested, ran))
    anything_but([*SECRETS, *secrets], printed, *everywhere(tmp_path, invoke))


def test_a_key_in_a_header_of_its_own_and_a_version_in_the_address(bench: Invoke, tmp_path: Path) -> None:
    def takes(request: Request) -> bool:
        headers = request.headers
        return (
            headers.get("api-key") == KEY
            and "authorization" not in headers
            and request.path.endswith("?api-version=2024-10-21")
            and headers.get("x-gateway") == GATEWAY
            and headers.get("x-tenant") == "research"
        )

    with FaultServer(echoing(takes)) as server:
        how = ("--key-env", "MY_KEY", "--key-header", "api-key", "--query", "api-version=2024-10-21")
        headers = ("--header", "X-Tenant: research", "--header-env", "X-Gateway: GATEWAY_KEY")
        judge_all(bench, tmp_path, server.url, *how, *headers)


def test_a_token_that_expires_is_had_again_from_its_command(bench: Invoke, tmp_path: Path) -> None:
    clerk = Clerk(tmp_path, answers=50)
    with FaultServer(echoing(lambda request: clerk.takes(request.headers.get("authorization")))) as server:
        tokens = tuple(clerk.token(number) for number in range(1, 12))
        judge_all(bench, tmp_path, server.url, "--token-command", clerk.command, secrets=tokens)
    assert 5 <= clerk.handed_out <= 8  # 200 answers, those of judges test, and one for each command


@pytest.mark.parametrize("awaited", [False, True])
def test_a_token_that_expires_is_had_again_from_a_function(
    bench: Invoke, tmp_path: Path, capsys: pytest.CaptureFixture[str], awaited: bool
) -> None:
    clerk = Clerk(tmp_path, answers=50)

    async def token() -> str:
        return clerk.hand_out()

    with FaultServer(echoing(lambda request: clerk.takes(request.headers.get("authorization")))) as server:
        ran = judgebench.run(
            judgebench.open("judgebench.db"), benchmark="bench", judge="judge", judge_url=server.url, all_pairs=True,
            connection={"token": token if awaited else clerk.hand_out}, judge_name="strict",
        )  # fmt: skip
    assert (ran.tally.planned, ran.tally.without_verdict) == (TRIALS, 0)
    assert 4 <= clerk.handed_out <= 6
    printed = capsys.readouterr()
    tokens = [clerk.token(number) for number in range(1, 10)]
    anything_but(tokens, printed.out, printed.err, *everywhere(tmp_path, bench))


@pytest.mark.slow
@pytest.mark.parametrize("login", [None, LOGIN], ids=["open", "with a password"])
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_everything_goes_by_the_proxy(
    bench: Invoke, tmp_path: Path, authority: Authority, login: str | None, secure: bool
) -> None:
    tls = authority.server_tls() if secure else None
    takes: Callable[[Request], bool] = lambda request: request.headers.get("authorization") == f"Bearer {KEY}"  # noqa: E731
    with FaultServer(echoing(takes), tls) as server, Proxy(login) as proxy:
        how = ["--key-env", "MY_KEY", "--proxy", proxy.url, *(("--proxy-env", "PROXY_LOGIN") if login else ())]
        judge_all(bench, tmp_path, server.url, *how, *(("--ca", authority.ca) if secure else ()))
    assert proxy.turned_away == 0
    if secure:
        assert set(proxy.tunnels) == {f"127.0.0.1:{server.port}"}
        assert len(proxy.tunnels) >= server.connections
    else:
        assert proxy.forwarded == len(server.requests) > TRIALS
    assert not any("proxy-authorization" in request.headers for request in server.requests)


@pytest.mark.parametrize("locked", [False, True], ids=["a plain key", "a key with a password"])
def test_both_ends_show_certificates(bench: Invoke, tmp_path: Path, authority: Authority, locked: bool) -> None:
    password = ("--client-key-env", "CERT_KEY") if locked else ()
    key = ("--client-key", authority.locked_key if locked else authority.client_key, *password)
    with FaultServer(echoing(lambda request: True), authority.server_tls(wants_client=True)) as server:
        judge_all(bench, tmp_path, server.url, "--ca", authority.ca, "--client-cert", authority.client_cert, *key)


def test_an_authority_of_ones_own_is_trusted(bench: Invoke, tmp_path: Path, authority: Authority) -> None:
    with FaultServer(echoing(lambda request: True), authority.server_tls()) as server:
        judge_all(bench, tmp_path, server.url, "--ca", authority.ca)


def test_a_judge_is_asked_as_it_was_added_from_any_folder(
    bench: Invoke, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.ca.read_bytes())
    bench("judges", "add", "strict", "--model", "judge", "--url", "https://127.0.0.1:9/v1", "--ca", "ca.pem")
    shown = bench("judges", "show", "strict", "--format", "json").json
    assert shown["connection"] == {"ca": str(tmp_path / "ca.pem")}


def test_what_a_study_file_says_holds_and_flags_win_over_it(bench: Invoke, tmp_path: Path) -> None:
    clerk = Clerk(tmp_path, answers=10_000)
    (tmp_path / "study.yaml").write_text(
        """
benchmark: bench
all_pairs: true
limit: 2
judge:
  model: judge
  key_env: MY_KEY
  connection:
    key_header: api-key
    query: {api-version: 2024-10-21, region: north}
    system_role: user
"""
    )

    def script(index: int, request: Request) -> Reply:
        return Reply.of({"data": []}) if request.method == "GET" else Reply.chat("[[A]]")

    with FaultServer(script) as server:
        ran = bench("run", "study.yaml", "--judge-url", server.url)
        assert ran.code == 0, ran.err
        assert "system text" not in ran.err
        first = server.requests[-1]
        assert first.path == "/v1/chat/completions?api-version=2024-10-21&region=north"
        assert first.headers["api-key"] == KEY
        assert [message["role"] for message in first.json["messages"]] == ["user"]
        how = ("--query", "api-version=2025-01-01", "--system-role", "developer", "--token-command", clerk.command)
        ran = bench("run", "study.yaml", "--limit", "4", "--judge-url", server.url, *how)
        assert ran.code == 0, ran.err
        last = server.requests[-1]
        assert last.path == "/v1/chat/completions?api-version=2025-01-01"
        assert last.headers["api-key"] == clerk.token(1)
        assert [message["role"] for message in last.json["messages"]] == ["developer", "user"]
        more = ("run", "--benchmark", "bench", "--all-pairs", "--limit", "6", "--judge", "judge")
        again = bench(*more, "--token-command", clerk.command)
        assert again.code == 0, again.err
    assert server.requests[-1].headers["api-key"] == clerk.token(2)
    assert server.requests[-1].path == last.path
    assert [message["role"] for message in server.requests[-1].json["messages"]] == ["developer", "user"]


def test_a_batch_goes_the_same_way(bench: Invoke, tmp_path: Path) -> None:
    clerk = Clerk(tmp_path, answers=1)

    def script(index: int, request: Request) -> Reply:
        if not clerk.takes(request.headers.get("authorization")):
            return Reply.error(401, "expired")
        if request.path.startswith("/v1/files"):
            return Reply.of({"id": "file-1"})
        if request.method == "GET":
            return Reply.of({"data": [], "has_more": False})
        return Reply.of({"id": "batch-1", "status": "validating"})

    with FaultServer(script) as server:
        how = ("--judge-url", server.url, "--token-command", clerk.command, "--system-role", "user")
        exported = bench(
            "batch", "export", "--to", "b.jsonl", "--benchmark", "bench", "--judge", "judge", "--all-pairs", *how
        )
        assert exported.code == 0, exported.err
        unagreed = bench("batch", "submit", "b.jsonl")
        assert (unagreed.code, server.requests) == (2, [])
        sent = bench("batch", "submit", "b.jsonl", "--token-command", clerk.command)
        assert sent.code == 0, sent.err
        unagreed = bench("batch", "ingest")
        assert (unagreed.code, "--token-command" in unagreed.err) == (2, True)
    assert '"role": "system"' not in (tmp_path / "b.jsonl").read_text()
    uploads = [request for request in server.requests if request.path == "/v1/files"]
    assert [b'"custom_id"' in upload.body for upload in uploads] == [True, True]  # the first was refused
    assert [request.path for request in server.requests][-1] == "/v1/batches"


def test_outputs_are_collected_the_same_way(bench: Invoke, tmp_path: Path) -> None:
    def takes(request: Request) -> bool:
        return request.headers.get("api-key") == KEY and request.path.endswith("?api-version=1")

    with FaultServer(echoing(takes)) as server:
        how = ("--model-key-env", "MY_KEY", "--key-header", "api-key", "--query", "api-version=1")
        ran = bench(
            "answer", "--benchmark", "bench", "--model", "three", "--model-url", server.url, *how, "--limit", "20",
            "--no-audit", "--format", "json",
        )  # fmt: skip
    assert (ran.code, ran.json["ok"]) == (0, 20), ran.err
    anything_but(SECRETS, ran.out, ran.err, (tmp_path / "judgebench.db").read_bytes())


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (("--token-command", "/no/such/program"), "cannot be run"),
        (("--token-command", "false"), "ended with status 1"),
        (("--token-command", "echo two words"), "printed no token"),
        (("--token-command", "true"), "printed no token"),
        (("--token-command", "'open"), "is no command"),
        (("--ca", "absent.pem"), "absent.pem cannot be read"),
        (("--ca", "judgebench.db"), "holds no certificate"),
        (("--client-cert", "judgebench.db"), "are no certificate and its key"),
        (("--header", "no colon"), "write NAME: VALUE"),
        (("--header", "X-Tenant: a", "--header", "X-Tenant: b"), "given twice"),
        (("--header-env", "X-Tenant: UNSET_VARIABLE"), "UNSET_VARIABLE is not set"),
        (("--proxy", "http://127.0.0.1:9", "--proxy-env", "MY_KEY"), "hold USER:PASSWORD"),
        (("--proxy", "http://127.0.0.1:9"), "nobody answers at the proxy http://127.0.0.1:9"),
    ],
)
def test_what_cannot_work_is_one_clear_message(bench: Invoke, how: tuple[str, ...], why: str) -> None:
    judge = ("--judge", "judge", "--judge-url", "http://127.0.0.1:9/v1")
    ran = bench("run", "--benchmark", "bench", "--all-pairs", *judge, *how)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err.replace("\n", " ")
    anything_but(SECRETS, ran.err)


def test_what_is_missing_is_named(bench: Invoke, authority: Authority) -> None:
    def refused(url: str, *how: object) -> str:
        judge = ("--judge", "judge", "--judge-url", url)
        ran = bench("run", "--benchmark", "bench", "--all-pairs", "--limit", "1", *judge, *how)
        assert ran.code == 2
        return ran.err.replace("\n", " ")

    with FaultServer(echoing(lambda request: True), authority.server_tls()) as server:
        assert "name its authority's file by ca (--ca FILE)" in refused(server.url)
    with FaultServer(echoing(lambda request: True), authority.server_tls(wants_client=True)) as server:
        assert "--client-cert" in refused(server.url, "--ca", authority.ca)
        with Proxy(LOGIN) as proxy:
            for url in (server.url, "http://127.0.0.1:9/v1"):
                assert "it wants a user and a password" in refused(url, "--ca", authority.ca, "--proxy", proxy.url)


@pytest.mark.parametrize(
    "address", [f"http://me:{LOGIN}@127.0.0.1:9/v1", f"http://127.0.0.1:9/v1?key={LOGIN}", f"http://127.0.0.1:9/{KEY}"]
)
def test_an_address_with_a_secret_is_not_stored(bench: Invoke, tmp_path: Path, address: str) -> None:
    for command in (
        ("judges", "add", "strict", "--model", "judge", "--url", address),
        ("run", "--benchmark", "bench", "--all-pairs", "--judge", "judge", "--judge-url", address),
        ("answer", "--benchmark", "bench", "--model", "three", "--model-url", address),
    ):
        refused = bench(*command)
        assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
        anything_but(SECRETS, refused.err, (tmp_path / "judgebench.db").read_bytes())


@pytest.mark.parametrize("option", ["--ca", "--client-cert"])
def test_a_pipe_in_a_files_place_is_not_waited_for(bench: Invoke, tmp_path: Path, option: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    judge = ("--judge", "judge", "--judge-url", "https://127.0.0.1:9/v1", option, "pipe")
    ran = bench("run", "--benchmark", "bench", "--all-pairs", *judge)
    assert (ran.code, "pipe is no file" in ran.err.replace("\n", "")) == (2, True)


@pytest.mark.parametrize("option", ["--header-env", "--proxy-env", "--client-key-env", "--key-header", "--header"])
def test_a_key_in_a_names_place_is_refused_and_not_repeated(bench: Invoke, tmp_path: Path, option: str) -> None:
    more = {"--proxy-env": ("--proxy", "http://h:1"), "--client-key-env": ("--client-cert", "judgebench.db")}
    value = f"X-Api: {KEY}" if "header" in option and option != "--key-header" else KEY
    judge = ("--model", "judge", "--url", "http://127.0.0.1:9/v1", "--key-env", "MY_KEY")
    added = bench("judges", "add", "strict", *judge, option, value, *more.get(option, ()))
    assert added.code == 2
    anything_but([KEY], added.out, added.err, (tmp_path / "judgebench.db").read_bytes())


def test_what_is_said_is_kept_beside_the_address_and_is_no_part_of_the_judge(bench: Invoke, tmp_path: Path) -> None:
    judge = ("judges", "add", "strict", "--model", "judge", "--url", "http://127.0.0.1:9/v1")
    bench(*judge)
    digest = bench("judges", "show", "strict", "--format", "json").json["digest"]
    bench(*judge, "--system-role", "user", "--header", "X-Tenant: research")
    shown = bench("judges", "show", "strict", "--format", "json").json
    assert shown["digest"] == digest
    assert shown["connection"] == {"headers": {"X-Tenant": "research"}, "system_role": "user"}
    with closing(Database(str(tmp_path / "judgebench.db"))) as database, database.read() as connection:
        settings = connection.scalars(sa.select(schema.judge_addresses.c.settings)).all()
    assert settings == ['{"headers": {"X-Tenant": "research"}, "system_role": "user"}']


DOORS = (
    ("run", "--benchmark", "bench", "--all-pairs", "--judge", "strict"),
    ("run", "--benchmark", "bench", "--judge", "strict", "--design", "adaptive", "--top", "1", "--budget", "9"),
    ("run", "study.yaml"),
    ("batch", "export", "--to", "b.jsonl", "--benchmark", "bench", "--all-pairs", "--judge", "strict"),
    ("judges", "test", "strict"),
    ("audit", "null-models", "--benchmark", "bench", "--judge", "strict"),
    ("audit", "robustness", "--benchmark", "bench", "--judge", "strict", "--model", "one", "--opponent", "two"),
)


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_a_database_runs_no_program(bench: Invoke, tmp_path: Path, door: tuple[str, ...]) -> None:
    (tmp_path / "study.yaml").write_text("benchmark: bench\nall_pairs: true\njudge: {model: strict}\n")
    ran = tmp_path / "it ran"
    program = f"sh -c 'touch {str(ran)!r}; echo token'"
    with FaultServer(lambda index, request: Reply.chat("[[A]]")) as server:
        bench("judges", "add", "strict", "--model", "judge", "--url", server.url, "--token-command", program)
        refused = bench(*door)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    command = refused.err.partition("--token-command ")[2].strip()
    assert shlex.split(shlex.split(command)[0]) == shlex.split(program)
    assert not ran.exists()
    assert not server.requests


def test_python_runs_no_program_of_a_database(bench: Invoke, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    command = ("sh", "-c", f"touch {ran}; echo token")
    with FaultServer(echoing(lambda request: True)) as server, closing(judgebench.open("judgebench.db")) as database:
        connection = {"token_command": command}
        judgebench.add_judge(database, "strict", model="judge", url=server.url, connection=connection)
        asking: Any = {"benchmark": "bench", "judge": "strict", "all_pairs": True, "limit": 1}
        for ask in (
            lambda: judgebench.run(database, **asking),
            lambda: judgebench.test_judge(database, "strict"),
            lambda: judgebench.judge(database, "strict"),
            lambda: judgebench.audit(database, judgebench.NullModelAudit(benchmark="bench", judge="strict")),
        ):
            with pytest.raises(InputError, match="token_command in a study file or in Python"):
                ask()
        assert not ran.exists()
        assert not server.requests
        assert judgebench.judges(database).connection[0] == {"token_command": list(command)}
        judgebench.run(database, **asking, connection=connection)
    assert ran.exists()


def test_a_key_that_a_database_sends_is_said_beforehand(bench: Invoke, tmp_path: Path) -> None:
    with FaultServer(echoing(lambda request: True)) as server:
        bench("judges", "add", "strict", "--model", "judge", "--url", server.url, "--key-env", "MY_KEY")
        ran = bench("run", "--benchmark", "bench", "--all-pairs", "--limit", "1", "--judge", "strict")
        assert f"$MY_KEY to {server.url}" in ran.err.replace("\n", " ")
        typed = ("--judge", "judge", "--judge-url", server.url, "--judge-key-env", "MY_KEY")
        assert "$MY_KEY" not in bench("run", "--benchmark", "bench", "--all-pairs", "--limit", "2", *typed).err


def test_every_option_is_a_field_of_a_study() -> None:
    assert ConnectionOptions().fields() == {}

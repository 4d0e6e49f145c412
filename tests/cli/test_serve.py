"""What keeps a server from being served is said in a line, before anything is started; it ends with who started it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra server")

from judgebench.cli.main import command
from tests.cli.conftest import Invoke
from tests.server.started import free_port
from tests.services.killable import until


def test_whatever_the_app_is_told_the_server_that_has_it_is_told_too() -> None:
    app, serve = ({option.name for option in command(name).params} for name in ("app", "serve"))
    assert app - serve == {"headless"}  # no server opens a browser
    assert serve - app == {"api_only", "rate"}


@pytest.mark.parametrize("name", ["app", "serve"])
def test_what_is_no_question_is_asked_of_no_voter(invoke: Invoke, name: str) -> None:
    result = invoke(name, "--question", "two\nlines", "--no-worker")
    assert result.code == 2
    assert "question" in result.err


def test_others_come_in_by_a_file_of_access_alone(invoke: Invoke) -> None:
    result = invoke("serve", "--host", "0.0.0.0", "--no-worker")
    assert result.code == 2
    assert "--access" in result.err


@pytest.mark.slow
def test_a_proxy_s_secret_is_needed_where_it_names_people(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "access.toml"
    file.write_text('[roles]\nviewer = ["*"]\n[proxy]\nuser_header = "X-Forwarded-Email"\nsecret_variable = "NONE"\n')
    assert invoke("serve", "--api-only", "--no-worker", "--access", file).code == 2


@pytest.mark.slow
@pytest.mark.parametrize("words", [("serve", "--api-only"), ("app", "--headless")])
def test_a_server_ends_with_who_started_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Who is killed cannot say so, and the next is to have its port."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "judgebench", "--db", str(tmp_path / "j.db"), *words, "--no-worker"]
    for _ in range(2):
        process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
        try:
            until(lambda: is_taken(port))
        finally:
            process.kill()
            process.wait()
        until(lambda: not is_taken(port))


def is_taken(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0

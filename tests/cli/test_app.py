"""The launcher: what it needs, what it starts, and that nothing is left running."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from judgebench.cli.app import Serving, launch
from judgebench.errors import InputError, MissingExtra
from tests.app.serving import serving


def test_without_streamlit_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install 'judgebench\[app\]'"):
        launch("x.db", Serving(headless=True))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "judge.example.org"])
def test_others_are_let_in_only_by_a_file_of_access(host: str) -> None:
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    with pytest.raises(InputError, match="--access"):
        launch("x.db", Serving(headless=True, host=host))


@pytest.mark.slow
def test_a_file_of_access_that_streamlit_would_not_read_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    named, linked = tmp_path / "access.conf", tmp_path / "access.toml"
    named.write_text("[auth]\nredirect_uri = 'https://judge.example.org/oauth2callback'\n[roles]\nviewer = ['*']\n")
    linked.symlink_to(named)
    for file in (named, linked):
        command = [sys.executable, "-m", "judgebench", "app", "--headless", "--access", str(file)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 2
        assert ended.stderr.splitlines() == [
            f"judgebench: {file}: a file of access must be named .toml, else Streamlit does not read it"
        ]


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_in_a_line() -> None:
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "judgebench", "app", "--headless", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [f"judgebench: port {port} is taken: name another by --port"]


@pytest.mark.slow
def test_a_terminated_launcher_leaves_no_server(tmp_path: Path) -> None:
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    with serving(tmp_path / "none.db") as address:
        pass
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=2)


@pytest.mark.slow
def test_files_in_the_working_folder_are_neither_run_nor_read(tmp_path: Path) -> None:
    """A folder with an ``app``, a ``streamlit`` and secrets of its own cannot take the place of ours."""
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    for package in ("app", "streamlit", "judgebench"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("open('owned', 'w')")
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text("this is no TOML")
    code = "from judgebench.cli.app import *; launch('x.db', Serving(port=0, headless=True))"
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONSAFEPATH": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as server:
        assert server.stdout is not None
        for said in server.stdout:
            assert b"secrets" not in said
            if b"http://127.0.0.1" in said:
                break
        time.sleep(0.2)
        os.killpg(server.pid, signal.SIGINT)  # as a terminal sends Ctrl-C to all of its group
        assert server.wait(20) == 0
    assert not (tmp_path / "owned").exists()

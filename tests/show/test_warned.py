"""Warnings that are meant for whoever started a process: the command line, Python and servers each say them."""

import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

import judgebench
from judgebench.errors import DatabaseUpgraded
from judgebench.show.warned import tell_warnings
from tests.server.started import free_port
from tests.store.old_database import build


def test_those_that_are_meant_are_said_each_time_and_others_go_where_they_went() -> None:
    said: list[str] = []
    with warnings.catch_warnings(record=True) as others:
        tell_warnings(said.append)
        for _ in range(2):
            warnings.warn("it is newer", DatabaseUpgraded, stacklevel=1)
        warnings.warn("of no interest", RuntimeWarning, stacklevel=1)
    assert said == ["it is newer"] * 2
    assert [str(one.message) for one in others] == ["of no interest"]


def test_an_upgrade_in_python_is_a_warning(tmp_path: Path) -> None:
    build(str(tmp_path / "old.db"), "0007")
    with pytest.warns(DatabaseUpgraded, match="from schema 0007 to"):
        judgebench.open(tmp_path / "old.db").close()


@pytest.mark.slow
@pytest.mark.parametrize("words", [("serve", "--api-only", "--no-worker"), ("app", "--headless", "--no-worker")])
def test_servers_tell_an_upgrade_in_their_terminals(words: tuple[str, ...], tmp_path: Path) -> None:
    build(str(tmp_path / "old.db"), "0007")
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-P", "-m", "judgebench", "--db", str(tmp_path / "old.db"), *words, "--port"]
    command.append(str(free_port()))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=subprocess.PIPE, text=True) as server:
        end = threading.Timer(60, server.terminate)
        end.start()
        assert server.stderr is not None
        told = next((line for line in server.stderr if "upgraded" in line), "nothing")
        end.cancel()
        server.terminate()
    assert told.startswith(f"judgebench: upgraded {tmp_path / 'old.db'} from schema 0007 to")

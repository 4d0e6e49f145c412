"""One server of the app and one browser for all tests that need them."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from judgebench import engine, services
from judgebench.formats.outputs import read_outputs
from judgebench.resources import folder
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from tests.app.doors import BY_NGINX
from tests.app.json_handler import JsonHandler
from tests.app.serving import Door, serving
from tests.app.visit import CHROMIUM, Visit, launched


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's four models, all pairs judged in both orders by a coin, on 12 of its instructions."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    database = Database(str(path), create=True)
    for file in sorted((folder("demo") / "outputs").glob("*.json")):
        prepared = services.submissions.prepare(database, read_outputs(file), benchmark="demo", model=file.stem)
        services.submissions.save(database, prepared, audit=False)
    wanted = Study(benchmark="demo", judge=JudgeSpec(model="scripted:coin"), all_pairs=True, limit=12)
    with ThreadPoolExecutor(1) as elsewhere:  # playwright may hold an event loop in this thread
        elsewhere.submit(engine.run.run, database, wanted, environment={}).result()
    database.close()
    return path


@pytest.fixture(scope="module")  # no longer: while it is open, nothing else in this thread can run an event loop
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="browser tests need the package playwright")
    if CHROMIUM is None:
        pytest.skip("browser tests need a browser: apt-get install chromium-headless-shell")
    with playwright.sync_playwright() as started:
        opened = launched(started)
        yield opened
        opened.close()


@pytest.fixture(scope="session", params=[BY_NGINX])
def door(request: pytest.FixtureRequest) -> Door:
    """What a browser comes in by: by nginx, which is the longest way, or by what ``doors.py`` lets a module choose."""
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    chosen = Door(request.param)
    if chosen is not Door.APP:
        pytest.importorskip("fastapi", reason="the server needs the extra server")
    if chosen.missing:
        pytest.skip(chosen.missing)
    return chosen


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the one server's database, which tests put in place and take away."""
    return tmp_path_factory.mktemp("served") / "judgebench.db"


@pytest.fixture(scope="session")
def served(door: Door, shown: Path) -> Iterator[str]:
    """The address of the one server."""
    with serving(shown, door=door) as address:
        yield address


class _SlowJudge(JsonHandler):
    """Says A after a moment, whatever it is asked."""

    def do_GET(self) -> None:
        self.reply({"data": [{"id": "m"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.05)
        message = {"role": "assistant", "content": "A"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}
        self.reply({"model": "m", "choices": [choice], "usage": usage})


@pytest.fixture
def slow_judge() -> Iterator[str]:
    """The address of an OpenAI-compatible server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _SlowJudge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


class HeldJudge(ThreadingHTTPServer):
    """An OpenAI-compatible server on loopback that answers a dozen questions, and the others once it is released."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HeldAnswers)
        self.free = threading.Semaphore(12)
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _HeldAnswers(_SlowJudge):
    server: HeldJudge

    def do_POST(self) -> None:
        if not self.server.free.acquire(blocking=False):
            self.server.released.wait(120)
        super().do_POST()


@pytest.fixture
def held_judge() -> Iterator[HeldJudge]:
    server = HeldJudge()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser: Any, served: str) -> Iterator[Visit]:
    visiting = Visit(browser, served)
    yield visiting
    visiting.context.close()
    assert visiting.blocked == []


@pytest.fixture
def no_data(shown: Path) -> Path:
    _clear(shown)
    return shown


@pytest.fixture
def demo(shown: Path, demo_database: Path) -> Path:
    _clear(shown)
    shutil.copy(demo_database, shown)
    return shown


def _clear(path: Path) -> None:
    for leftover in path.parent.glob(path.name + "*"):
        shutil.rmtree(leftover) if leftover.is_dir() else os.remove(leftover)

"""The way of one verdict: which of our functions are called from the command to the commit, and in how many files.

    python -m bench.verdict_path [--judge http|scripted] [--quiet]

``judgebench run`` asks one trial in this process, over loopback or of a scripted judge, while every call in every
thread is watched. Counted are distinct functions of the package, from the command's own function to the commit of the
verdict. The bodies of modules and classes, what these call while they are loaded, comprehensions, lambdas and what
dataclasses generate are no functions on the way.
"""

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import sqlalchemy as sa

import judgebench
from bench.loopback import chat_reply, serving
from judgebench.cli.main import app

_PACKAGE = Path(judgebench.__file__).parent
_HAS_FAST_LOCALS = 0x2  # a flag of functions' code, which the bodies of modules and classes lack
_OUTPUT = '{{"instruction": "Which is larger, 3 or 5?", "output": "It is {}."}}\n'
_STUDY = ("--benchmark", "path", "--pair", "alpha,beta", "--orders", "single", "--template", "pairwise/two-way")


class _Watch:
    """The package's functions that were called between the command and the commit, in the order of their first call."""

    def __init__(self) -> None:
        self.called: dict[tuple[str, str], None] = {}  # (file, function)
        self._counting = False
        self._committed = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or self._committed or not code.co_filename.startswith(str(_PACKAGE)):
            return
        file = Path(code.co_filename).relative_to(_PACKAGE)
        self._counting |= file.parts[0] == "cli" and code.co_qualname == "run"
        if self._counting and _is_function(code) and not _is_importing(frame):
            self.called.setdefault((str(file), code.co_qualname))

    def commit(self, connection: sa.Connection) -> None:
        """The first commit that has a verdict in it is the last thing that is watched."""
        if self._counting and not self._committed:
            driver: Any = connection.connection.driver_connection
            self._committed = bool(driver.execute("SELECT count(*) FROM verdicts").fetchone()[0])


def _is_function(code: CodeType) -> bool:
    return bool(code.co_flags & _HAS_FAST_LOCALS) and not code.co_name.startswith("<")


def _is_importing(frame: FrameType) -> bool:
    """Whether a module is being loaded: its body stands between the command and the call, or it is loaded by name."""
    if frame.f_code.co_qualname == "__getattr__":
        return True
    outer: FrameType | None = frame
    while outer is not None and not (outer.f_code.co_qualname == "run" and "cli" in outer.f_code.co_filename):
        if outer.f_code.co_name == "<module>":
            return True
        outer = outer.f_back
    return False


@contextlib.contextmanager
def _watching() -> Iterator[_Watch]:
    watch = _Watch()
    sa.event.listen(sa.Engine, "commit", watch.commit)
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield watch
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]  # None ends it; the stubs lack that
        sa.event.remove(sa.Engine, "commit", watch.commit)


def path(kind: str) -> list[tuple[str, str]]:
    """(file, function) of each function on the way; ``kind`` is "http" or "scripted"."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        database = ("--db", f"{folder}/path.db")
        for number, model in enumerate(("alpha", "beta")):
            file = Path(folder, f"{model}.jsonl")
            file.write_text(_OUTPUT.format(number))
            submit = ("submit", str(file), "--model", model, "--benchmark", "path")  # elsewhere: it would fill caches
            subprocess.run([sys.executable, "-m", "judgebench", *database, *submit], check=True, capture_output=True)
        judge = ["--judge", "scripted:coin"]
        if kind == "http":
            port = stack.enter_context(serving(chat_reply("Both are short. [[A]]"), 0))
            judge = ["--judge", "judge", "--judge-url", f"http://127.0.0.1:{port}/v1"]
        for stream in (contextlib.redirect_stdout, contextlib.redirect_stderr):
            stack.enter_context(stream(io.StringIO()))
        with _watching() as watch:
            app([*database, "run", *_STUDY, *judge], standalone_mode=False)
    return list(watch.called)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--judge", choices=["http", "scripted"], default="http")
    parser.add_argument("--quiet", action="store_true", help="print the counts alone")
    args = parser.parse_args()
    called = path(args.judge)
    for file, function in () if args.quiet else called:
        print(f"{file}: {function}")
    print(f"{len(called)} functions in {len({file for file, _ in called})} files")


if __name__ == "__main__":
    main()

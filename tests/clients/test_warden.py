"""A program that is watched: it ends with whoever asked for it, however that one ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from judgebench.clients import warden
from tests.clients.test_vllm_server import ends

ASKER = """
import subprocess, sys, time
guarded = subprocess.Popen([sys.executable, "-I", {warden!r}, sys.executable, "-c", {program!r}], stdin=subprocess.PIPE)
print("asked", flush=True)
time.sleep(600)
"""
PROGRAM = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def guarded(code: str) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-I", warden.__file__, sys.executable, "-c", code]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_workers_when_whoever_asked_for_it_is_killed(number: signal.Signals) -> None:
    code = ASKER.format(warden=warden.__file__, program=PROGRAM)
    asker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert asker.stdout is not None
    lines = sorted((asker.stdout.readline(), asker.stdout.readline()), key=lambda line: line.startswith("asked"))
    asker.send_signal(number)
    asker.wait()
    assert all(ends(int(pid)) for pid in lines[0].split())
    asker.stdout.close()


def test_the_status_is_the_programs_own() -> None:
    with guarded("import sys; sys.exit(5)") as process:
        assert process.wait() == 5
    with guarded("import os; os.kill(os.getpid(), 9)") as process:
        assert process.wait() == 128 + 9


def test_a_program_deaf_to_the_first_signal_is_ended_by_the_second(tmp_path: Path) -> None:
    deaf = "import signal, time, os; signal.signal(15, signal.SIG_IGN); print(os.getpid(), flush=True); time.sleep(600)"
    with guarded(deaf) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.communicate(b"0.1")
    assert ends(pid)


def test_signals_that_end_the_asker_do_not_reach_through_the_warden() -> None:
    with guarded("import time; print('up', flush=True); time.sleep(600)") as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGINT)
        assert process.poll() is None
        process.communicate(b"0.1")
    assert process.returncode == 128 + signal.SIGTERM


DAEMONS = """
import subprocess, sys, time
sleep = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"]
child = subprocess.Popen(sleep, start_new_session=True)
start = f"import subprocess; print(subprocess.Popen({sleep!r}, start_new_session=True).pid, flush=True)"
parent = subprocess.Popen([sys.executable, "-c", start], start_new_session=True)
parent.wait()
print(child.pid, flush=True)
if sys.argv[-1] == "stays":
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt what lost its parent")
@pytest.mark.parametrize("program", ["stays", "ends"])
def test_what_left_the_programs_group_ends_with_it(program: str) -> None:
    arguments = [sys.executable, "-I", warden.__file__, sys.executable, "-c", DAEMONS, program]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pids = [int(process.stdout.readline()) for _ in range(2)]
        if program == "stays":
            process.communicate(b"0.1")
        process.wait()
    assert all(ends(pid) for pid in pids)

"""Starting and stopping a server, tried on a small program that behaves like vLLM's."""

import asyncio
import socket
import sys
import time
from pathlib import Path

import pytest

from judgebench.clients.vllm_server import VllmServer, command, free_port
from judgebench.errors import InputError, JudgeUnreachable

FAKE = Path(__file__).parent / "fake_vllm.py"


def server(tmp_path: Path, *flags: str, ready_s: float = 20.0) -> VllmServer:
    port = free_port()
    argv = [sys.executable, *command("tiny", port, program=str(FAKE), flags=flags)]
    return VllmServer("tiny", port, argv=argv, log=tmp_path / "vllm.log", ready_s=ready_s)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def ends(pid: int) -> bool:
    """Whether it is gone, or goes within some seconds: a signal sent is not yet a signal received."""
    for _ in range(500):
        if not alive(pid):
            return True
        time.sleep(0.01)
    return False


def test_it_is_started_waited_for_and_stopped_with_its_workers(tmp_path: Path) -> None:
    async def run() -> int:
        async with server(tmp_path, "--tensor-parallel-size", "2", "--worker") as running:
            assert running.url.endswith("/v1")
            log = running.log.read_text()
            assert "'serve', 'tiny'" in log
            assert "'--tensor-parallel-size', '2'" in log
            worker = int(log.split("worker ")[1].split()[0])
            assert alive(worker)
            return worker

    assert ends(asyncio.run(run()))


def test_a_crash_shows_the_end_of_the_log(tmp_path: Path) -> None:
    async def run() -> None:
        async with server(tmp_path, "--crash"):
            pass

    with pytest.raises(JudgeUnreachable, match="no such model"):
        asyncio.run(run())


def test_a_server_that_never_answers_is_stopped(tmp_path: Path) -> None:
    silent = [sys.executable, "-c", "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"]

    async def run() -> None:
        async with VllmServer("tiny", free_port(), argv=silent, log=tmp_path / "log", ready_s=0.6):
            pass

    with pytest.raises(JudgeUnreachable, match=r"within 0\.6 s"):
        asyncio.run(run())
    assert ends(int((tmp_path / "log").read_text().split()[1]))


def test_a_server_deaf_to_the_first_signal_is_ended_by_the_second(tmp_path: Path) -> None:
    async def run() -> None:
        running = server(tmp_path, "--deaf")
        await running.start()
        await running.wait_ready()
        await running.stop(grace_s=0.2)
        await running.stop()

    asyncio.run(run())


def test_a_missing_program_is_an_input_error(tmp_path: Path) -> None:
    async def run() -> None:
        argv = command("tiny", 1, program="/nowhere/vllm")
        async with VllmServer("tiny", 1, argv=argv, log=tmp_path / "log"):
            pass

    with pytest.raises(InputError, match="environment of its own"):
        asyncio.run(run())


def test_a_python_interpreter_serves_through_the_module_and_flags_pass_through() -> None:
    argv = command("org/model", 8001, program="/opt/vllm/bin/python3.12", flags=["--data-parallel-size=2"])
    assert argv[:4] == ["/opt/vllm/bin/python3.12", "-m", "vllm.entrypoints.openai.api_server", "--model"]
    assert argv[4:9] == ["org/model", "--host", "127.0.0.1", "--port", "8001"]
    assert argv[9:] == ["--generation-config", "vllm", "--data-parallel-size=2"]
    assert command("m", 1, flags=["--generation-config", "auto"]).count("--generation-config") == 1


@pytest.mark.parametrize("flag", ["--host", "--port=3", "--model"])
def test_flags_cannot_set_what_is_an_argument(flag: str) -> None:
    with pytest.raises(InputError, match="cannot hold"):
        command("m", 1, flags=[flag])


def test_a_port_that_is_taken_is_an_input_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = VllmServer("tiny", port, argv=command("tiny", port), log=tmp_path / "log")
        with pytest.raises(InputError, match="is taken"):
            asyncio.run(taken.start())

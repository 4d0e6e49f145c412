"""Starting, sharing and stopping servers, tried on a small program that behaves like vLLM's."""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from judgebench.clients.vllm_server import Servers, VllmServer, free_port
from judgebench.errors import InputError, JudgeUnreachable
from judgebench.spec.serving import VllmServing
from tests.clients import fake_vllm

KEY = "a-key-that-nobody-is-shown"


def program_in(folder: Path) -> Path:
    """An executable that behaves as ``vllm serve``."""
    path = folder / "vllm"
    path.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" "{fake_vllm.__file__}" serve "$@"\n')
    path.chmod(0o755)
    return path


def serving(tmp_path: Path, *flags: str, ready_s: float = 20.0) -> VllmServing:
    return VllmServing("tiny", flags, str(program_in(tmp_path)), str(tmp_path / "vllm.log"), ready_s)


def server(tmp_path: Path, *flags: str, key: str | None = None) -> VllmServer:
    return VllmServer(serving(tmp_path, *flags), free_port(), key=key)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def ends(pid: int) -> bool:
    """Whether it is gone, or goes within some seconds: a signal sent is not yet a signal received."""
    for _ in range(3000):
        if not alive(pid):
            return True
        time.sleep(0.01)
    return False


def number_after(word: str, log: Path) -> int:
    """The process that a log names."""
    return int(log.read_text().split(f"{word} ")[1].split()[0])


def test_it_is_started_waited_for_and_stopped_with_its_workers(tmp_path: Path) -> None:
    async def run() -> int:
        async with server(tmp_path, "--tensor-parallel-size", "2", "--worker") as running:
            assert running.url.endswith("/v1")
            log = running.log.read_text()
            assert "'serve', 'tiny'" in log
            assert "'--tensor-parallel-size', '2'" in log
            worker = number_after("worker", running.log)
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
    silent = tmp_path / "vllm"
    silent.write_text(f'#!/bin/sh\necho pid $$\nexec "{sys.executable}" -c "import time; time.sleep(600)"\n')
    silent.chmod(0o755)

    async def run() -> None:
        async with VllmServer(VllmServing("tiny", (), str(silent), str(tmp_path / "log"), 0.6), free_port()):
            pass

    with pytest.raises(JudgeUnreachable, match=r"within 0\.6 s"):
        asyncio.run(run())
    assert ends(number_after("pid", tmp_path / "log"))


def test_a_server_deaf_to_the_first_signal_is_ended_by_the_second(tmp_path: Path) -> None:
    async def run() -> int:
        running = server(tmp_path, "--deaf")
        running.start()
        await running.wait_ready()
        await running.stop(grace_s=0.2)
        await running.stop()
        return number_after("pid", running.log)

    assert ends(asyncio.run(run()))


def test_a_missing_program_is_an_input_error(tmp_path: Path) -> None:
    async def run() -> None:
        async with VllmServer(VllmServing("tiny", program="/nowhere/vllm", log=str(tmp_path / "log")), free_port()):
            pass

    with pytest.raises(InputError, match="environment of its own"):
        asyncio.run(run())


def test_a_log_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    unwritable = VllmServing("tiny", program=str(program_in(tmp_path)), log=str(tmp_path / "nowhere" / "log"))
    with pytest.raises(InputError, match="name another file by --log"):
        VllmServer(unwritable, free_port()).start()


def test_each_server_has_a_log_of_its_own(tmp_path: Path) -> None:
    names = {
        VllmServer(VllmServing(model), port).log.name
        for model, port in (("org/A 1", 81), ("org/A 1", 82), ("../b", 81))
    }
    assert names == {"vllm-org-A-1-81.log", "vllm-org-A-1-82.log", "vllm-b-81.log"}


def test_a_port_that_is_taken_is_an_input_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = VllmServer(serving(tmp_path), other.getsockname()[1])
        with pytest.raises(InputError, match="is taken"):
            taken.start()


def test_its_key_reaches_it_by_its_environment_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with server(tmp_path, key=KEY) as running:
            assert KEY not in " ".join(running.argv) + running.log.read_text()

    asyncio.run(run())


def test_what_a_server_prints_is_shown_without_its_key(tmp_path: Path) -> None:
    leaking = tmp_path / "vllm"
    leaking.write_text("#!/bin/sh\necho args: $VLLM_API_KEY\nexit 3\n")
    leaking.chmod(0o755)

    async def run() -> None:
        async with VllmServer(VllmServing("tiny", (), str(leaking), str(tmp_path / "log")), free_port(), key=KEY):
            pass

    with pytest.raises(JudgeUnreachable, match=r"args: \[key\]"):
        asyncio.run(run())


def test_those_who_want_the_same_share_it_until_the_last_has_given_it_back(tmp_path: Path) -> None:
    async def run() -> None:
        servers, same = Servers(), serving(tmp_path)
        one, other = servers.borrow(same, None, "own"), servers.borrow(same, None, "own")
        another = servers.borrow(same, KEY, "own")
        assert one is other is not another
        await asyncio.gather(one.wait_ready(), another.wait_ready())
        pids = [int(line.rpartition(" ")[2]) for line in one.log.read_text().splitlines()]
        await servers.give_back(another)
        await servers.give_back(one)
        assert [alive(pid) for pid in pids].count(True) == 1
        await servers.give_back(other)
        assert all(ends(pid) for pid in pids)
        with pytest.raises(InputError):
            servers.borrow(VllmServing("tiny", program="/nowhere/vllm"), None, "own")

    asyncio.run(run())


def test_one_that_is_kept_is_there_for_whoever_comes_next(tmp_path: Path) -> None:
    servers, same = Servers(), serving(tmp_path)

    async def used() -> VllmServer:
        borrowed = servers.borrow(same, None, "own")
        await borrowed.wait_ready()
        await servers.give_back(borrowed)
        return borrowed

    with servers.kept():
        with servers.kept():
            first = asyncio.run(used())
        assert asyncio.run(used()) is first
        pid = number_after("pid", first.log)
        assert alive(pid)
    assert ends(pid)


def test_one_that_serves_another_model_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    async def run() -> None:
        async with server(tmp_path, "--named", "large"):
            pass

    with pytest.raises(JudgeUnreachable, match=r"serves 'large' and not 'tiny'.*--served-model-name"):
        asyncio.run(run())
    assert ends(number_after("pid", tmp_path / "vllm.log"))


def test_one_that_ended_is_not_lent_again(tmp_path: Path) -> None:
    servers, same = Servers(), serving(tmp_path)

    async def used() -> VllmServer:
        borrowed = servers.borrow(same, None, "own")
        await borrowed.wait_ready()
        await servers.give_back(borrowed)
        return borrowed

    with servers.kept():
        first = asyncio.run(used())
        os.kill(number_after("pid", first.log), signal.SIGKILL)
        asyncio.run(first.wait())
        assert "status 137" in (first.ended() or "")
        second = asyncio.run(used())
        assert (second is first, second.ended()) == (False, None)

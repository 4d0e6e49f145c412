"""judgebench vllm serve, with a stand-in for vLLM's program."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.clients import fake_vllm


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An executable that behaves as ``vllm serve``."""
    path = tmp_path / "vllm"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake_vllm.__file__}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_prints_the_judge_to_use(
    program: Path, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ["vllm", "serve", "org/tiny", "--program", str(program), "--log", str(tmp_path / "log")]
    flags = ["--tensor-parallel-size", "2"]
    running = subprocess.Popen(
        [sys.executable, "-m", "judgebench", *arguments, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        answers, judge = running.stdout.readline(), running.stdout.readline()
        running.send_signal(number)
        _, complaints = running.communicate(timeout=30)
    finally:
        running.kill()
    assert re.search(r"org/tiny answers at http://127\.0\.0\.1:\d+/v1", answers)
    assert "--judge org/tiny --judge-url http://127.0.0.1:" in judge
    assert running.returncode == 0, complaints
    assert "stopped" in complaints
    assert "'--tensor-parallel-size', '2'" in (tmp_path / "log").read_text()


def test_a_server_that_crashes_is_one_clear_error(invoke: Invoke, program: Path, tmp_path: Path) -> None:
    result = invoke("vllm", "serve", "tiny", "--program", program, "--log", tmp_path / "log", "--crash")
    assert result.code == 2
    assert "vLLM ended before it answered" in result.err
    assert "no such model" in result.err


def test_a_missing_program_says_what_to_install(invoke: Invoke) -> None:
    result = invoke("vllm", "serve", "tiny", "--program", "/nowhere/vllm")
    assert result.code == 2
    assert "environment of its own" in " ".join(result.err.split())

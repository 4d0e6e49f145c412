"""judgebench vllm serve, and judges that a run serves itself, with a stand-in for vLLM's program."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, verdicts
from tests.clients.test_vllm_server import KEY, ends, number_after, program_in

STUDY = ("--benchmark", "bench", "--pair", "alpha,beta", "--format", "json")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An executable that behaves as ``vllm serve``."""
    return program_in(tmp_path)


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The command line in a process of its own, in the present folder."""
    command = [sys.executable, "-m", "judgebench", *map(str, arguments)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_prints_the_judge_to_use(
    program: Path, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ["vllm", "serve", "org/tiny", "--program", program, "--log", tmp_path / "log"]
    with started(*arguments, "--tensor-parallel-size", "2") as running:
        assert running.stdout is not None
        answers, judge = running.stdout.readline(), running.stdout.readline()
        running.send_signal(number)
        _, complaints = running.communicate(timeout=120)
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


@pytest.mark.slow
def test_it_prints_a_judge_for_each_name_and_adapter_and_never_its_key(
    invoke: Invoke, program: Path, tmp_path: Path
) -> None:
    flags = ["--served-model-name", "small", "other", "--lora-modules", "strict=./a", "--api-key", KEY]
    arguments = ["vllm", "serve", "org/tiny", "--program", program, "--log", tmp_path / "log", *flags]
    with started(*arguments) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(3)]
        running.send_signal(signal.SIGTERM)
        _, complaints = running.communicate(timeout=120)
    judges = [re.findall(r"--judge (\S+) --judge-url \S+ --judge-key-env", line) for line in lines]
    assert judges == [[], ["small"], ["strict"]]
    assert running.returncode == 0
    assert KEY not in "".join(lines) + complaints + (tmp_path / "log").read_text()
    assert "starting" in complaints


@pytest.mark.slow
def test_several_have_ports_and_logs_of_their_own(invoke: Invoke, program: Path, tmp_path: Path) -> None:
    arguments = [
        "vllm",
        "serve",
        "org/tiny",
        "--also",
        "org/other",
        "--program",
        program,
        "--log",
        tmp_path / "log.txt",
    ]
    with started(*arguments) as running:
        assert running.stdout is not None
        lines = "".join(running.stdout.readline() for _ in range(4))
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=120)
    assert len(set(re.findall(r"answers at (\S+);", lines))) == 2
    assert re.findall(r"--judge (\S+)", lines) == ["org/tiny", "org/other"]
    for log in (tmp_path / "log.txt", tmp_path / "log-2.txt"):
        assert ends(number_after("pid", log))


def test_ports_that_do_not_exist_are_refused(invoke: Invoke) -> None:
    refused = invoke("vllm", "serve", "a", "--also", "b", "--port", "65535")
    assert (refused.code, "there are no 2 ports" in refused.err) == (2, True)


def flags_of(program: Path, tmp_path: Path, *more: str) -> tuple[str, ...]:
    return ("--vllm", " ".join([f"--program {program} --log {tmp_path}/log", *more]))


def test_a_run_serves_its_judge_and_stops_it(submitted: Invoke, program: Path, tmp_path: Path) -> None:
    flags = flags_of(program, tmp_path, "--max-model-len 4096", "--worker")
    ran = submitted("run", "--judge", "vllm:org/tiny", *flags, *STUDY)
    assert (ran.code, ran.json["ok"], ran.json["calls"]) == (0, 8, 8), ran.err
    assert "other model" not in ran.err
    assert ends(number_after("pid", tmp_path / "log"))
    assert ends(number_after("worker", tmp_path / "log"))
    again = submitted("run", "--judge", "vllm:org/tiny@two-way.v1", *STUDY)
    assert again.code == 2 or again.json["calls"] == 0


@pytest.mark.slow
def test_a_judge_that_was_added_is_served_as_it_was_said(submitted: Invoke, program: Path, tmp_path: Path) -> None:
    flags = flags_of(program, tmp_path, "--model org/tiny --lora-modules strict=./a")
    added = submitted("judges", "add", "mine", "--model", "vllm:strict", *flags)
    assert added.code == 0, added.err
    assert "lora-modules" in submitted("judges", "show", "mine").out
    assert "on a server that a run starts" in submitted("judges", "list").out
    unagreed = submitted("run", "--judge", "mine", *STUDY)  # they name a program, and a database may be anybody's
    assert (unagreed.code, "agree by giving it again" in unagreed.err) == (2, True)
    assert not (tmp_path / "log").exists()
    ran = submitted("run", "--judge", "mine", *flags, *STUDY)
    assert (ran.code, ran.json["ok"]) == (0, 8), ran.err
    log = (tmp_path / "log").read_text()
    assert "'serve', 'org/tiny'" in log
    assert "--enable-lora" in log
    assert submitted("judges", "test", "mine", *flags).code == 0


@pytest.mark.slow
def test_its_key_comes_by_the_variable_that_is_named(
    submitted: Invoke, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    flags = flags_of(program, tmp_path)
    ran = submitted("run", "--judge", "vllm:org/tiny", "--judge-key-env", "MY_KEY", *flags, *STUDY)
    assert (ran.code, ran.json["ok"]) == (0, 8), ran.err
    refused = submitted("run", "--judge", "vllm:org/tiny", "--vllm", f"--api-key {KEY}", *STUDY)
    assert (refused.code, KEY in refused.err) == (2, False)
    assert "key_env" in refused.err


@pytest.mark.slow
def test_rewards_come_from_a_server_that_pools(submitted: Invoke, program: Path, tmp_path: Path) -> None:
    flags = flags_of(program, tmp_path)
    ran = submitted(
        *("run", "--judge", "vllm:org/reward", "--template", "pointwise/reward", *flags),
        *("--benchmark", "bench", "--format", "json"),
    )
    assert (ran.code, ran.json["ok"]) == (0, 12), ran.err
    assert "--runner=pooling" in (tmp_path / "log").read_text()


def test_answers_come_from_a_model_that_is_served_for_them(submitted: Invoke, program: Path, tmp_path: Path) -> None:
    flags = flags_of(program, tmp_path)
    answered = submitted("answer", "--benchmark", "bench", "--model", "vllm:org/tiny", "--model-name", "tiny", *flags)
    assert answered.code == 0, answered.err
    assert "4 ok" in answered.out
    assert ends(number_after("pid", tmp_path / "log"))


@pytest.mark.slow
def test_an_audit_serves_its_judge_once(submitted: Invoke, program: Path, tmp_path: Path) -> None:
    flags = flags_of(program, tmp_path)
    judge = ("--judge", "vllm:org/tiny", *flags)
    audited = submitted("audit", "null-models", "--benchmark", "bench", *judge, "--limit", "3")
    assert audited.code in (0, 1), audited.err
    log = (tmp_path / "log").read_text()
    assert log.count("fake vllm") == 1
    assert ends(number_after("pid", tmp_path / "log"))


def test_a_server_that_dies_is_one_clear_error_and_leaves_nothing(
    submitted: Invoke, program: Path, tmp_path: Path
) -> None:
    crashed = submitted("run", "--judge", "vllm:org/tiny", *flags_of(program, tmp_path, "--crash"), *STUDY)
    assert crashed.code == 2
    assert "no such model" in crashed.err
    assert verdicts(tmp_path) == 0


def test_a_server_that_dies_while_it_is_asked_ends_the_run_with_its_reason(
    submitted: Invoke, program: Path, tmp_path: Path
) -> None:
    flags = flags_of(program, tmp_path, "--dies")
    died = submitted("run", "--judge", "vllm:org/tiny", *flags, *STUDY, "--concurrency", "1")
    assert died.code == 2
    assert "vLLM ended by itself with status 7" in died.err
    assert "out of memory" in died.err
    assert (tmp_path / "log").read_text().count("fake vllm") == 1
    assert verdicts(tmp_path) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("starting", signal.SIGINT),
        ("starting", signal.SIGTERM),
        ("judging", signal.SIGINT),
        ("judging", signal.SIGTERM),
        ("judging", signal.SIGKILL),
    ],
)
def test_however_a_run_ends_its_server_does(
    submitted: Invoke, program: Path, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    more = "--silent" if moment == "starting" else "--slow"
    flags = flags_of(program, tmp_path, "--worker", more)
    with started("run", "--judge", "vllm:org/tiny", *flags, *STUDY, "--drain", "1") as running:
        awaited = "worker " if moment == "starting" else "question"
        log = tmp_path / "log"
        while not (log.exists() and awaited in log.read_text()):
            assert running.poll() is None, running.communicate()
            time.sleep(0.02)
        running.send_signal(number)
        if (moment, number) == ("judging", signal.SIGINT):
            assert running.stderr is not None
            assert "once more stops at once" in running.stderr.readline()
            running.send_signal(number)
        running.communicate(timeout=120)
    assert ends(number_after("pid", log))
    assert ends(number_after("worker", log))

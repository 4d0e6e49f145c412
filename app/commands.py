"""The commands of the terminal that do what a page speaks of, ready to be copied."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from judgebench.services.pages import parse_address
from judgebench.services.standing import StandingBoard


def place(address: str, benchmark: str, models: Sequence[str]) -> str:
    """Have models judged as the benchmark's board was.

    An address with a password is left out: it belongs into the environment.
    """
    return shlex.join(
        [*_program(address), "place", f"--benchmark={benchmark}", *(f"--model={model}" for model in models)]
    )


def standing(benchmark: str, board: StandingBoard) -> str:
    """Have the benchmark hold this standing board."""
    options = {"judge": board.judge, "baseline": board.baseline, "profile": board.profile}
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    pool = [f"--pool={name}" for name in board.pool]
    return shlex.join(["judgebench", "benchmarks", "standing", benchmark, *given, *pool])


def contamination(benchmark: str) -> str:
    """Look for the benchmark's texts elsewhere."""
    return shlex.join(["judgebench", "contamination", "--benchmark", benchmark])


def test_judge(judge: str) -> str:
    """Ask a judge's server whether it answers."""
    return shlex.join(["judgebench", "judges", "test", judge])


def _program(address: str) -> list[str]:
    return ["judgebench"] if parse_address(address).password else ["judgebench", f"--db={address}"]


def judge_all(benchmark: str, judge: str) -> str:
    """Judge all pairs of a benchmark's models by a judge that needs no server."""
    return shlex.join(["judgebench", "run", "--benchmark", benchmark, "--judge", judge, "--all-pairs"])


def audit_flags(settings: Mapping[str, Any]) -> Iterator[str]:
    """Settings as the flags of the command line; what is None, empty or false is left out."""
    for name, value in settings.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            yield flag
        elif value is False or value is None:
            continue
        else:
            yield from (f"{flag}={one}" for one in (value if isinstance(value, list | tuple) else [value]))

"""The commands of the terminal that do what a page speaks of, ready to be copied."""

import shlex
from collections.abc import Sequence

from judgebench.services.pages import parse_address

_DEFAULT_JUDGE = "embedded"


def place(address: str, benchmark: str, models: Sequence[str]) -> str:
    """Have models judged as the benchmark's board was.

    An address with a password is left out: it belongs into the environment.
    """
    return shlex.join(
        [*_program(address), "place", f"--benchmark={benchmark}", *(f"--model={model}" for model in models)]
    )


def judge_benchmark(address: str, benchmark: str) -> str:
    """Judge all pairs of a benchmark that has no board yet; an address as of ``place``."""
    return shlex.join(
        [*_program(address), "run", f"--benchmark={benchmark}", f"--judge={_DEFAULT_JUDGE}", "--all-pairs"]
    )


def contamination(benchmark: str) -> str:
    """Look for the benchmark's texts elsewhere."""
    return shlex.join(["judgebench", "contamination", "--benchmark", benchmark])


def allow_judge_host(host: str) -> str:
    """Start the app so that judges on the server may be asked from it."""
    return shlex.join(["judgebench", "app", "--judge-host", host])


def _program(address: str) -> list[str]:
    return ["judgebench"] if parse_address(address).password else ["judgebench", f"--db={address}"]


def judge_all(benchmark: str, judge: str) -> str:
    """Judge all pairs of a benchmark's models by a judge that needs no server."""
    return shlex.join(["judgebench", "run", "--benchmark", benchmark, "--judge", judge, "--all-pairs"])


def judge_all_by_server(benchmark: str) -> str:
    """The same by a judge of a server, whose name and address are to be filled in."""
    named = shlex.join(["judgebench", "run", "--benchmark", benchmark])
    return f"{named} --judge MODEL --judge-url URL --all-pairs"

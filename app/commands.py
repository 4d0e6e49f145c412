"""The commands of the terminal that do what a page speaks of, ready to be copied."""

import shlex
from collections.abc import Sequence

from judgebench.services.pages import parse_address

_DEFAULT_JUDGE = "embedded"


def judge_model(address: str, benchmark: str, model: str, others: Sequence[str]) -> str:
    """Judge a model's outputs against those of one of ``others``, or of all pairs where there is no other yet.

    An address with a password is left out: it belongs into the environment.
    """
    words = ["judgebench"]
    if not parse_address(address).password:
        words.append(f"--db={address}")
    words += ["run", f"--benchmark={benchmark}", f"--judge={_DEFAULT_JUDGE}"]
    if others and "," not in model:  # the command separates names by commas
        words += [f"--models={model}", f"--baseline={others[0]}"]
    else:
        words.append("--all-pairs")
    return shlex.join(words)


def judge_all(benchmark: str, judge: str) -> str:
    """Judge all pairs of a benchmark's models by a judge that needs no server."""
    return shlex.join(["judgebench", "run", "--benchmark", benchmark, "--judge", judge, "--all-pairs"])


def judge_all_by_server(benchmark: str) -> str:
    """The same by a judge of a server, whose name and address are to be filled in."""
    named = shlex.join(["judgebench", "run", "--benchmark", benchmark])
    return f"{named} --judge MODEL --judge-url URL --all-pairs"

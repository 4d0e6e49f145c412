"""judgebench benchmarks."""

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Invoke


def test_what_a_benchmark_holds(undecided: Invoke) -> None:
    [benchmark] = undecided("benchmarks", "--format", "json").json
    assert (benchmark["name"], benchmark["instructions"], benchmark["verdicts"]) == ("b", 6, 72)
    assert benchmark["models"] == ["m1", "m2", "m3", "m4"]
    assert undecided("benchmarks").out.splitlines()[1].split() == ["b", "6", "4", "1", "72"]
    assert undecided("benchmarks", "list").out == undecided("benchmarks").out


def test_a_standing_board_is_kept_shown_used_and_removed(submitted: Invoke, outputs: Callable[..., Path]) -> None:
    assert submitted("run", "--benchmark", "bench", "--judge", "scripted:coin", "--baseline", "alpha").code == 0
    standing = ("benchmarks", "standing", "bench")
    assert "bench holds no standing board" in submitted(*standing).out
    assert submitted(*standing, "--format", "json").json == {"benchmark": "bench", "standing": None}
    kept = submitted(*standing, "--judge", "scripted:coin", "--pool", "beta", "--baseline", "alpha")
    words = "New models of bench are judged by scripted:coin against the baseline alpha, and ranked among 2 models, "
    assert (kept.code, kept.out) == (0, f"{words}alpha and beta.\n")
    done = submitted("submit", outputs("new"), "--model", "new", "--benchmark", "bench", "--rank")
    assert (done.code, "new: rank " in done.out, "of 3, win rate" in done.out) == (0, True, True)
    assert "By the standing board of bench, ranked among the 2 models of its pool." in done.err
    assert "scripted:coin: 8 calls" in done.out
    again = submitted("place", "--model", "new", "--benchmark", "bench", "--format", "json").json
    assert (again["calls"], again["pool"], again["ranked"]) == (0, ["alpha", "beta"], 3)
    assert submitted(*standing, "--remove", "--judge", "scripted:coin").code == 2
    assert submitted(*standing, "--remove").code == 0
    assert submitted(*standing, "--remove").code == 2

"""judgebench benchmarks."""

from tests.cli.conftest import Invoke


def test_what_a_benchmark_holds(undecided: Invoke) -> None:
    [benchmark] = undecided("benchmarks", "--format", "json").json
    assert (benchmark["name"], benchmark["instructions"], benchmark["verdicts"]) == ("b", 6, 72)
    assert benchmark["models"] == ["m1", "m2", "m3", "m4"]
    assert undecided("benchmarks").out.splitlines()[1].split() == ["b", "6", "4", "1", "72"]

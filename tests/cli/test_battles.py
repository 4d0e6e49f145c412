"""judgebench battles."""

from tests.cli.conftest import Invoke


def test_battles_are_counted_and_filtered(judged: Invoke) -> None:
    where = ("battles", "--benchmark", "bench")
    listed = judged(*where, "--format", "json").json
    assert (listed["total"], len(listed["battles"])) == (12, 12)
    between = judged(*where, "--model", "alpha", "--model", "beta", "--format", "json").json
    assert {(row["model_a"], row["model_b"]) for row in between["battles"]} == {("alpha", "beta")}
    inconsistent = judged(*where, "--judge", "scripted:always-first", "--inconsistent", "--format", "json").json
    assert inconsistent["total"] == 12
    assert judged(*where, "--text", "Question 3?", "--format", "json").json["total"] == 3
    page = judged(*where, "--limit", "5", "--offset", "10").out.splitlines()
    assert page[-1] == "2 of 12 battles"
    assert judged(*where, "--judge", "nobody").code == 2


def test_values_that_no_database_holds_are_refused_in_one_sentence(judged: Invoke) -> None:
    for option in ("--limit", "--offset"):
        assert judged("battles", "--benchmark", "bench", option, str(10**22)).code == 2
    assert judged("leaderboard", "--benchmark", "bench", "--interval", "bootstrap", "--seed", "-1").code == 2
    for options in (("--benchmark", "\udcff"), ("--benchmark", "bench", "--text", "\udcff")):
        shown = judged("battles", *options)
        assert (shown.code, shown.err.count("\n")) == (2, 1)

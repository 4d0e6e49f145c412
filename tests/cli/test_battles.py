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

"""judgebench plan."""

from tests.cli.conftest import Invoke


def test_a_plan_without_and_with_a_pilot(undecided: Invoke) -> None:
    alone = undecided("plan", "--difference", "0.03", "--format", "json").json
    assert alone["instructions_needed"] == 4363  # (1.959964 + 0.841621)^2 * 2 * 0.25 / 0.03^2, and 2 for t
    learned = undecided("plan", "--benchmark", "b", "--instructions", "50", "--format", "json").json
    assert learned["pilot"]["instructions"] == 6
    assert learned["with"]["instructions"] == 50
    assert undecided("plan", "--benchmark", "b").code == 0


def test_a_plan_in_words(invoke: Invoke) -> None:
    lines = invoke("plan", "--instructions", "100").out.splitlines()
    assert lines[0].startswith("1,572 instructions tell win rates 5.0% apart with power 80% at level 95%")
    assert lines[1].startswith("100 instructions: power 1")

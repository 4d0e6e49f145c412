"""judgebench reparse."""

from tests.cli.conftest import Invoke


def test_reading_again_makes_no_call(submitted: Invoke) -> None:
    submitted("run", "--benchmark", "bench", "--judge", "scripted:coin", "--baseline", "alpha")
    assert submitted("reparse", "scripted:coin", "--format", "json").json == {"read": 0, "changed": 0}
    assert submitted("reparse", "nobody").code == 2

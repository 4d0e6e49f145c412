"""One of a judge's servers is killed and started again in the middle of a run: nothing is lost, little asked twice."""

import pytest

from bench.endpoints import Account, killed


@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again_costs_no_answer() -> None:
    account: Account = killed(4, 24_000, in_flight=256, latency_s=0.05)
    assert account.wrong == ()

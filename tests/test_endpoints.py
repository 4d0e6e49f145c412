"""One of a judge's servers is killed and started again in the middle of a run: nothing is lost, little asked twice."""

import pytest

from bench.endpoints import Account, killed


@pytest.mark.parametrize(
    ("trials", "in_flight", "latency_s"), [(900, 24, 0.1), pytest.param(24_000, 256, 0.05, marks=pytest.mark.slow)]
)
def test_a_server_that_is_killed_and_started_again_costs_no_answer(
    trials: int, in_flight: int, latency_s: float
) -> None:
    account: Account = killed(4, trials, in_flight=in_flight, latency_s=latency_s)
    assert account.wrong == ()

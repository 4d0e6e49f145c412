"""Under every fault at once no question is lost, asked again after its answer, or given another's answer."""

import pytest

from tests.clients.soak import soak


def test_every_question_ends_once_under_mixed_faults() -> None:
    account = soak(200, seed=1)
    assert account.wrong == ()
    assert sum(account.outcomes.values()) == account.questions
    assert account.requests == account.calls > account.questions


@pytest.mark.slow
def test_a_server_that_mostly_fails_costs_bounded_requests() -> None:
    account = soak(20, fault_share=1.0, seed=2)
    assert account.wrong == ()
    assert set(account.outcomes) <= {"JudgeUnreachable", "BadReply", "EmptyReply"}

"""Prices: stated by the user, never guessed."""

import pytest

from judgebench.clients.base import Price, cost_usd
from judgebench.errors import InputError
from judgebench.records import Completion


def test_a_cost_is_tokens_times_the_price_of_a_million() -> None:
    completion = Completion("A", prompt_tokens=2_000_000, completion_tokens=500_000)
    assert cost_usd(Price.parse("2.5, 10"), completion) == 2 * 2.5 + 0.5 * 10
    assert cost_usd(Price.parse("0,0"), completion) == 0


def test_an_unknown_price_or_count_is_no_cost_rather_than_nothing() -> None:
    assert cost_usd(None, Completion("A", prompt_tokens=1, completion_tokens=1)) is None
    assert cost_usd(Price(1, 1), Completion("A", prompt_tokens=1)) is None


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "-1,2", "nan,1", "inf,1", "1;2", "0" * 999 + "1,2"])
def test_what_is_no_price_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match="PROMPT,COMPLETION"):
        Price.parse(text)


@pytest.mark.parametrize("text", ["1e308,1e308", "1000001,0", "0,1e7"])
def test_a_price_that_nobody_charges_is_an_input_error(text: str) -> None:
    """Times the tokens of a benchmark it might be no finite number."""
    with pytest.raises(InputError, match=rf"price '{text}' is more than 1,000,000 USD per million tokens"):
        Price.parse(text)
    assert Price.parse("1e6,1000000") == Price(1e6, 1e6)

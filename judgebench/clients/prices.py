"""What a completion costs.

There is no built-in table: prices change monthly and differ by contract, and a wrong price is worse than none. A user
states the price of a judge; without it tokens are counted and the cost stays unknown.
"""

import math
from dataclasses import dataclass

from judgebench.errors import InputError
from judgebench.records import Completion


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    prompt: float
    completion: float

    @classmethod
    def parse(cls, text: str) -> "Price":
        """From "PROMPT,COMPLETION", for example "2.5,10". Raises InputError."""
        try:
            prompt, completion = (float(part) for part in text.split(","))
        except ValueError:
            prompt = completion = math.nan
        if not (0 <= prompt < math.inf and 0 <= completion < math.inf):
            raise InputError(f"price {text[:80]!r} is not PROMPT,COMPLETION in USD per million tokens, such as 2.5,10")
        return cls(prompt, completion)


def cost_usd(price: Price | None, completion: Completion) -> float | None:
    """None when the price, or how many tokens were used, is not known."""
    if price is None or completion.prompt_tokens is None or completion.completion_tokens is None:
        return None
    return (price.prompt * completion.prompt_tokens + price.completion * completion.completion_tokens) / 1e6

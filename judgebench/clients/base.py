"""What every judge can be asked, whoever answers: a server, a process of ours or a script.

Clients fetch replies and nothing else: rendering and parsing are judging's, storing is the store's.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from judgebench.errors import BadReply, InputError
from judgebench.keys import clean_text
from judgebench.records import Completion, Prompt, TokenLogprob
from judgebench.spec.connection import ServerConnection

_MOST_USD = 1e6  # for a million tokens: a dollar for each, which nobody charges
_MOST_CHARS = 80  # of a price
_FLOOR = -9999.0  # what OpenAI and vLLM write for a log-probability of minus infinity


class Client(Protocol):
    """One judge that can be asked, from one event loop."""

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """The judge's raw reply to ``prompt`` under its decoding ``settings``.

        Raises JudgeUnreachable (asking again may help), BadReply (it may help once), JudgeRefused (it does not).
        """
        ...

    async def close(self) -> None:
        """Give connections and memory back; asking afterwards is a mistake."""
        ...


@runtime_checkable
class Server(Client, Protocol):
    """A client of a server, which can be tried before anything is asked."""

    async def check(self) -> Any:
        """Raises JudgeError when the server cannot be reached or refuses the key; costs no tokens."""
        ...

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``settings`` that the server was found not to take, sorted."""
        ...

    def changed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """What else the server was found to need otherwise than it was meant, in words."""
        ...


@runtime_checkable
class Counted(Protocol):
    """A client that counts what it sends, where one question may take several requests."""

    @property
    def calls(self) -> int:
        """Requests sent so far, each one once, answered or not."""
        ...


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    prompt: float
    completion: float

    @classmethod
    def parse(cls, text: str) -> "Price":
        """From "PROMPT,COMPLETION", for example "2.5,10". Raises InputError, for one that nobody charges, too."""
        try:
            prompt, completion = (float(part) for part in text.split(","))
        except ValueError:
            prompt = completion = math.nan
        if len(text) > _MOST_CHARS or not (0 <= prompt < math.inf and 0 <= completion < math.inf):
            raise InputError(
                f"price {text[:_MOST_CHARS]!r} is not PROMPT,COMPLETION in USD per million tokens, such as 2.5,10"
            )
        if max(prompt, completion) > _MOST_USD:
            raise InputError(f"price {text!r} is more than {_MOST_USD:,.0f} USD per million tokens")
        return cls(prompt, completion)


@dataclass(frozen=True, slots=True)
class Access:
    """What a provider needs to open a client."""

    model: str  # as the user named it, without the provider's name and colon where it has these
    url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    price: Price | None = None
    connection: ServerConnection = field(default_factory=ServerConnection)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # values of the variables that it names
    vllm: str = ""  # flags for vLLM, where it is started for this model


def cost_usd(price: Price | None, completion: Completion) -> float | None:
    """None when the price, or how many tokens were used, is not known."""
    if price is not None and not price.prompt and not price.completion:
        return 0.0
    if price is None or completion.prompt_tokens is None or completion.completion_tokens is None:
        return None
    return (price.prompt * completion.prompt_tokens + price.completion * completion.completion_tokens) / 1e6


def with_spent(completion: Completion, spent: Sequence[Completion]) -> Completion:
    """The answer with the tokens and cost of the replies before it that were none, which were paid for too."""
    if not spent:
        return completion
    sums: dict[str, Any] = {}
    for name in ("prompt_tokens", "completion_tokens", "cost_usd"):
        numbers = [getattr(reply, name) for reply in (*spent, completion)]
        sums[name] = None if None in numbers else sum(numbers)
    return replace(completion, **sums)


def finite_number(value: Any) -> float:
    """A log-probability or reward as a number that every store holds. Raises BadReply when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise BadReply(f"the judge sent {str(value)[:40]!r} where a log-probability or a reward should be")
    return float(min(max(value, _FLOOR), -_FLOOR))


def sound_token(token: str, logprob: Any, top: Iterable[tuple[str, Any]]) -> TokenLogprob:
    """A token as every store holds it, the most probable alternative first; without alternatives where a server sent no
    number for one, since what the others hold is not known then."""
    try:
        known = [(clean_text(text), finite_number(value)) for text, value in top]
        return TokenLogprob(clean_text(token), finite_number(logprob), tuple(sorted(known, key=lambda pair: -pair[1])))
    except BadReply:
        return TokenLogprob(clean_text(token), _FLOOR)

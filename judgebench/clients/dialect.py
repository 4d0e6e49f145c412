"""Which request fields a server takes, learned from its complaints. Pure.

Reasoning models refuse ``max_tokens``, ``temperature`` and ``logprobs``, small servers refuse others. A field that
a server calls unsupported is renamed or left out from then on; what was left out is reported, because a judge asked
without its temperature is not quite the judge that was meant.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from judgebench.clients.replies import Rejected

_RENAMED = {"max_tokens": "max_completion_tokens"}
_NEEDS = {"top_logprobs": "logprobs"}
_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
_UNSUPPORTED = re.compile(
    r"unsupported|not (?:yet |currently )?(?:supported|permitted|allowed|available|implemented|recogni[sz]ed)"
    r"|does(?:n't| not) support|unavailable|unknown|unrecogni[sz]ed|unexpected|extra inputs|deprecated|cannot be used",
    re.IGNORECASE,
)
_SEARCHED_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Dialect:
    """The fields a server does not take; none at first."""

    refused: frozenset[str] = frozenset()

    def spoken(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as this server takes them."""
        fields = {}
        for name, value in settings.items():
            spoken = _RENAMED.get(name) if name in self.refused else name
            if spoken is not None and spoken not in self.refused and _NEEDS.get(spoken) not in self.refused:
                fields[spoken] = value
        return fields

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The settings that do not reach the server under any name, sorted."""
        spoken = self.spoken(settings)
        return tuple(sorted(name for name in settings if name not in spoken and _RENAMED.get(name) not in spoken))

    def without(self, name: str) -> "Dialect":
        return Dialect(self.refused | {name})


def refused_field(rejection: Rejected, sent: Collection[str]) -> str | None:
    """The field of ``sent`` that a rejection calls unsupported; None when it is about something else.

    A complaint about a value, such as more tokens than the context holds, is not about the field.
    """
    if rejection.status not in (400, 422):
        return None
    message = rejection.message[:_SEARCHED_CHARS]
    if rejection.code not in _CODES and not _UNSUPPORTED.search(message):
        return None
    if rejection.param in sent:
        return rejection.param
    found = (re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in sent)
    matches = [match for match in found if match]
    return min(matches, key=lambda match: match.start()).group() if matches else None

"""What a server says where it does not answer: why, which field it blames, and how long to wait.

The reason counts, not the number: gateways send a filtered prompt as 403, a rate limit as 200 or 400, a bad key as 400.
Errors come as OpenAI's object, FastAPI's list of details, Azure's inner errors, Google's RpcStatus, an error in a
string, or prose. What they quote of the request is not read: an output under judgment could say anything there.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

from judgebench.keys import clean_text

_ECHOES = frozenset({"input", "body", "request", "messages", "prompt", "ctx", "failed_generation", "flagged_input"})
_MESSAGES = frozenset(
    {"message", "msg", "detail", "details", "error", "errors", "description", "error_description", "error_msg", "raw"}
    | {"title", "status_msg", "localizedmessage", "reasons", "errormessage", "error_message"}
)
_CODES = frozenset({"code", "type", "status", "reason", "error_code", "errorcode", "status_code"})
_FIELDS = frozenset({"param", "loc", "field", "parameter", "param_name", "pointer"})
_WAITS = frozenset({"retrydelay", "retry_after", "retryafter", "retry_after_seconds", "retry_after_s"})
_DEPTH, _MOST = 8, 400
_SEARCHED_CHARS = 600
_LONGEST_S = 1e6
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = r"(?:\d+(?:\.\d+)?\s*(?:ms|millisec[a-z]*|sec[a-z]*|min[a-z]*|hours?|[smhd](?![a-z]))[\s,]*)+"
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|millisec|s|m|h|d)")
_ASKED_TO_WAIT = re.compile(rf"(?:try(?:ing)? again|retry(?:ing)?|wait|resets?)\D{{0,30}}?({_DURATION})", re.IGNORECASE)
_NAMED = {
    "resource_exhausted": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "unauthenticated": 401,
    "unauthorized": 401,
    "authentication_error": 401,
    "permission_denied": 403,
    "not_found": 404,
    "model_not_found": 404,
    "invalid_argument": 400,
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "context_length_exceeded": 400,
    "unavailable": 503,
    "overloaded_error": 503,
    "server_error": 500,
    "api_error": 500,
    "internal": 500,
    "internal_server_error": 500,
}


class Reason(Enum):
    """Why a server does not answer, where it says so."""

    IMAGES = auto()  # it takes none, or not so many
    CONTENT = auto()  # a filter stopped this prompt, or its reply
    KEY = auto()  # who asks, or what for, is not allowed to
    QUOTA = auto()  # nothing is left to pay with
    RATE = auto()  # too much at a time
    MODEL = auto()  # it has no such model
    BUSY = auto()  # later, perhaps


_STATUS_OF = {
    Reason.IMAGES: 400,
    Reason.CONTENT: 400,
    Reason.KEY: 401,
    Reason.QUOTA: 402,
    Reason.RATE: 429,
    Reason.MODEL: 404,
    Reason.BUSY: 503,
}
_CODED = {  # in short names, in this order
    Reason.CONTENT: r"content_?(?:filter|policy|violation|blocked)|responsibleai|inspection|moderat|flagged|prohibited"
    r"|guardrail|sensitive|safety|censor|usage_?policy|invalid_prompt",
    Reason.QUOTA: r"insufficient_?(?:quota|balance|funds|credit)|billing|payment_required|arrears",
    Reason.RATE: r"rate_?limit|too_?many_?requests|throttl|resource_?exhausted|slow_?down|tokens_?limit_?exceeded",
    Reason.KEY: r"api_?key|unauth|authenticat|permission_?denied|access_?denied|account_|deactivated|invalid_?token",
    Reason.MODEL: r"model_?not_?(?:found|available)|invalid_?model",
    Reason.BUSY: r"overloaded|unavailable",
}
_THING = r"(?:input|prompt|content|messages?|request|text|query|output|response|generation|completion|question)s?"
_STOPPED = (
    r"(?:flagged|blocked|filtered|moderated|inappropriate|unsafe|harmful|risk|(?<!case.)sensitive"
    r"|violat\w+.{0,40}(?:polic|guideline|terms|rules)\w*)"
)
_IMAGES = r"(?:images?|vision|multi-?modal|image[ _-]?(?:inputs?|urls?))"
_AT_MOST = re.compile(r"at most (\d+) images?\b", re.IGNORECASE)
_SAID = {  # in sentences, in this order
    Reason.IMAGES: rf"not a multi-?modal model|{_AT_MOST.pattern}|missing data required for image input"
    rf"|\b{_IMAGES}(?: inputs?| urls?| content| data| parts?)? (?:is|are) (?:not|only) (?:\w+ )?"
    r"(?:support|enabl|allow|accept)"
    rf"|image_url['\"`]? is only supported|support(?:s|ing)? image input|unknown variant .{{0,3}}image_url|mmproj"
    rf"|(?:not|n['’]t|cannot) (?:\w+ ){{0,2}}?(?:support|accept|process|handle|take|see)\w* (?:\w+ ){{0,2}}?{_IMAGES}\b"
    r"|only (?:supports?|accepts?|takes?) text\b",
    Reason.RATE: r"rate[\s_-]?limit|too many (?:requests|tokens)|per[\s-]minute|\b[RT]P[MD]\b|throttl|slow down"
    r"|request limit|(?:requests?|tokens|calls|queries)[\s-]*(?:per|/)[\s-]*(?:second|minute|min|hour|day)",
    Reason.QUOTA: r"(?:insufficient|not enough|exceeded your(?: current)?|out of|more) (?:quota|balance|funds|credits?)"
    r"|billing|(?:credits?|balance|quota)\b.{0,40}(?:exhausted|too low|depleted|used up|insufficient)"
    r"|payment required|spending limit",
    Reason.CONTENT: rf"\b{_THING}\b.{{0,80}}\b{_STOPPED}\b|\b{_STOPPED}\b.{{0,80}}\b{_THING}\b|moderation"
    r"|(?:content|safety|usage)[\s-](?:filter|polic|management|system|guideline)|guardrail",
    Reason.KEY: r"(?:api|access|secret|security|auth\w*|bearer)[\s_-]?(?:key|token)|credential|unauthori[sz]ed"
    r"|unauthenticated|authenticat|not authori[sz]ed|permission|subscription"
    r"|\b(?:key|token) (?:is |has |was )?(?:expired|invalid|revoked)"
    r"|(?:invalid|expired|incorrect|wrong|missing) (?:key|token)",
    Reason.MODEL: r"\bmodel\b.{0,120}\b(?:not (?:exist|found)|no longer|unknown)|(?:unknown|no such|invalid) model",
    Reason.BUSY: r"overload|try again|is loading|at capacity|temporar|internal (?:server )?error"
    r"|(?:service|server|upstream|model|provider)\b.{0,30}\b(?:unavailable|busy|error|timed? ?out|failed)",
}
_ACCOUNT = re.compile(
    r"\b(?:account|organi[sz]ation|project|workspace|user)\b.{0,60}"
    r"\b(?:suspended|deactivated|disabled|terminated|banned|blocked|not (?:active|verified|allowed))\b",
    re.IGNORECASE,
)
_CODED_AS = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _CODED.items()}
_SAID_AS = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _SAID.items()}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the body of an error says."""

    message: str = ""  # its first words for people, whole
    messages: tuple[str, ...] = ()  # all of them
    codes: tuple[str, ...] = ()  # short names and numbers of what is wrong
    code: str | None = None  # the first that is called so and is a name
    params: tuple[str, ...] = ()  # fields of the request that it blames, each without what they lie in
    wait_s: float | None = None  # what it asks for

    @property
    def words(self) -> str:
        """What is searched."""
        return "\n".join(text[:_SEARCHED_CHARS] for text in self.messages[:8])

    @property
    def status(self) -> int | None:
        """The status that it gives itself, or is known by."""
        numbers = (int(code) for code in self.codes if code.isdecimal() and len(code) == 3)
        number = next((number for number in numbers if 400 <= number < 600), None)
        named = (_NAMED.get(code.lower()) for code in self.codes)
        known = number or next((status for status in named if status), None)
        return _STATUS_OF[self.reason] if known is None and self.reason is not None else known

    @property
    def reason(self) -> Reason | None:
        """None where it gives none of these."""
        if _ACCOUNT.search(self.words):
            return Reason.KEY
        short = " ".join(self.codes)
        coded = next((reason for reason, pattern in _CODED_AS.items() if pattern.search(short)), None)
        words = next((reason for reason, pattern in _SAID_AS.items() if pattern.search(self.words)), None)
        if coded is Reason.RATE and words is Reason.QUOTA and self.wait_s is None:
            return Reason.QUOTA
        reason = coded or words
        return Reason.RATE if reason is Reason.QUOTA and (self.wait_s is not None or words is Reason.RATE) else reason


def images_at_most(complaint: Complaint) -> int | None:
    """How many images a question may have, as a complaint says; None where it says no number."""
    match = _AT_MOST.search(complaint.words)
    return None if match is None else int(match[1])


def complaint_of(body: Any) -> Complaint:
    """What an error's body says: text, or a value that was JSON."""
    value = _value(body)
    if isinstance(value, str):
        return Complaint(value, (value,), wait_s=_asked_wait_s([value]))
    entries = list(_entries(value, "", _DEPTH))[:_MOST]
    messages = [clean_text(text) for kind, text in entries if kind == "message" and isinstance(text, str)]
    codes = [clean_text(str(code)) for kind, code in entries if kind in ("code", "named")]
    named = next((clean_text(code) for kind, code in entries if kind == "named" and not code.isdecimal()), None)
    params = [clean_text(str(name)) for kind, name in entries if kind == "param"]
    waits = [wait for kind, value in entries if kind == "wait" and (wait := seconds(value)) is not None]
    limits = [wait for kind, value in entries if kind == "headers" and (wait := reset_s(value, _now())) is not None]
    wait_s = max(waits + limits) if waits or limits else _asked_wait_s(messages)
    return Complaint(messages[0] if messages else "", tuple(messages), tuple(codes), named, tuple(params), wait_s)


def _value(body: Any) -> Any:
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _entries(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    """What matters in a body, each with its kind; the outermost first."""
    kind = _kind(name)
    if depth < 0 or name in _ECHOES:
        return
    if name == "headers" and isinstance(value, dict):
        yield "headers", {str(key).lower(): str(item) for key, item in value.items()}
    elif kind == "wait":
        yield kind, value
    elif kind == "param":
        yield from (("param", part) for part in _path(value))
    elif isinstance(value, str):
        inner = _value(value) if value.lstrip()[:1] in ("{", "[") else value
        if kind is not None or not name:
            yield "named" if name == "code" else kind or "message", value
        if isinstance(inner, dict | list):
            yield from _entries(inner, "", depth - 1)
    elif kind == "code" and type(value) is int:
        yield kind, value
    elif isinstance(value, dict):
        for key, item in sorted(value.items(), key=lambda pair: isinstance(pair[1], dict | list)):
            yield from _entries(item, str(key).lower(), depth - 1)
    elif isinstance(value, list):
        for item in value:
            yield from _entries(item, name, depth - 1)


def _kind(name: str) -> str | None:
    kinds = (("message", _MESSAGES), ("code", _CODES), ("param", _FIELDS), ("wait", _WAITS))
    return next((kind for kind, names in kinds if name in names), None)


def _path(value: Any) -> list[str]:
    """The parts of a field's path, as "body", "top_logprobs" or "generation_config.logprobs"."""
    parts = value if isinstance(value, list) else [value]
    return [part for text in parts if isinstance(text, str) for part in re.split(r"[.\[\]/#]+", text) if part]


def seconds(value: Any) -> float | None:
    """Of a number, a duration such as "1m30.5s" or "20ms", or {"seconds": 31}; None where it is none of these."""
    if isinstance(value, dict):
        value = value.get("seconds")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = _duration_s(str(value))
    return min(max(0.0, number), _LONGEST_S) if math.isfinite(number) else None


def _duration_s(text: str) -> float:
    if not re.fullmatch(_DURATION, text.strip(), re.IGNORECASE):
        return math.nan
    parts = _PART.findall(text.lower())
    return sum(float(part) * _UNITS["ms" if unit.startswith("m") and len(unit) > 1 else unit] for part, unit in parts)


def _asked_wait_s(messages: list[str]) -> float | None:
    """As in "Please try again in 6m2.4s"."""
    matches = (_ASKED_TO_WAIT.search(message[:_SEARCHED_CHARS]) for message in messages)
    return next((seconds(match[1]) for match in matches if match), None)


def wait_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by the headers of an answer, names in lower case; None where they say nothing.

    ``now`` is the Unix time that dates are compared with.
    """
    milliseconds = seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    after = retry_after_s(headers.get("retry-after"), now)
    return reset_s(headers, now) if after is None else after


def retry_after_s(value: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header, a number or an HTTP date (RFC 9110, 10.2.3); None when it says nothing.

    ``now`` is the Unix time that a date is compared with.
    """
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        number = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    return max(0.0, number) if math.isfinite(number) else None


def reset_s(headers: Mapping[str, str], now: float) -> float | None:
    """Until the limits that are used up begin anew, as x-ratelimit-reset-requests and its like say; None without any.

    A limit of which something is left is not what is waited for.
    """
    waits = []
    for name, value in headers.items():
        if "ratelimit" not in name.replace("rate-limit", "ratelimit") or "reset" not in name:
            continue
        left = seconds(headers.get(name.replace("reset", "remaining")))
        until = _until(value, now)
        if until is not None and not left:
            waits.append(until)
    return max(waits) if waits else None


def _until(value: str, now: float) -> float | None:
    """Of seconds, a duration, a Unix time in seconds or milliseconds, or an ISO date."""
    try:
        number = float(value)
    except ValueError:
        duration = seconds(value)
        return max(0.0, _timestamp(value) - now) if duration is None and _timestamp(value) else duration
    if not math.isfinite(number):
        return None
    number = number / 1000 if number > 1e11 else number
    return max(0.0, number - now) if number > 1e9 else seconds(number)


def _timestamp(value: str) -> float:
    try:
        return datetime.fromisoformat(value.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _now() -> float:
    return datetime.now(UTC).timestamp()

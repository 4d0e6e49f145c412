"""Addresses of servers: several of one LLM, and when two are the same."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

_PORTS = {"http": 80, "https": 443}


def place_of(url: str) -> str:
    """What tells an address from others: letter case of scheme and host, the usual port, trailing slashes and how much
    of ``/v1/chat/completions`` it ends with are no difference. An address that is none is itself."""
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return url
    if scheme not in _PORTS or not host:
        return url
    path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{scheme}://{host.rstrip('.')}:{port or _PORTS[scheme]}{path}"


def _once_each(given: Any) -> Any:
    """None, one address, or several, each place once, in their order."""
    if not isinstance(given, list | tuple) or not all(isinstance(url, str) for url in given):
        return given
    urls: dict[str, str] = {}
    for url in given:
        urls.setdefault(place_of(url), url)
    return tuple(urls.values()) if len(urls) > 1 else next(iter(urls.values()), None)


Addresses = Annotated[str | tuple[str, ...] | None, BeforeValidator(_once_each)]

"""Addresses of servers: several of one LLM, when two are the same, and those that stand in a file.

A file of addresses may change while a run goes, and is read again then. Only whoever starts a run names one, "@FILE":
no text of a database or of the web becomes one, and what is stored is the addresses that stood in it.
"""

import os
import stat
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from judgebench.errors import InputError
from judgebench.spec.credentials import refuse_in_address

_PORTS = {"http": 80, "https": 443}
_FILE = "@"  # before the name of a file of addresses
_MOST_BYTES = 1 << 20
_MOST = 1000  # addresses
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # else a pipe would be waited for


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


def is_address(text: str) -> bool:
    """Whether it has the form of a server's address, http or https."""
    try:
        parts = urlsplit(text)
        is_plain = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return is_plain and text.isprintable() and " " not in text


def once_each(urls: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Each place once, as it was written first, in their order."""
    by_place: dict[str, str] = {}
    for url in urls:
        by_place.setdefault(place_of(url), url)
    return tuple(by_place.values())


class AddressFile:
    """A file of addresses, one a line, and those that stood in it; blank lines and such as begin with # are none.

    No dataclass: pydantic would write it as a mapping, and read it from one.
    """

    __slots__ = ("path", "urls")

    def __init__(self, path: Path) -> None:
        """Raises InputError naming the file and the line, and never what stands there, which may be a key."""
        self.path = Path(os.path.expanduser(path)).absolute()  # Path's own raises for unknown people
        self.urls = _addresses(self.path, _content(self.path))  # at least one, each place once

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddressFile) and (self.path, self.urls) == (other.path, other.urls)

    def __hash__(self) -> int:
        return hash((self.path, self.urls))

    def read_again(self) -> tuple[str, ...]:
        """Those that stand in it now. Raises InputError, also where the last line has no end, because it may
        be half of one."""
        content = _content(self.path)
        urls = _addresses(self.path, content)
        if urls != self.urls and not content.endswith("\n"):
            raise InputError(f"{self.path}: its last line has no end, so that it may be half written: end each line")
        return urls

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        stored = core_schema.plain_serializer_function_ser_schema(_stored, when_used="json")
        return core_schema.is_instance_schema(cls, serialization=stored)


def _stored(file: AddressFile) -> str | list[str]:
    return list(file.urls) if len(file.urls) > 1 else file.urls[0]


def _content(path: Path) -> str:
    try:
        number = os.open(path, os.O_RDONLY | _NO_WAIT)
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise InputError(f"{path}: a file of addresses is a plain file, which can be read again")
            with open(number, "rb", closefd=False) as file:
                content = file.read(_MOST_BYTES + 1)
        finally:
            os.close(number)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: the file of addresses cannot be read ({reason}): check the path") from error
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path}: a file of addresses has at most {_MOST_BYTES >> 20} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: a file of addresses is text in UTF-8, and this is none") from error


def _addresses(path: Path, content: str) -> tuple[str, ...]:
    urls = []
    for number, line in enumerate(content.split("\n"), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not is_address(text):
            raise InputError(f"{path}: line {number} is no address: write one a line, as http://HOST:PORT/v1")
        try:
            urls.append(refuse_in_address(text))
        except ValueError as error:
            raise InputError(f"{path}: line {number}: {error}") from None
    if not urls:
        raise InputError(f"{path}: no address stands in this file: write one a line, as http://HOST:PORT/v1")
    if len(urls) > _MOST:
        raise InputError(f"{path}: {len(urls):,} addresses stand in this file, and at most {_MOST:,} are asked")
    return once_each(urls)


def as_given(url: Any) -> Any:
    """What a person gave as addresses, with the file read that "@FILE" names. Raises InputError as ``AddressFile``."""
    texts = [url] if isinstance(url, str) else url
    if not isinstance(texts, list | tuple):
        return url
    file = next((text for text in texts if isinstance(text, str) and text.startswith(_FILE)), None)
    if file is None:
        return url
    if len(texts) > 1:
        raise InputError("a file of addresses is given alone, @FILE: write the other addresses into it")
    return AddressFile(Path(file.removeprefix(_FILE)))


def _once_each(given: Any) -> Any:
    """None, one address, or several, each place once, in their order."""
    if not isinstance(given, list | tuple) or not all(isinstance(url, str) for url in given):
        return given
    urls = once_each(given)
    return urls if len(urls) > 1 else next(iter(urls), None)


Addresses = Annotated[str | tuple[str, ...] | AddressFile | None, BeforeValidator(_once_each)]

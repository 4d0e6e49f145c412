"""How a server wants to be asked, beside its address and key: headers, query, proxy, certificates, tokens.

Nothing here is a secret: those are named by the environment variable that holds them, or by the command that prints
them. What looks like one is refused, and never repeated.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from judgebench.spec.credentials import holds_key, names_secret, refuse_in_command, variable_name

Token = Callable[[], str | Awaitable[str]]
SystemRole = Literal["system", "developer", "user"]
_MOST = 64  # headers, fields of the query, words of a command
_MOST_CHARS = 4096
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_OURS = frozenset({"accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type"})
_OURS |= {"expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
_TOKENS = ("token", "token_command")
_PLACES = ("ca", "client_cert", "client_key")


def _written(value: Any) -> Any:
    """A text, also where YAML takes it for a date or a whole number, as in ``api-version: 2024-10-21``."""
    if isinstance(value, date) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    return value


_Text = Annotated[str, BeforeValidator(_written), Field(max_length=_MOST_CHARS)]
_Named = Annotated[Mapping[str, _Text], Field(max_length=_MOST)]


class ServerConnection(BaseModel):
    """What a server is sent beside its address and key, and the way to it. No part of who a judge is.

    A field ``..._env`` holds the NAME of an environment variable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    headers: _Named = Field(default={})
    headers_env: _Named = Field(default={})  # a header's name and the variable with its value
    key_header: str | None = None  # holds the key or token, as it is; None: "Authorization: Bearer ..."
    query: _Named = Field(default={})  # of each request's address
    proxy: str | None = None  # http(s)://HOST:PORT
    proxy_env: str | None = None  # the variable with USER:PASSWORD of the proxy
    ca: str | None = None  # PEM file of authorities to trust besides those of this machine
    client_cert: str | None = None  # PEM file
    client_key: str | None = None  # PEM file; None: the key lies in the file of the certificate
    client_key_env: str | None = None  # the variable with the password of the client's key
    token_command: tuple[str, ...] = Field(default=(), max_length=_MOST)  # prints a token; run without a shell
    token: Token | None = Field(default=None, exclude=True, repr=False)  # returns a token; Python only, never stored
    system_role: SystemRole = "system"  # who says the system text; "user": it stands before the user's text

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that it names."""
        named = (*self.headers_env.values(), self.proxy_env, self.client_key_env)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @property
    def has_token(self) -> bool:
        """Whether a key that expires is fetched, so that none is named."""
        return bool(self.token_command) or self.token is not None

    def stored(self) -> dict[str, Any]:
        """What is said, as plain values of JSON; a function is not among them."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @field_validator("headers_env", "proxy_env", "client_key_env")
    @classmethod
    def _names_variables(cls, given: Any) -> Any:
        for name in given.values() if isinstance(given, Mapping) else () if given is None else (given,):
            variable_name(name)
        return given

    @field_validator("headers", "headers_env")
    @classmethod
    def _sound_headers(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name in headers:
            _check_header(name)
        return headers

    @field_validator("headers", "query")
    @classmethod
    def _plain(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        """Values that may be stored and shown, each on one line."""
        for name, value in given.items():
            if holds_key(name):
                raise ValueError("a name looks like a key: nothing was stored")
            if names_secret(name) or holds_key(value):
                raise ValueError(
                    f"{name[:80]!r} looks like one that holds a key, which is never written down: put the value into "
                    "an environment variable and name that, by headers_env (--header-env 'NAME: VARIABLE')"
                )
            if not value.isprintable() or not value.isascii() or not name.isprintable() or value != value.strip():
                raise ValueError(f"{name[:80]!r} holds a line break, blanks at an end, or other than printable ASCII")
        return given

    @field_validator("key_header")
    @classmethod
    def _sound_key_header(cls, name: str | None) -> str | None:
        return None if name is None else _check_header(name)

    @field_validator("proxy")
    @classmethod
    def _sound_proxy(cls, address: str | None) -> str | None:
        if address is None:
            return None
        try:
            parts = urlsplit(address)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            sound = False
        if not sound or not address.isprintable() or " " in address:
            raise ValueError("a proxy is given as http://HOST:PORT or https://HOST:PORT; SOCKS is not spoken")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise ValueError(
                "a proxy's address holds no user and no password: put USER:PASSWORD into an environment variable and "
                "name that by proxy_env (--proxy-env VARIABLE)"
            )
        if parts.path not in ("", "/") or holds_key(address):
            raise ValueError("a proxy's address is a host and a port, and no more")
        return address.rstrip("/")

    @field_validator(*_PLACES)
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        """So that it is found from any folder."""
        if path is None:
            return None
        if not path or not path.isprintable() or (holds_key(path) and not Path(path).exists()):
            raise ValueError("the path of a file is asked for, and this is none or looks like a key itself")
        return str(Path(path).expanduser().absolute())

    @field_validator("token_command")
    @classmethod
    def _sound_command(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        refuse_in_command(words)
        for word in words:
            if "\0" in word or len(word) > _MOST_CHARS:
                raise ValueError("the token command holds a NUL character, or a word that is too long")
        if words and not words[0].strip():
            raise ValueError("the token command names no program")
        if words and "/" in words[0]:
            return (str(Path(words[0]).expanduser().absolute()), *words[1:])
        return words

    @model_validator(mode="after")
    def _consistent(self) -> "ServerConnection":
        names = Counter(name.lower() for name in (*self.headers, *self.headers_env, *filter(None, [self.key_header])))
        if twice := next((name for name, count in names.items() if count > 1), None):
            raise ValueError(f"header {twice!r} is given twice")
        if self.token_command and self.token is not None:
            raise ValueError("give a token command or a token function, not both")
        if self.proxy_env is not None and self.proxy is None:
            raise ValueError("proxy_env belongs to a proxy: give its address too")
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_key belongs to a client_cert: give the certificate too")
        if self.client_key_env is not None and self.client_cert is None:
            raise ValueError("client_key_env belongs to a client_cert: give the certificate too")
        return self

    def check_key(self, key_env: str | None) -> None:
        """Raises ValueError where a key of this variable could not be sent beside what is given here."""
        if key_env is not None and self.has_token:
            raise ValueError("give a key's variable or what fetches a token, not both")
        given = {name.lower() for name in self.headers_env}
        if "authorization" in given and self.key_header is None and (key_env is not None or self.has_token):
            raise ValueError("the header Authorization holds the key: leave it out, or name the key's own key_header")
        if self.key_header is not None and key_env is None and not self.has_token:
            raise ValueError("key_header says where the key goes: name the key's variable, or what fetches a token")


def laid_over(known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Served with those given laid over them, connections field by field.

    Of a key's variable and what fetches a token the one that is given takes the other's place.
    """
    fields = {**known, **given}
    below, above = _fields(known.get("connection")), _fields(given.get("connection"))
    if below is None or above is None:
        return fields  # none that could be read
    fetches = bool(above.get("token_command") or above.get("token"))
    if fetches or given.get("key_env") is not None:
        below = {name: value for name, value in below.items() if name not in _TOKENS}
    if fetches and "key_env" not in given:
        fields.pop("key_env", None)
    return fields | {"connection": below | above}


def _fields(connection: Any) -> dict[str, Any] | None:
    if isinstance(connection, ServerConnection):
        return {name: getattr(connection, name) for name in connection.model_fields_set}
    return dict(connection) if isinstance(connection, Mapping) else {} if connection is None else None


def _check_header(name: str) -> str:
    if holds_key(name):
        raise ValueError("the NAME of a header is asked for, and this looks like a key itself: nothing was stored")
    if not _HEADER.fullmatch(name):
        raise ValueError("a header's name holds letters, digits and hyphens")
    if name.lower() in _OURS or name.lower().startswith("proxy-"):
        raise ValueError(f"header {name!r} is set by the client or the proxy's options: leave it out")
    return name

"""The options of how a judge's or a model's server is asked, beside its address and key."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from judgebench.errors import InputError
from judgebench.spec.connection import SystemRole


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How its server is asked"""

    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="'NAME: VALUE'", help="A header to send, no secret; may be repeated."),
    ] = None
    header_env: Annotated[
        list[str] | None,
        typer.Option(
            "--header-env",
            metavar="'NAME: VARIABLE'",
            help="A header, and the variable with its value; may be repeated.",
        ),
    ] = None
    key_header: Annotated[
        str | None,
        typer.Option(
            "--key-header", help="Header for the key as it is, e.g. api-key.", show_default="Authorization: Bearer"
        ),
    ] = None
    query: Annotated[
        list[str] | None,
        typer.Option("--query", metavar="NAME=VALUE", help="Sent with the address, e.g. api-version; may be repeated."),
    ] = None
    proxy: Annotated[str | None, typer.Option("--proxy", help="A proxy, http(s)://HOST:PORT.")] = None
    proxy_env: Annotated[
        str | None, typer.Option("--proxy-env", help="NAME of the variable with USER:PASSWORD of the proxy.")
    ] = None
    ca: Annotated[
        str | None, typer.Option("--ca", metavar="FILE", help="Certificates (PEM) to trust besides this machine's.")
    ] = None
    client_cert: Annotated[
        str | None, typer.Option("--client-cert", metavar="FILE", help="Certificate (PEM) to show to the server.")
    ] = None
    client_key: Annotated[
        str | None, typer.Option("--client-key", metavar="FILE", help="Its key (PEM), where it lies apart.")
    ] = None
    client_key_env: Annotated[
        str | None, typer.Option("--client-key-env", help="NAME of the variable with the password of that key.")
    ] = None
    token_command: Annotated[
        str | None,
        typer.Option("--token-command", metavar="COMMAND", help="Prints a key that expires; run again on a 401."),
    ] = None
    system_role: Annotated[
        SystemRole | None,
        typer.Option(
            "--system-role", help="Who says the system text; user: it stands before the user's.", show_default="system"
        ),
    ] = None

    def fields(self) -> dict[str, Any]:
        """As ``connection`` of a study's judge, where anything was given. Raises InputError, repeating no value."""
        options = {name: value for name, value in asdict(self).items() if value is not None}
        for option, field, mark in (
            ("header", "headers", ":"),
            ("header_env", "headers_env", ":"),
            ("query", "query", "="),
        ):
            if option in options:
                options[field] = _pairs(option, options.pop(option), mark)
        if "token_command" in options:
            try:
                options["token_command"] = tuple(shlex.split(options["token_command"]))
            except ValueError as error:
                raise InputError(f"--token-command is no command: {error}") from None
        return {"connection": options} if options else {}


def _pairs(option: str, texts: list[str], mark: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, marked, value = (part.strip() for part in text.partition(mark))
        if not (name and marked and value):
            raise InputError(f"--{option.replace('_', '-')}: write NAME{mark}{' ' if mark == ':' else ''}VALUE")
        if name in pairs:
            raise InputError(f"--{option.replace('_', '-')}: a name is given twice")
        pairs[name] = value
    return pairs

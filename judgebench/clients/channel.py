"""The way to a server, as its connection says: what is sent besides a question, the proxy, and whom TLS trusts.

For clients of ours and for other packages' (``judgebench.providers``), each of which is given an Access.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from judgebench.clients.base import Access
from judgebench.clients.secrets import Secret, Secrets
from judgebench.errors import InputError


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server sent: its body as it was before it was compressed, or a little more of it than is wanted."""

    status: int
    headers: Mapping[str, str]  # by names in small letters
    body: bytes


def secrets_of(access: Access) -> Secrets:
    """All that is sent and that nobody may see; tokens are added as they come.

    Raises InputError, naming the variable, for a value that cannot be sent.
    """
    secrets = Secrets()
    if access.api_key is not None:
        secrets.add(Secret(access.api_key))
    for variable in access.connection.headers_env.values():
        value = access.secrets[variable]
        secrets.add(Secret(value, f"the value of {variable}", spaced=True))
        if " " in value:  # as in "Basic dXNlcjpwYXNz"
            secrets.add(Secret(value.split()[-1]))
    if login := _login(access):
        for part in (":".join(login), login[1]):
            secrets.add(Secret(part, f"the value of {access.connection.proxy_env}", spaced=True))
    return secrets


def headers_of(access: Access) -> dict[str, str]:
    """Sent with every request: the plain ones, those of variables, and the key where it is no token that expires."""
    connection = access.connection
    secret = {name: access.secrets[variable] for name, variable in connection.headers_env.items()}
    key = {} if access.api_key is None else key_header(access, access.api_key)
    return {**connection.headers, **secret, **key}


def key_header(access: Access, key: str) -> dict[str, str]:
    """The header that holds a key or a token."""
    name = access.connection.key_header
    return {"Authorization": f"Bearer {key}"} if name is None else {name: key}


def query_of(access: Access) -> str:
    """Of every request's address, encoded; empty where there is none."""
    return urlencode(access.connection.query)


def proxy_of(access: Access) -> str | None:
    """The proxy's address with its user and password. Raises InputError where their variable is not USER:PASSWORD."""
    address, login = access.connection.proxy, _login(access)
    if address is None or login is None:
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{quote(login[0], safe='')}:{quote(login[1], safe='')}@{parts.netloc}"


def _login(access: Access) -> tuple[str, str] | None:
    variable = access.connection.proxy_env
    if variable is None:
        return None
    user, colon, password = access.secrets[variable].partition(":")
    if not (user and colon and password):
        raise InputError(f"the environment variable {variable} is to hold USER:PASSWORD of the proxy")
    return user, password


def tls_of(access: Access) -> ssl.SSLContext | None:
    """None: as this machine is set up. A further authority stands beside those that this machine trusts.

    Raises InputError where a file is not what it should be.
    """
    connection = access.connection
    if connection.ca is None and connection.client_cert is None:
        return None
    context = ssl.create_default_context()
    for path in (connection.ca, connection.client_cert, connection.client_key):
        if path is not None and Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for
            raise InputError(f"{path} is no file: name one with a certificate or key in PEM")
    if connection.ca is not None:
        try:
            context.load_verify_locations(connection.ca)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"ca: {connection.ca} {_wrong_file(error, 'holds no certificate in PEM')}") from None
    if connection.client_cert is not None:
        named = connection.client_key_env
        password = "" if named is None else access.secrets[named]
        try:
            context.load_cert_chain(connection.client_cert, connection.client_key, lambda: password)  # never a prompt
        except (OSError, ssl.SSLError, ValueError) as error:
            pair = " and ".join(filter(None, [connection.client_cert, connection.client_key]))
            reason = "are no certificate and its key in PEM, or the key wants another password (client_key_env)"
            raise InputError(f"client_cert: {pair} {_wrong_file(error, reason)}") from None
    return context


def _wrong_file(error: Exception, otherwise: str) -> str:
    is_absent = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
    return f"cannot be read ({error.strerror})" if is_absent and isinstance(error, OSError) else otherwise

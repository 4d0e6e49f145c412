"""Who may do what: roles and what each may do, where they are written down, and which judges may be asked from the web.

The one home of rights: pages, their routes and the REST API ask here. Without a file of access the server is local: it
listens on this machine only, and whoever reaches its pages may do everything that they could do in a terminal.
"""

import ipaddress
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from judgebench.errors import InputError
from judgebench.spec import Served
from judgebench.spec.connection import ServerConnection
from judgebench.web.proxy import ProxyIdentity

if TYPE_CHECKING:
    from judgebench.services.jobs import Job
    from judgebench.services.submissions import MatchReport

_KNOWN_KEYS: Mapping[str, tuple[str, ...]] = {  # public services that are asked with a key, and the variables with it
    "api.openai.com": ("OPENAI_API_KEY",),
    "api.anthropic.com": ("ANTHROPIC_API_KEY",),
    "api.mistral.ai": ("MISTRAL_API_KEY",),
    "api.groq.com": ("GROQ_API_KEY",),
    "api.deepseek.com": ("DEEPSEEK_API_KEY",),
    "api.x.ai": ("XAI_API_KEY",),
    "api.together.xyz": ("TOGETHER_API_KEY",),
    "openrouter.ai": ("OPENROUTER_API_KEY",),
    "generativelanguage.googleapis.com": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
KNOWN_HOSTS = tuple(_KNOWN_KEYS)
_PORTS = {"http": 80, "https": 443}
_VERIFIED = (None, True, "true")  # providers that do not say so, and those that say everything as text
_ADDRESS = re.compile(r"\S+@\S+")  # what holds a blank may be meant to be taken for a token's name
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_SECRET_CHARS = 16  # of which shorter ones can be found by trying
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_(API_KEY|TOKEN)")
_OWN = re.compile(
    r"(JUDGEBENCH_|PG|POSTGRES|DATABASE|STREAMLIT_|RAY_AUTH_).*", re.IGNORECASE | re.DOTALL
)  # our secrets


class Role(IntEnum):
    """What somebody may do; each may do all that those before it may."""

    NOBODY = 0
    VIEWER = 1  # read every page
    VOTER = 2  # and vote
    SUBMITTER = 3  # and submit outputs
    ADMIN = 4  # and have judges asked, which costs money


MAY = {  # each may do what those before it may, too
    Role.VIEWER: "read every page",
    Role.VOTER: "vote",
    Role.SUBMITTER: "submit outputs, and start audits that ask no judge",
    Role.ADMIN: (
        "import files, add to models and benchmarks that exist, set standing boards, set up the demo, start, stop and "
        "resume runs, audit and test judges, make and revoke tokens, and see who has which role and the log"
    ),
}


class Forbidden(InputError):
    """The role does not allow this; nothing was done."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever looks at a page, or sends a token."""

    name: str  # under which votes are stored
    role: Role


@dataclass(frozen=True, slots=True)
class Policy:
    """``roles`` and ``judge_hosts`` as configured; ``local`` is the one of a single user's machine."""

    local: bool
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)  # addresses, "@domain", or "*" for everybody
    judge_hosts: tuple[str, ...] = ()  # HOST or HOST:PORT
    proxies: tuple[str, ...] = ()  # addresses of machines that may say for whom they ask
    user_header: str | None = None  # in which a proxy names whoever has logged in there, in small letters
    secret_variable: str | None = None  # of the environment, with the secret that shows that it is the proxy
    variables: tuple[str, ...] = ()  # further ones whose keys the public services may be sent
    command: str = ""  # whose --judge-host lists a further server, "app" or "serve"; empty: a file of access lists them

    def role_of(self, user: Mapping[str, Any]) -> Role:
        """The highest role of a user who has logged in, by the claims of the identity provider."""
        mail = user.get("email")
        if not isinstance(mail, str) or not _ADDRESS.fullmatch(mail) or user.get("email_verified") not in _VERIFIED:
            return Role.NOBODY
        lower = folded(mail)
        return max(
            (role for role, patterns in self.roles.items() if any(_matches(pattern, lower) for pattern in patterns)),
            default=Role.NOBODY,
        )

    def check_asked(self, judge: Served) -> None:
        """``check_judge`` of each address of who is asked; whatever asks from the web comes through here first."""
        for url in judge.urls or (None,):
            self.check_judge(url, judge.key_env, judge.connection)

    def check_judge(self, url: str | None, key_env: str | None, connection: ServerConnection | None = None) -> None:
        """Raises Forbidden for an address or proxy that is not on the list, a variable that need not hold a judge's
        key, and for a command."""
        for variable in (key_env, *(() if connection is None else connection.variables)):
            if variable is not None:
                self._check_variable(variable, url)
        for address in (url, None if connection is None else connection.proxy):
            if address is not None:
                self._check_address(address)
        if connection is not None and connection.token_command:
            raise Forbidden("a token command is run from a terminal only, by 'judgebench run'")

    def _check_variable(self, variable: str, url: str | None) -> None:
        """Raises Forbidden where its value may not be sent to ``url``."""
        if variable == self.secret_variable or _OWN.fullmatch(variable):
            raise Forbidden(f"{variable!r} may not be read: it is the server's own, and no key of a judge")
        if self.local:
            return
        if not _KEY_NAME.fullmatch(variable):
            raise Forbidden(f"{variable!r} may not be read: name a variable that ends in _API_KEY or _TOKEN")
        host = "" if url is None else _place(url)[1]
        known = _KNOWN_KEYS.get(host)
        if known is not None and variable not in (*known, *self.variables):
            raise Forbidden(
                f"{variable!r} may not be read for {host}: name {' or '.join(known)}, or have whoever runs the server "
                "add it to variables under [judges] in the file of access"
            )

    def _check_address(self, url: str) -> None:
        """Raises Forbidden, saying what would list it."""
        scheme, host, port = _place(url)
        if self.local and _is_loopback(host):
            return
        listed, place = {known.casefold() for known in self.judge_hosts}, f"{host}:{port}"
        is_listed = not {host, place}.isdisjoint(listed)
        if host in _KNOWN_KEYS and is_listed and (scheme != "https" or (port != 443 and place not in listed)):
            raise Forbidden(
                f"{url!r} is no address of {host}, which is asked by https and at its usual port: a key is sent"
            )
        if not is_listed:
            raise Forbidden(
                f"{host} is not on the list of servers that may be asked from here: whoever runs the "
                f"{'app' if self.command == 'app' else 'server'} adds it {self._listing(host)}"
            )

    def _listing(self, host: str) -> str:
        """What adds a host to the list."""
        if not self.command:
            return "to hosts under [judges] in the file of access"
        return f"by '{shlex.join(['judgebench', self.command, '--judge-host', host])}'"


def local_policy(hosts: str = "", command: str = "app") -> Policy:
    """``hosts``: further ones that may be asked, separated by commas. ``command``: that serves the pages."""
    further = (host.strip() for host in hosts.split(",") if host.strip())
    return Policy(True, judge_hosts=(*KNOWN_HOSTS, *further), command=command)


def read_policy(path: Path) -> Policy:
    """The file of access. Raises InputError where it does not say all that is needed, or something unknown."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"the file of access {path} cannot be read: {error}") from error
    user_header, secret_variable = _proxy_header(_table(document, "proxy", path), path)
    if user_header is None and not isinstance(document.get("auth"), dict):
        raise InputError(
            f"{path}: needs a table [auth] with the settings of the identity provider, or [proxy] with the user_header "
            "of a proxy that people log in at"
        )
    names: dict[str, Role] = {role.name.lower(): role for role in Role if role is not Role.NOBODY}
    secret = _table(document, "auth", path).get("cookie_secret")
    if secret is not None and len(str(secret)) < _SECRET_CHARS:
        raise InputError(f"{path}: [auth] cookie_secret signs logins: give {_SECRET_CHARS} random characters or more")
    given = _table(document, "roles", path)
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(f"{path}: [roles] knows {', '.join(names)}, not {unknown[0]!r}")
    if not given:
        raise InputError(f"{path}: needs a table [roles] that says who may do what, for example viewer = ['*']")
    hosts = _strings(_table(document, "judges", path).get("hosts", []), f"{path}: [judges] hosts")
    variables = _strings(_table(document, "judges", path).get("variables", []), f"{path}: [judges] variables")
    proxies = _strings(_table(document, "proxy", path).get("addresses", []), f"{path}: [proxy] addresses")
    roles = {names[key]: _strings(value, f"{path}: [roles] {key}") for key, value in given.items()}
    return Policy(False, roles, hosts, proxies, user_header, secret_variable, variables)


def _proxy_header(table: Mapping[str, Any], path: Path) -> tuple[str | None, str | None]:
    """The header in which a proxy names people, and the variable with its secret. Raises InputError."""
    header, variable = table.get("user_header"), table.get("secret_variable")
    if header is None and variable is None:
        return None, None
    if not isinstance(header, str) or not _HEADER.fullmatch(header) or not isinstance(variable, str) or not variable:
        raise InputError(
            f"{path}: [proxy] needs both, user_header such as 'X-Forwarded-Email' and secret_variable, the name of the "
            "environment variable with the proxy's secret"
        )
    return header.lower(), variable


def policy_of(path: str, hosts: str, command: str = "app") -> Policy:
    """As the file of access at ``path`` says now: who is taken out of it may do nothing from then on. Without a path
    that of a single user's machine, as ``local_policy``. Raises InputError where it cannot be used."""
    if not path:
        return local_policy(hosts, command)
    try:
        state = Path(path).stat()
    except OSError as error:
        raise InputError(f"the file of access {path} cannot be read: {error}") from error
    return _kept_policy(Path(path), (state.st_ino, state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=1)
def _kept_policy(path: Path, state: tuple[int, ...]) -> Policy:
    return read_policy(path)


def proxy_identity(policy: Policy, environment: Mapping[str, str]) -> ProxyIdentity | None:
    """How a proxy names who has logged in; None where none does. Raises InputError for a secret that is missing or
    could be found by trying."""
    if policy.user_header is None or policy.secret_variable is None:
        return None
    secret = environment.get(policy.secret_variable, "")
    if len(secret) < _SECRET_CHARS:
        raise InputError(
            f"[proxy] secret_variable: {policy.secret_variable} must hold {_SECRET_CHARS} random characters or more, "
            "which the proxy sends as X-Proxy-Secret"
        )
    return ProxyIdentity(policy.user_header, secret)


def require(person: Person, needed: Role) -> None:
    """Raises Forbidden unless ``person`` may do what ``needed`` may."""
    if person.role < needed:
        raise Forbidden(f"this needs the role {needed.name.lower()}; {person.name} has {person.role.name.lower()}")


def check_job(job: "Job", person: Person) -> None:
    """Raises Forbidden where somebody else's job, or one that asks somebody, would be stopped or resumed by someone who
    is no admin."""
    if job.kind != "audit" or job.subject:
        require(person, Role.ADMIN)
    require(person, Role.SUBMITTER)
    if person.role < Role.ADMIN and job.actor != person.name:
        raise Forbidden(f"job {job.id} was started by {job.actor}: to stop or resume it needs the role admin")


def check_change(report: "MatchReport", person: Person) -> None:
    """Raises Forbidden where a model or a benchmark that exists already, and may be somebody else's, would be changed
    by someone who is no admin."""
    if person.role >= Role.ADMIN:
        return
    lacks = f"needs the role admin; {person.name} has {person.role.name.lower()}"
    if report.changes_model:
        raise Forbidden(
            f"model {report.model!r} exists already: to add outputs or a lineage to it {lacks}. Submit your own model "
            "under another name"
        )
    if report.changes_benchmark:
        raise Forbidden(
            f"benchmark {report.benchmark!r} exists already: to add instructions to it {lacks}. Submit to a benchmark "
            "with another name"
        )


def folded(mail: str) -> str:
    """An address as it is compared. Other letters than ASCII's stay as they are: in the full folding of Unicode the
    domains ``straße.example`` and ``strasse.example``, which two people may own, would be one."""
    return mail.translate(_LOWER)


def _matches(pattern: str, mail: str) -> bool:
    allowed = folded(pattern)
    return allowed in ("*", mail) or (allowed.startswith("@") and mail.endswith(allowed))


def _place(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises Forbidden for what is no plain address."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise Forbidden(f"{url!r} is not an address: {error}") from error
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or "\\" in url:
        raise Forbidden(f"{url!r} is not a plain http or https address without user name and password")
    return parts.scheme, host, _PORTS[parts.scheme] if port is None else port


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _table(document: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{path}: {name} must be a table")
    return table


def _strings(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InputError(f"{where} must be a list of texts")
    return tuple(value)

"""What a database remembers of a judge: asked as it says, but whoever wrote it decides nothing for this machine.

Its author may be somebody else. So what would run a program is run only if whoever starts the run gives it again, a
variable that holds no key by its name, or a well-known service's key, is sent to no address that only the database
names, and of other variables and certificates it is said beforehand where they go.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from judgebench.errors import InputError
from judgebench.spec.connection import ServerConnection
from judgebench.spec.credentials import names_key_variable
from judgebench.spec.serving import VllmServing, flags_of
from judgebench.spec.study import Served

_Served = TypeVar("_Served", bound=Served)
# Flags of vLLM that hold a number, a word of vLLM's own or a name, and make it load and write nothing else.
_PLAIN = frozenset(
    {"--data-parallel-size", "--dtype", "--enable-chunked-prefill", "--enable-lora", "--enable-prefix-caching"}
    | {"--enforce-eager", "--gpu-memory-utilization", "--kv-cache-dtype", "--max-logprobs"}
    | {"--max-lora-rank", "--max-loras", "--max-model-len", "--max-num-batched-tokens", "--max-num-seqs", "--model"}
    | {"--pipeline-parallel-size", "--quantization", "--ready-s", "--runner", "--seed", "--served-model-name"}
    | {"--tensor-parallel-size"}
)
_WORD = re.compile(r"[\w./:+][\w./:+-]*", re.ASCII)  # no JSON and no further option
_OWNERS: Mapping[str, tuple[str, ...]] = {  # the first word of a variable's name, and whom its key is for
    "ANTHROPIC": ("anthropic.com",),
    "AWS": ("amazonaws.com", "api.aws"),
    "AZURE": ("azure.com", "azure.net", "windows.net", "microsoft.com"),
    "COHERE": ("cohere.com", "cohere.ai"),
    "DEEPSEEK": ("deepseek.com",),
    "GEMINI": ("googleapis.com",),
    "GH": ("github.com", "github.ai", "azure.com"),
    "GITHUB": ("github.com", "github.ai", "azure.com"),
    "GITLAB": ("gitlab.com",),
    "GOOGLE": ("googleapis.com",),
    "GROQ": ("groq.com",),
    "HF": ("huggingface.co", "huggingface.cloud", "hf.space"),
    "HUGGINGFACE": ("huggingface.co", "huggingface.cloud", "hf.space"),
    "MISTRAL": ("mistral.ai",),
    "NPM": (),
    "OPENAI": ("openai.com", "azure.com"),
    "OPENROUTER": ("openrouter.ai",),
    "PYPI": (),
    "SLACK": ("slack.com",),
    "TOGETHER": ("together.xyz", "together.ai"),
    "TWINE": (),
    "XAI": ("x.ai",),
}
_HERE = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")


@dataclass(frozen=True, slots=True)
class Programs:
    """What a remembered judge would have this machine run, or load as if it were a program."""

    token_command: tuple[str, ...] = ()
    vllm: str | None = None  # flags

    def check_agreed(self, given: Mapping[str, Any], judge: str) -> None:
        """Raises InputError with what would be run, unless the fields ``given`` by whoever asks replace it."""
        connection = _connection(given)
        fetches = connection.get("token_command") or connection.get("token") or given.get("key_env")
        if self.token_command and not fetches:
            raise _unagreed(judge, "a command that prints its token", "token_command", shlex.join(self.token_command))
        if self.vllm is not None and given.get("vllm") is None:
            raise _unagreed(judge, "flags that can make vLLM run and read anything", "vllm", self.vllm)


def _unagreed(judge: str, what: str, field: str, text: str) -> InputError:
    option = field.replace("_", "-")
    return InputError(
        f"the database remembers {what} of judge {judge!r}, and may be somebody else's, so nothing was asked: read it, "
        f"and agree by giving it again ({field} in a study file or in Python): --{option} {_quoted(text)}"
    )


def _quoted(text: str) -> str:
    """For a shell, on one line: what cannot be shown is spelt."""
    if text.isprintable():
        return shlex.quote(text)
    spelt = "".join(char if char.isprintable() and char not in "\\'" else _escape(char) for char in text)
    return f"$'{spelt}'"


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\{char}" if char in "\\'" else f"\\x{code:02x}" if code < 0x80 else f"\\U{code:08x}"


def without_programs(served: _Served) -> tuple[_Served, Programs]:
    """A remembered judge that can run nothing, and what it would have run."""
    command, flags = served.connection.token_command, served.vllm
    if flags is not None and _is_plain(served, flags):
        flags = None
    if not command and flags is None:
        return served, Programs()
    connection = served.connection.model_copy(update={"token_command": ()})
    kept = {"connection": connection} | ({} if flags is None else {"vllm": None})
    return served.model_copy(update=kept), Programs(command, flags)


def _is_plain(served: Served, flags: str) -> bool:
    """Whether vLLM's flags are numbers and names alone."""
    serving = VllmServing.parse(served.model.partition(":")[2], flags)
    return (
        serving.program == "vllm"
        and serving.log is None
        and all(flag.name in _PLAIN and all(map(_WORD.fullmatch, flag.values)) for flag in flags_of(shlex.split(flags)))
    )


def check_sent(served: Served, given: Mapping[str, Any]) -> None:
    """Raises InputError where a remembered judge would have a variable sent that holds no key for where it is reached.

    Not where the variable, or the address, is among the fields ``given`` by whoever asks.
    """
    if given.get("url") is not None:
        return
    named = _variables(given)
    for variable, to in _sent(served).items():
        if variable in named or (names_key_variable(variable) and all(_is_for(variable, place) for place in to)):
            continue
        raise InputError(
            f"the database, which may be somebody else's, would have the value of ${variable} sent to {', '.join(to)}, "
            f"which it does not look meant for, so nothing was asked: if it is, name the variable again, "
            f"{_option(served, variable)}, or put the key into a variable of another name, say JUDGE_API_KEY"
        )


def sent_unasked(served: Served, given: Mapping[str, Any]) -> str | None:
    """Which variables and certificates go where only the database says; None: none do.

    ``given``: the fields that whoever asks gave.
    """
    if given.get("url") is not None:
        return None
    by_place: dict[tuple[str, ...], list[str]] = {}
    for variable, to in _sent(served).items():
        by_place.setdefault(to, []).append(f"${variable}")
    if served.connection.client_cert is not None:
        by_place.setdefault(served.urls, []).append(f"the certificate {served.connection.client_cert}")
    ways = [f"{', '.join(sent)} to {', '.join(to)}" for to, sent in by_place.items() if to]
    return f"as this database remembers it, asking {served.model!r} sends {'; '.join(ways)}" if ways else None


def _sent(served: Served) -> dict[str, tuple[str, ...]]:
    """The variables whose values are sent, and who can read each."""
    connection, urls = served.connection, served.urls
    if not urls:
        return {}
    proxy = () if connection.proxy is None else (connection.proxy,)
    # What is not encrypted is the proxy's to read, and all of it where it may show a certificate of such an authority.
    is_read = connection.ca is not None or any(url.startswith("http:") for url in urls)
    readers = urls + (proxy if is_read else ())
    sent = {name: readers for name in (served.key_env, *connection.headers_env.values()) if name is not None}
    if connection.proxy_env is not None:
        sent[connection.proxy_env] = tuple(dict.fromkeys((*sent.get(connection.proxy_env, ()), *proxy)))
    return sent


def _is_for(variable: str, url: str) -> bool:
    """Whether a variable that is known to hold a service's key would be sent to that service or stay on the machine."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    owners = _OWNERS.get(variable.upper().lstrip("_").partition("_")[0])
    if owners is None or _HERE.fullmatch(host):
        return True
    return parts.scheme == "https" and any(host == owner or host.endswith(f".{owner}") for owner in owners)


def _option(served: Served, variable: str) -> str:
    """What names the variable, in a command."""
    connection = served.connection
    if variable == served.key_env:
        return f"--{served.role}-key-env {variable} (key_env)"
    if variable == connection.proxy_env:
        return f"--proxy-env {variable} (proxy_env)"
    header = next(name for name, named in connection.headers_env.items() if named == variable)
    return f"--header-env '{header}: {variable}' (headers_env)"


def _variables(given: Mapping[str, Any]) -> set[str]:
    connection = _connection(given)
    headers = connection.get("headers_env")
    named = (*(headers.values() if isinstance(headers, Mapping) else ()), connection.get("proxy_env"))
    return {name for name in (given.get("key_env"), *named) if isinstance(name, str)}


def _connection(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its fields that were given, which nobody has checked yet."""
    connection = given.get("connection")
    if isinstance(connection, ServerConnection):
        return {name: getattr(connection, name) for name in connection.model_fields_set}
    return connection if isinstance(connection, Mapping) else {}

"""How a vLLM server of ours is started: what is loaded, under which names it answers, and the flags that go to it.

The flags are vLLM's own, as on its command line, and are passed on unread but for those that say what must be known of
a judge: names, adapters and the key, which everybody on the machine could read on a command line.
"""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

STARTED = ("vllm", "vllm-offline")  # providers that load a model themselves, with these flags
_SERVED_NAMES = "--served-model-name"
_ADAPTERS = "--lora-modules"
_KEY = "--api-key"
_OURS = frozenset({"--host", "--port"})
_KEYS = ("--api-k", "--api-ke", _KEY)  # it may be cut short, as any flag
_SECRET = re.compile(r"-(?:key|token|password|secret)$|^--api-ke?$")
_SHOWN = "[key]"


class _Flag(NamedTuple):
    name: str
    values: list[str]
    words: Sequence[str]  # as they were given


@dataclass(frozen=True, slots=True)
class VllmServing:
    """A server of one model and of adapters over it."""

    loads: str  # the model's name or folder, as vLLM takes it
    flags: tuple[str, ...] = ()
    program: str = "vllm"  # vLLM's own, or the Python of its environment
    log: str | None = None  # the file for its output; None: one for each model and port
    ready_s: float = 900.0  # that it may take until it answers

    @classmethod
    def parse(cls, model: str, text: str) -> "VllmServing":
        """From flags as they stand on a command line, of vLLM and of ``judgebench vllm serve``; ``--model`` among them
        says what is loaded where ``model`` is an adapter or another name of it.

        Raises ValueError, without a key's value, for flags that cannot be kept.
        """
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ValueError(f"the flags for vLLM are no command line ({error}): check their quotes") from None
        own = {"--model": model, "--program": "vllm", "--log": "", "--ready-s": "900"}
        rest: list[str] = []
        for flag, values, given in flags_of(words):
            if flag in own:
                if len(values) != 1:
                    raise ValueError(f"{flag} takes one value")
                own[flag] = values[0]
                continue
            if _SECRET.search(flag):
                raise ValueError(
                    f"{flag} would be stored, and a key is never written down: name the variable that holds the key by "
                    "key_env (--judge-key-env, --model-key-env), and the server is given it"
                )
            rest += given
        try:
            ready_s = float(own["--ready-s"])
        except ValueError:
            raise ValueError(f"--ready-s {own['--ready-s']!r} is no number of seconds") from None
        return cls(own["--model"], tuple(rest), own["--program"], own["--log"] or None, ready_s).checked()

    def checked(self) -> "VllmServing":
        """Itself. Raises ValueError where the flags set what is set here."""
        if taken := self._flags & (_OURS | {"--model"}):
            raise ValueError(
                f"vLLM flags cannot hold {sorted(taken)}; the model and the port are arguments, the host is loopback"
            )
        return self

    @property
    def _flags(self) -> set[str]:
        return {flag.name for flag in flags_of(self.flags)}

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of its LoRA adapters, each a model of its own for whoever asks."""
        return tuple(name for value in self._values(_ADAPTERS) if (name := _adapter(value)))

    @property
    def names(self) -> tuple[str, ...]:
        """What it answers to: the model's first name, and the adapters'."""
        return ((self._values(_SERVED_NAMES) or [self.loads])[0], *self.adapters)

    def name_of(self, model: str) -> str:
        """Under which of its names ``model`` is asked. Raises ValueError where it is none of them."""
        if model in (*self._values(_SERVED_NAMES), *self.adapters):
            return model
        if model == self.loads:
            return self.names[0]
        raise ValueError(
            f"vLLM would serve no {model!r} but {', '.join(self.names)}: name it by --served-model-name {model}, or "
            f"give its adapter by --lora-modules {model}=FOLDER"
        )

    def _values(self, *names: str) -> list[str]:
        return [value for flag in flags_of(self.flags) if flag.name in names for value in flag.values]

    def argv(self, port: int, *, host: str) -> list[str]:
        """The command line. The model's own sampling defaults stay off unless the flags ask for them: a judge's
        settings are all that counts."""
        names = self._flags
        module = ("-m", "vllm.entrypoints.openai.api_server", "--model")
        head = [*module] if Path(self.program).name.startswith("python") else ["serve"]
        plain = [] if "--generation-config" in names else ["--generation-config", "vllm"]
        tuned = ["--enable-lora"] if self.adapters and "--enable-lora" not in names else []
        return [self.program, *head, self.loads, "--host", host, "--port", str(port), *plain, *tuned, *self.flags]

    def arguments(self) -> dict[str, Any]:
        """The flags as arguments of ``vllm.LLM``: JSON where they can be read so, true where they have no value."""
        return {flag.name.removeprefix("--").replace("-", "_"): _argument(flag.values) for flag in flags_of(self.flags)}

    def with_default(self, flag: str) -> "VllmServing":
        """With "--flag=value", unless it is set."""
        return self if flag.partition("=")[0] in self._flags else replace(self, flags=(*self.flags, flag))

    def without_key(self) -> tuple["VllmServing", str | None]:
        """Itself without its one key, and the key. Several keys stay: only the command line holds them."""
        keys = self._values(*_KEYS)
        if len(keys) != 1:
            return self, None
        kept = [word for flag in flags_of(self.flags) if flag.name not in _KEYS for word in flag.words]
        return replace(self, flags=tuple(kept)), keys[0]


def _argument(values: Sequence[str]) -> Any:
    if not values:
        return True
    read = []
    for value in values:
        try:
            read.append(json.loads(value))
        except ValueError:
            read.append(value)
    return read[0] if len(read) == 1 else read


def _adapter(value: str) -> str:
    """The name of an adapter, of "NAME=FOLDER" or of JSON with a name."""
    if not value.lstrip().startswith("{"):
        return value.partition("=")[0]
    try:
        name = json.loads(value).get("name")
    except ValueError:
        return ""
    return name if isinstance(name, str) else ""


def flags_of(words: Sequence[str]) -> Iterator[_Flag]:
    """Each flag with what stands up to the next; its name is "" for what stands before the first."""
    at = [place for place, word in enumerate(words) if word.startswith("--") and len(word) > 2]
    for start, end in pairwise([0, *(place for place in at if place), len(words)]):
        name, equals, value = words[start].partition("=") if start in at else ("", "", "")
        rest = words[start + (start in at) : end]
        if words[start:end]:
            yield _Flag(_plain(name), [value, *rest] if equals else [*rest], words[start:end])


def _plain(name: str) -> str:
    """A flag's name with hyphens, as vLLM takes it with either; what follows a dot is a field's own name."""
    head, dot, field = name.partition(".")
    return head.replace("_", "-") + dot + field


def shown(words: Sequence[str]) -> list[str]:
    """A command line as it may be printed: without the values of keys, tokens and passwords."""
    printed: list[str] = []
    hides = False
    for word in words:
        if word.startswith("--"):
            flag, equals, _ = word.partition("=")
            hides = _SECRET.search(_plain(flag)) is not None
            printed.append(f"{flag}={_SHOWN}" if hides and equals else word)
        else:
            printed.append(_SHOWN if hides else word)
    return printed

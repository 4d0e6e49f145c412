"""Stands in for the package ``any_llm``: the signatures of 1.40, and a server of no shape at all.

What it is asked to say in the user's text it says: its environment with its key backwards, an error of a kind, or "A".
"""

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any


class AnyLLMError(Exception):
    def __init__(self, message: str = "", *, status_code: int | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.original_exception = None
        self.code = self.param = None
        for name, value in fields.items():
            setattr(self, name, value)


class RateLimitError(AnyLLMError): ...


class AuthenticationError(AnyLLMError): ...


class ContentFilterError(AnyLLMError): ...


class ProviderError(AnyLLMError): ...


class UnsupportedParameterError(AnyLLMError): ...


class _Reply:
    def __init__(self, text: str, model: str) -> None:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
        self._value = {"object": "chat.completion", "model": model, "choices": [choice], "usage": usage}

    def model_dump(self, mode: str = "python") -> dict[str, Any]:
        return self._value


class AnyLLM:
    def __init__(self, key: str, base: str | None) -> None:
        self._key = key
        self._base = base

    @classmethod
    def create(
        cls,
        provider: str,
        api_key: str | None = None,
        api_base: str | None = None,
        *,
        unified_exceptions: bool | None = None,
        max_retries: int | None = None,
    ) -> "AnyLLM":
        assert unified_exceptions
        if provider == "stubborn" and max_retries is not None:
            raise UnsupportedParameterError("'max_retries' is not supported")
        if provider == "absent":
            raise ImportError("absent required packages are not installed")
        print("a library that prints", api_key)
        return cls(api_key or os.environ["AMBIENT_API_KEY"], api_base)

    async def acompletion(self, model: str, messages: list[dict[str, str]], **settings: Any) -> _Reply:
        text = messages[-1]["content"]
        if "logprobs" in settings:
            raise UnsupportedParameterError("'logprobs' is not supported for fake", parameter_name="logprobs")
        if text == "environment":
            seen = {"environment": dict(os.environ), "key": self._key[::-1], "base": self._base, "settings": settings}
            return _Reply(json.dumps(seen), model)
        if text == "long":
            return _Reply("x" * (17 << 20), model)
        if text == "cancel":
            raise asyncio.CancelledError
        if text == "scribble":
            for descriptor in range(3, 64):
                with suppress(OSError):
                    os.write(descriptor, b"no line of ours\n")
            await asyncio.sleep(60)
        if text == "leave":
            os._exit(1)
        kind = getattr(sys.modules[__name__], text, None)
        if kind is not None:
            raise kind(f"{text}: no ({self._key})", retry_after=7.0)
        return _Reply("A", model)

    async def alist_models(self) -> list[Any]:
        if self._base == "http://refusing.invalid":
            raise AuthenticationError("who are you?", status_code=401)
        raise NotImplementedError("Provider doesn't support listing models.")

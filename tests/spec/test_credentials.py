"""Names of variables pass; keys, and settings that would hold one, are refused without being repeated."""

import random
import string
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.spec.credentials import variable_name
from judgebench.spec.study import Generation, JudgeSpec, make

NAMES = [
    "OPENAI_API_KEY",
    "HF_TOKEN",
    "AZURE_OPENAI_API_KEY_EU2",
    "key",
    "_K",
    "MyCompanyProductionOpenAIKey",
    "ANTHROPICAPIKEYPRODUCTION",
]
NAMES += [
    "ANTHROPICAPIKEYPRODUCTION",
    "JUDGEBENCH_TEST_KEY_2026",
    "TOGETHERAI_API_KEY",
    "VERTEXAI_SERVICE_ACCOUNT_TOKEN",
    "openrouter_key",
]
ALPHABETS = {
    "sk-": string.ascii_letters + string.digits,
    "sk-proj-": string.ascii_letters + string.digits + "_-",
    "hf_": string.ascii_letters,
    "gsk_": string.ascii_letters + string.digits,
    "": string.hexdigits.lower(),
    "AKIA": string.ascii_uppercase + string.digits,
    "AIza": string.ascii_letters + string.digits + "_-",
    "ghp_": string.ascii_letters + string.digits,
}


def keys(prefix: str) -> list[str]:
    rng = random.Random(5)
    size = 16 if prefix == "AKIA" else 35
    return [prefix + "".join(rng.choices(ALPHABETS[prefix], k=size)) for _ in range(200)]


@pytest.mark.parametrize("name", NAMES)
def test_names_pass(name: str) -> None:
    assert variable_name(name) == name


@pytest.mark.parametrize("prefix", ALPHABETS)
def test_keys_do_not(prefix: str) -> None:
    for key in keys(prefix):
        with pytest.raises(ValueError, match="the NAME of an environment variable is asked for") as caught:
            variable_name(key)
        assert key not in str(caught.value)


@pytest.mark.parametrize("text", ["", "two words", "1KEY", "a" * 101, "A=B", "$KEY", "Bearer x", "K\n"])
def test_what_is_no_name_does_not(text: str) -> None:
    with pytest.raises(ValueError, match="NAME"):
        variable_name(text)


@pytest.mark.parametrize("kind", [JudgeSpec, Generation])
def test_specifications_refuse_them_and_do_not_repeat_them(kind: type[Any]) -> None:
    key = keys("hf_")[0]
    served = {"model": "gpt", "url": "http://127.0.0.1:1/v1", "key_env": key}
    fields = served if kind is JudgeSpec else {"benchmark": "b", "model": "m", "generator": served}
    with pytest.raises(InputError, match="key_env: the NAME") as caught:
        make(kind, fields, where="--key-env")
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": "x"},
        {"extra_headers": {"Authorization": "x"}},
        {"extra_body": [{"auth_token": "x"}]},
        {"x-api-key": "x"},
    ],
)
def test_settings_hold_no_key(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="a key is never written down"):
        make(JudgeSpec, {"model": "gpt", "settings": settings}, where="study.yaml")


def test_usual_settings_pass() -> None:
    settings = {
        "max_tokens": 5,
        "temperature": 0,
        "logit_bias": {"50256": -100},
        "stop": ["a"],
        "max_completion_tokens": 9,
    }
    assert make(JudgeSpec, {"model": "gpt", "settings": settings}, where="").settings == settings

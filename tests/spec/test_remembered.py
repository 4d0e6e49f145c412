"""A database that somebody else wrote runs nothing here, and gets no secret that was not meant for its server."""

import shlex
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.spec import JudgeSpec
from judgebench.spec.remembered import check_sent, sent_unasked, without_programs

ELSEWHERE = "https://judge.example/v1"


def judge(**fields: Any) -> JudgeSpec:
    return JudgeSpec.model_validate({"model": "m", "url": ELSEWHERE} | fields)


def served(flags: str) -> JudgeSpec:
    return JudgeSpec(model="vllm:org/m", vllm=flags)


@pytest.mark.parametrize(
    "words",
    [("az", "account", "get-access-token"), ("/bin/sh", "-c", "echo 'a b'"), ("sh", "-c", "true\n\x1b[2Jit's \\")],
)
def test_a_command_is_run_only_when_it_is_given_again(words: tuple[str, ...]) -> None:
    kept, programs = without_programs(judge(connection={"token_command": words, "system_role": "user"}))
    assert (kept.connection.token_command, kept.connection.system_role) == ((), "user")
    with pytest.raises(InputError) as raised:
        programs.check_agreed({"connection": {"system_role": "user"}}, "j")
    message = str(raised.value)
    assert message.isprintable()
    if shlex.join(words).isprintable():
        assert tuple(shlex.split(shlex.split(message.partition("--token-command ")[2])[0])) == words
    for given in ({"token_command": words}, {"token_command": ("other",)}, {"token": str}):
        programs.check_agreed({"connection": given}, "j")
    programs.check_agreed({"key_env": "JUDGE_KEY"}, "j")  # then nothing is run


@pytest.mark.parametrize(
    "flags",
    [
        "--program /tmp/evil",
        "--log /home/me/.bashrc",
        "--trust-remote-code",
        "--tool-parser-plugin x.py",
        "--middleware=os.system",
        "--max-model-len 8 -O '{}'",
        "--max-model-len 8 --conf x.yaml",
        "--quantization {}",
        "stray --seed 1",
        "--lora-modules a=/tmp/a",
    ],
)
def test_flags_that_can_do_anything_are_given_again(flags: str) -> None:
    kept, programs = without_programs(served(flags))
    assert kept.vllm is None
    with pytest.raises(InputError, match="--vllm"):
        programs.check_agreed({"connection": {}}, "j")
    programs.check_agreed({"vllm": "--seed 1"}, "j")


def test_flags_of_numbers_and_names_are_remembered() -> None:
    spec = served("--max-model-len 8192 --gpu-memory-utilization=0.9 --served-model-name a b --enforce-eager")
    kept, programs = without_programs(spec)
    assert kept == spec
    programs.check_agreed({}, "j")


@pytest.mark.parametrize(
    ("fields", "variable"),
    [
        ({"key_env": "HOME"}, "HOME"),
        ({"key_env": "DATABASE_URL"}, "DATABASE_URL"),
        ({"key_env": "OPENAI_API_KEY"}, "OPENAI_API_KEY"),
        ({"key_env": "AWS_SECRET_ACCESS_KEY", "url": "https://amazonaws.com.evil.example/v1"}, "AWS_SECRET_ACCESS_KEY"),
        ({"key_env": "OPENAI_API_KEY", "url": "http://api.openai.com/v1"}, "OPENAI_API_KEY"),
        ({"connection": {"headers_env": {"X-A": "SSH_AUTH_SOCK"}}}, "SSH_AUTH_SOCK"),
        ({"connection": {"headers_env": {"X-A": "GITHUB_TOKEN"}}}, "GITHUB_TOKEN"),
        ({"connection": {"proxy": "http://p.example:1", "proxy_env": "PATH"}}, "PATH"),
        (
            {"url": "http://127.0.0.1:8/v1", "key_env": "HF_TOKEN", "connection": {"proxy": "http://p.example:1"}},
            "HF_TOKEN",
        ),
        (
            {
                "url": "https://api.openai.com/v1",
                "key_env": "OPENAI_API_KEY",
                "connection": {"proxy": "http://p.example:1", "ca": "/tmp/ca.pem"},
            },
            "OPENAI_API_KEY",
        ),
    ],
)
def test_a_variable_goes_nowhere_that_it_is_not_meant_for(fields: dict[str, Any], variable: str) -> None:
    spec = judge(**fields)
    with pytest.raises(InputError, match=f"\\${variable} sent to"):
        check_sent(spec, {"model": "j"})
    check_sent(spec, {"model": "j", "url": spec.url})
    named = {"key_env": spec.key_env} if spec.key_env else {"connection": spec.connection}
    check_sent(spec, {"model": "j", **named})


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        (ELSEWHERE, "JUDGE_API_KEY"),
        (ELSEWHERE, "MYTOKEN2"),
        (ELSEWHERE, "PROXY_LOGIN"),
        ("https://api.openai.com/v1", "OPENAI_API_KEY"),
        ("https://name.openai.azure.com/v1", "AZURE_OPENAI_KEY"),
        ("http://127.0.0.1:4000/v1", "OPENAI_API_KEY"),
        ("http://[::1]:4000/v1", "ANTHROPIC_API_KEY"),
    ],
)
def test_a_key_goes_to_the_server_that_it_is_for_and_it_is_said(url: str, variable: str) -> None:
    spec = judge(url=url, key_env=variable)
    check_sent(spec, {"model": "j"})
    assert f"${variable} to {url}" in str(sent_unasked(spec, {"model": "j"}))
    assert sent_unasked(spec, {"model": "j", "url": url}) is None


def test_where_each_thing_goes_is_said() -> None:
    connection = {"proxy": "http://p.example:1", "proxy_env": "PROXY_LOGIN", "client_cert": "/c.pem"}
    said = str(sent_unasked(judge(key_env="A_KEY", connection=connection), {}))
    assert f"$A_KEY, the certificate /c.pem to {ELSEWHERE}; $PROXY_LOGIN to http://p.example:1" in said
    assert sent_unasked(judge(), {}) is None
    assert sent_unasked(judge(url=None, model="embedded"), {}) is None

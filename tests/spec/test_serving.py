"""Flags for vLLM: what is told from them, what is refused, and what is never shown."""

import pytest

from judgebench.spec.serving import VllmServing, shown


def test_a_python_interpreter_serves_through_the_module_and_flags_pass_through() -> None:
    serving = VllmServing("org/model", ("--data-parallel-size=2", "-O", "3"), "/opt/vllm/bin/python3.12")
    argv = serving.argv(8001, host="127.0.0.1")
    assert argv[:4] == ["/opt/vllm/bin/python3.12", "-m", "vllm.entrypoints.openai.api_server", "--model"]
    assert argv[4:9] == ["org/model", "--host", "127.0.0.1", "--port", "8001"]
    assert argv[9:] == ["--generation-config", "vllm", "--data-parallel-size=2", "-O", "3"]
    assert VllmServing("m", ("--generation_config", "auto")).argv(1, host="h").count("--generation-config") == 0


@pytest.mark.parametrize("flag", ["--host", "--port=3", "--model"])
def test_flags_cannot_set_what_is_an_argument(flag: str) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        VllmServing("m", (flag,)).checked()


@pytest.mark.parametrize(
    ("model", "text", "loads", "name", "names"),
    [
        ("org/q", "", "org/q", "org/q", ("org/q",)),
        ("org/q", "--served-model-name small other", "org/q", "small", ("small",)),
        ("other", "--model org/q --served_model_name small other", "org/q", "other", ("small",)),
        ("strict", "--model org/q --lora-modules strict=./a mild=./b", "org/q", "strict", ("org/q", "strict", "mild")),
        ("a", """--model q --lora-modules '{"name": "a", "path": "x y"}'""", "q", "a", ("q", "a")),
        ("q", "--lora-modules a=./a --served-model-name=s", "q", "s", ("s", "a")),
    ],
)
def test_a_model_is_asked_under_the_name_that_its_server_gives_it(
    model: str, text: str, loads: str, name: str, names: tuple[str, ...]
) -> None:
    serving = VllmServing.parse(model, text)
    assert (serving.loads, serving.name_of(model), serving.names) == (loads, name, names)


def test_adapters_are_switched_on_once() -> None:
    assert VllmServing.parse("q", "--lora-modules a=./a").argv(1, host="h").count("--enable-lora") == 1
    assert VllmServing.parse("q", "--lora-modules a=./a --enable-lora").argv(1, host="h").count("--enable-lora") == 1
    assert "--enable-lora" not in VllmServing("q").argv(1, host="h")


def test_a_default_yields_to_a_flag() -> None:
    assert VllmServing("q").with_default("--runner=pooling").flags == ("--runner=pooling",)
    assert VllmServing("q", ("--runner", "generate")).with_default("--runner=pooling").flags == ("--runner", "generate")


def test_what_is_said_of_the_server_is_read_from_the_flags() -> None:
    serving = VllmServing.parse("q", "--program '/a b/python' --log=x.log --ready-s 3 --max-model-len 8 --hf_x.a_b=1")
    assert serving == VllmServing("q", ("--max-model-len", "8", "--hf_x.a_b=1"), "/a b/python", "x.log", 3.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--api-key sk-secret", "name the variable that holds the key"),
        ("--api_key=sk-secret", "name the variable that holds the key"),
        ("--api-k sk-secret", "name the variable that holds the key"),
        ("--hf-token sk-secret", "name the variable that holds the key"),
        ("--ready-s soon", "no number of seconds"),
        ("--program", "takes one value"),
        ("--log a b", "takes one value"),
        ("'", "check their quotes"),
        ("--port 3", "cannot hold"),
    ],
)
def test_flags_that_cannot_be_kept_are_refused_without_what_they_hold(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        VllmServing.parse("q", text)
    assert "sk-secret" not in str(caught.value)


def test_a_name_that_is_not_served_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"no 'strict' but q: name it by --served-model-name strict, or give its adapter"
    ):
        VllmServing.parse("strict", "--model q").name_of("strict")


def test_flags_are_arguments_in_this_process() -> None:
    serving = VllmServing.parse(
        "q", "--tensor-parallel-size 2 --dtype=bfloat16 --enforce-eager --hf-overrides '{\"a\": 1}'"
    )
    assert serving.arguments() == {
        "tensor_parallel_size": 2, "dtype": "bfloat16", "enforce_eager": True, "hf_overrides": {"a": 1}
    }  # fmt: skip


@pytest.mark.parametrize("flags", [("--api-key", "sk-1", "--x", "2"), ("--x", "2", "--api_key=sk-1")])
def test_one_key_leaves_the_command_line(flags: tuple[str, ...]) -> None:
    serving, key = VllmServing("q", flags).without_key()
    assert (serving.flags, key) == (("--x", "2"), "sk-1")


def test_several_keys_stay_and_are_not_shown() -> None:
    serving, key = VllmServing("q", ("--api-key", "sk-1", "sk-2", "--x", "2")).without_key()
    assert key is None
    printed = shown(serving.argv(1, host="h"))
    assert printed[-5:] == ["--api-key", "[key]", "[key]", "--x", "2"]
    assert shown(["--api_key=sk-1", "--hf-token", "t", "--max-num-batched-tokens", "9"]) == [
        "--api_key=[key]", "--hf-token", "[key]", "--max-num-batched-tokens", "9"
    ]  # fmt: skip

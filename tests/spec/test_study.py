"""A study file that says what nobody knows is one clear error."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.spec import JudgeSpec, load_study, make, make_generation
from judgebench.spec.study import load_prices, parse_yaml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("basline: a", "basline: unknown field 'basline': did you mean 'baseline'?"),
        ("judge: {model: m, templte: t}", "judge.templte: unknown field 'templte': did you mean 'template'?"),
        ("judge: {model: m, api_key: s}", "judge.api_key: .*name the variable that holds the key by key_env"),
    ],
)
def test_an_unknown_field_is_told_with_the_nearest(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"benchmark: b\n{text}\n" + ("" if "judge" in text else "judge: {model: m}\n"))
    with pytest.raises(InputError, match=message):
        load_study(path)


def test_an_unknown_field_of_a_judge_or_generator_too() -> None:
    with pytest.raises(InputError, match="did you mean 'price'"):
        make(JudgeSpec, {"model": "m", "pric": "1,2"}, where="judge")
    with pytest.raises(InputError, match=r"generator.modl: .*did you mean 'model'"):
        make_generation({"benchmark": "b", "model": "m", "generator": {"model": "m", "modl": "x"}}, where="flags")


@pytest.mark.slow
@pytest.mark.parametrize(
    "content", ["[" * 50_000, "{a: " * 3_000, "benchmark: " + "9" * 5_000, "benchmark: 2026-99-99"]
)
def test_yaml_that_cannot_be_read_is_one_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(content)
    for load in (load_study, load_prices):
        with pytest.raises(InputError, match=r"study\.yaml: is (nested too deeply|not YAML)"):
            load(path)


@pytest.mark.parametrize("content", ["benchmark: a\njudge: {model: m}\nbenchmark: b", "judge: {model: m, model: n}"])
def test_a_field_that_is_given_twice_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=r"study\.yaml: is not YAML: '(benchmark|model)' is given twice"):
        load_study(path)


def test_merges_of_merges_are_bounded() -> None:
    merged = [
        "a: &a {x: 1}",
        *(f"b{n}: &b{n}\n  <<: [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]" for n in range(40)),
    ]
    with pytest.raises(InputError, match="merges more than 10,000 fields"):
        parse_yaml("\n".join(merged), "study.yaml:")
    assert parse_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}", "study.yaml:")["b"] == {"x": 1, "y": 2}


def test_whoever_is_asked_is_described_in_so_many_characters() -> None:
    """The longest taxonomy among them, and more."""
    taxonomy = {"taxonomy": {"causes": [["c" * 64, "x" * 500]] * 50, "out-of-scope": "x" * 500}}
    most = {**taxonomy, "note": "\u4e2d" * 60_000, "response_format": {"type": "json_schema"}}
    make(JudgeSpec, {"model": "m", "settings": most}, where="study").check_size()
    make(
        JudgeSpec, {"model": "m", "url": [f"http://10.0.0.1:8000/{at:039}" for at in range(1000)]}, where="s"
    ).check_size()
    many = [f"http://h/{number}/{'x' * 1000}" for number in range(100)]
    for more in ({"settings": {"note": "x" * 100_000}}, {"url": f"http://h/{'x' * 100_000}"}, {"url": many}):
        spec = make(JudgeSpec, {"model": "m", **more}, where="study")
        with pytest.raises(
            InputError, match=r"the judge's settings and addresses take 10\d,\d+ characters: at most 100,000"
        ):
            spec.check_size()

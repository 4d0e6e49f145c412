"""A study file that says what nobody knows is one clear error."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.spec import JudgeSpec, load_study, make, make_generation


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

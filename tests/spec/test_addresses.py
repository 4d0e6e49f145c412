"""Addresses of one model: as they are written, and when two are the same."""

import pytest

from judgebench.errors import InputError
from judgebench.spec import JudgeSpec, make
from judgebench.spec.addresses import place_of

ONE = "http://gpu.example:8000/v1"


@pytest.mark.parametrize(
    "url",
    [
        "HTTP://GPU.Example:8000/v1",
        "http://gpu.example:8000/v1/",
        "http://gpu.example:8000",
        "http://gpu.example.:8000/v1//",
        "http://gpu.example:8000/v1/chat/completions",
        "http://gpu.example:8000/v1/chat/completions/",
    ],
)
def test_how_an_address_is_written_is_no_difference(url: str) -> None:
    assert place_of(url) == place_of(ONE)


@pytest.mark.parametrize(
    "url",
    [
        "https://gpu.example:8000/v1",
        "http://gpu.example:8001/v1",
        "http://gpu.example/v1",
        "http://gpu.example:8000/V1",
        "http://gpu.example:8000/other/v1",
        "http://other.example:8000/v1",
        "gpu.example:8000/v1",
        "http://[::1/v1",
    ],
)
def test_another_place_is_another_address(url: str) -> None:
    assert place_of(url) != place_of(ONE)


def test_the_usual_port_is_no_difference() -> None:
    assert place_of("https://api.example/v1") == place_of("https://api.example:443/v1")
    assert place_of("http://[::1]/v1") == place_of("http://[::1]:80/v1") != place_of("http://[::2]/v1")


@pytest.mark.parametrize(
    ("given", "urls", "url"),
    [
        (None, (), None),
        ([], (), None),
        (ONE, (ONE,), ONE),
        ([ONE], (ONE,), ONE),
        ([ONE, "http://other/v1", f"{ONE}/"], (ONE, "http://other/v1"), [ONE, "http://other/v1"]),
    ],
)
def test_a_judge_has_one_address_or_several(given: object, urls: tuple[str, ...], url: object) -> None:
    spec = make(JudgeSpec, {"model": "m", "url": given}, where="test")
    assert spec.urls == urls
    assert spec.model_dump(mode="json")["url"] == url
    assert make(JudgeSpec, spec.model_dump(), where="test") == spec


@pytest.mark.parametrize("given", [3, [3], {"a": 1}])
def test_what_is_no_address_is_an_error(given: object) -> None:
    with pytest.raises(InputError, match="url"):
        make(JudgeSpec, {"model": "m", "url": given}, where="test")

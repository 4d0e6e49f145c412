"""Files of addresses: hostile ones are one clear line, and never shown; no text but a person's names one."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import InputError
from judgebench.spec import JudgeSpec, Study, load_study, make
from judgebench.spec.addresses import AddressFile, as_given, place_of

ONE, OTHER = "http://gpu1:8000/v1", "https://gpu2.example/v1"
KEY = "sk-abcdefghijklmnopqrstuvwxyz012345"


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "judges.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        f"{ONE}\n{OTHER}\n",
        f"{ONE}\n{OTHER}",
        f"\ufeff# ours\r\n\r\n  {ONE}  \r\n{OTHER}\r\n",
        f"{ONE}\nhttp://GPU1:8000/\n\n{OTHER}\n# {KEY}\n",
    ],
)
def test_a_file_holds_an_address_a_line(tmp_path: Path, content: str) -> None:
    path = written(tmp_path, content)
    file = AddressFile(path)
    assert (file.path, file.urls, file.read_again()) == (path, (ONE, OTHER), (ONE, OTHER))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no address stands in this file"),
        (b"# nothing\n\n", "no address stands in this file"),
        (f"{ONE}\n{KEY}\n", "line 2 is no address"),
        (f"{ONE} {OTHER}\n", "line 1 is no address"),
        ("http://[::1/v1\n", "line 1 is no address"),
        ("http://gpu:99999999/v1\n", "line 1 is no address"),
        ("file:///etc/passwd\n", "line 1 is no address"),
        (f"http://gpu1\x1b[2J/v1?{KEY}\n", "line 1 is no address"),
        ("http://gpu\u202e1/v1\n", "line 1 is no address"),
        (f"http://me:{KEY}@gpu1/v1\n", "line 1: an address holds no user"),
        (f"http://gpu1/v1?key={KEY}\n", "line 1: an address holds no user"),
        (f"http://gpu1/{KEY}/v1\n", "line 1: an address holds no user"),
        (b"http://gpu1\0/v1\n", "line 1 is no address"),
        (b"\xff\xfeh\0", "text in UTF-8"),
        (b"h" * (2 << 20), "at most 1 MiB"),
        ("".join(f"http://gpu{number}/v1\n" for number in range(1001)), "1,001 addresses"),
    ],
)
def test_what_is_no_list_of_addresses_is_one_line_that_shows_nothing_of_it(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError) as raised:
        as_given(f"@{path}")
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "\n" not in message
    assert KEY not in message


def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), tmp_path / "missing", Path("a\0b")):
        with pytest.raises(InputError, match="file of addresses"):
            as_given(f"@{path}")


def test_half_a_last_line_is_not_taken_once_a_run_goes(tmp_path: Path) -> None:
    path = written(tmp_path, f"{ONE}\n")
    file = AddressFile(path)
    for end in range(1, len(OTHER) + 1):
        written(tmp_path, f"{ONE}\n{OTHER[:end]}")
        with pytest.raises(InputError, match=r"last line has no end|line 2 is no address"):
            file.read_again()
    written(tmp_path, f"{ONE}\n{OTHER}\n")
    assert file.read_again() == (ONE, OTHER)


@pytest.mark.parametrize("given", [["@a", ONE], [ONE, "@a"], ["@a", "@b"]])
def test_a_file_is_given_alone(given: list[str]) -> None:
    with pytest.raises(InputError, match="given alone"):
        as_given(given)


def test_no_other_text_than_a_persons_names_a_file(tmp_path: Path) -> None:
    """What a database, a form of the web or a batch says is an address, however it begins."""
    path = written(tmp_path, f"{ONE}\n")
    spec = make(JudgeSpec, {"model": "m", "url": f"@{path}"}, where="test")
    assert spec.urls == (f"@{path}",)
    for forged in ({"path": str(path), "urls": [ONE]}, {"path": str(path)}):
        with pytest.raises(InputError, match="url"):
            make(JudgeSpec, {"model": "m", "url": forged}, where="test")
    with pytest.raises(ValueError, match="url"):
        JudgeSpec.model_validate_json(f'{{"model": "m", "url": {{"path": "{path}", "urls": ["{ONE}"]}}}}')


@pytest.mark.parametrize(("content", "stored"), [(f"{ONE}\n", ONE), (f"{ONE}\n{OTHER}\n", [ONE, OTHER])])
def test_what_is_stored_is_the_addresses_and_not_the_file(tmp_path: Path, content: str, stored: Any) -> None:
    path = written(tmp_path, content)
    study = tmp_path / "study.yaml"
    study.write_text(f"benchmark: b\njudge: {{model: m, url: '@{path}'}}\nall_pairs: true\n")
    loaded = load_study(study)
    again = make(Study, loaded.model_dump(exclude_defaults=True), where="test")
    assert isinstance(loaded.judge.url, AddressFile)
    assert again == loaded
    assert again.model_dump(mode="json", exclude_defaults=True)["judge"]["url"] == stored


@given(st.lists(st.sampled_from([ONE, OTHER, f"{ONE}/", "http://GPU1:8000", "# no", "", "  "]), max_size=12))
def test_each_place_stands_once_in_its_order(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = written(tmp_path_factory.mktemp("list"), "\n".join(lines))
    places = list(dict.fromkeys(place_of(line) for line in lines if line.startswith("http")))
    if places:
        assert [place_of(url) for url in AddressFile(path).urls] == places
    else:
        with pytest.raises(InputError, match="no address"):
            AddressFile(path)

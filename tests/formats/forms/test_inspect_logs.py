"""Logs of Inspect are read as files, small ones that unpack to huge ones are not, and logs are made of rows."""

import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from judgebench.conversations import cut, join
from judgebench.errors import InputError, MissingExtra
from judgebench.formats.forms.inspect import INSPECT
from judgebench.formats.forms.inspect_logs import inspect_log, read_log
from judgebench.formats.reading import ReadLimits
from tests.formats.forms.agent import agent_keys, keys, rewritten, same
from tests.formats.forms.test_inspect import AGENT

LOGS = Path(__file__).parents[4] / "shared" / "data" / "inspect_logs"
HEADER = {"version": 2, "eval": {"model": "openai/x", "task": "t"}}
SAMPLE = {"id": 1, "epoch": 1, "input": "Is it?", "messages": [{"role": "user", "content": "Is it?"}]}


def archive(path: Path, members: Mapping[str, Any], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, value in members.items():
            file.writestr(name, value if isinstance(value, str | bytes) else json.dumps(value))
    return path


def rows(path: Path, limits: ReadLimits | None = None) -> list[dict[str, Any]]:
    return [row.values for row in read_log(path, limits)]


@pytest.mark.parametrize("name", ["a.json", "a.eval"])
def test_samples_are_rows_with_their_model(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.json":
        path.write_text(json.dumps(HEADER | {"samples": [SAMPLE]}), encoding="utf-8")
    else:
        archive(path, {"header.json": HEADER, "samples/1_epoch_1.json": SAMPLE, "summaries.json": []})
    assert rows(path) == [{"model": "openai/x"} | SAMPLE]


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_logs_of_evaluations_that_did_not_end_are_read(tmp_path: Path, packing: int) -> None:
    path = archive(tmp_path / "a.eval", {"_journal/start.json": HEADER, "samples/x.json": SAMPLE}, packing)
    assert len(rows(path)) == 1


def test_members_that_are_no_samples_are_left_alone(tmp_path: Path) -> None:
    names = ("samples/../x.json", "../samples/x.json", "samples/a/b.json", "/samples/x.json", "samples/..json.json")
    path = archive(tmp_path / "a.eval", {"header.json": HEADER} | dict.fromkeys(names, "no JSON"))
    assert rows(path) == []


def test_archives_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    bomb = " " * (64 << 20)
    path = archive(tmp_path / "a.eval", {"header.json": HEADER, "samples/x.json": bomb})
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="unpacks to more than"):
        rows(path, ReadLimits(file_bytes=1 << 20))
    with pytest.raises(InputError, match="unpacks to more than"):
        rows(path, ReadLimits(row_chars=1 << 20))
    many = {f"samples/{number}.json": SAMPLE | {"pad": "x" * 1000} for number in range(100)}
    path = archive(tmp_path / "b.eval", {"header.json": HEADER} | many)
    with pytest.raises(InputError, match="unpacks to more than"):
        rows(path, ReadLimits(file_bytes=50_000))


def test_a_size_that_is_not_the_true_one_is_no_way_around_the_limit(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"header.json": HEADER, "samples/x.json": " " * (8 << 20)})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 8 << 20), struct.pack("<L", 100)))
    with pytest.raises(InputError):
        rows(path, ReadLimits(file_bytes=1 << 20))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"samples/x.json": SAMPLE}, "is no log of Inspect"),
        ({"header.json": "{", "samples/x.json": SAMPLE}, "not valid JSON"),
        ({"header.json": HEADER, "samples/x.json": "[]"}, "samples/x.json, sample 1: expected an object"),
        ({"header.json": HEADER, "samples/x.json": "{}" * 2}, "not valid JSON"),
        ({"header.json": HEADER, "samples/x.json": b"\xff"}, "not valid JSON"),
        ({"header.json": HEADER, "samples/x.json": '{"a":' * 100_000}, "nested too deeply"),
    ],
)
def test_what_is_wrong_in_an_archive_is_told(tmp_path: Path, members: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows(archive(tmp_path / "a.eval", members))


@pytest.mark.parametrize(
    "text", ["[]", '{"samples": []}', '{"eval": {}, "samples": {}}', "", '{"eval": 1, "samples": [5]}']
)
def test_what_is_no_log_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        rows(path)


def test_damaged_and_missing_files_are_told(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"header.json": HEADER, "samples/x.json": SAMPLE | {"pad": "x" * 500}})
    data = path.read_bytes()
    for end in range(4, len(data) - 1, 7):
        path.write_bytes(data[:end])
        with pytest.raises(InputError):
            rows(path)
    with pytest.raises(InputError, match="cannot be read"):
        rows(tmp_path / "none.eval")
    path.write_bytes(b'{"eval": "\xff"}')
    with pytest.raises(InputError, match="UTF-8"):
        rows(path)


def in_zstandard(path: Path, members: Mapping[str, tuple[bytes, bytes]]) -> Path:
    """An archive of members (packed, plain) whose packing is 93, which ``zipfile`` does not write here."""
    body = directory = b""
    for name, (packed, plain) in members.items():
        sizes = struct.pack("<LLL", zlib.crc32(plain), len(packed), len(plain))
        fields = struct.pack("<HHHHH", 63, 0, 93, 0, 0) + sizes + struct.pack("<HH", len(name), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 63) + fields + struct.pack("<HHHLL", 0, 0, 0, 0, len(body))
        directory += name.encode()
        body += b"PK\x03\x04" + fields + name.encode() + packed
    count = len(members)
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


def frame(plain: bytes) -> bytes:
    """A Zstandard frame of one block that is not packed."""
    size = struct.pack("<L", len(plain))
    return b"\x28\xb5\x2f\xfd\xa0" + size + struct.pack("<L", (len(plain) << 3) | 1)[:3] + plain


def repeated(size: int) -> bytes:
    """A Zstandard frame of blocks that say one space many times."""
    count = size // (1 << 17)
    block = struct.pack("<L", ((1 << 17) << 3) | 2)[:3] + b" "
    last = struct.pack("<L", ((1 << 17) << 3) | 3)[:3] + b" "
    return b"\x28\xb5\x2f\xfd\x80\x58" + struct.pack("<L", size) + block * (count - 1) + last


def zstandard_log(path: Path, sample: bytes | None = None, plain: bytes | None = None) -> Path:
    header, usual = json.dumps(HEADER).encode(), json.dumps(SAMPLE).encode()
    packed, unpacked = (frame(usual), usual) if sample is None else (sample, plain or b"")
    return in_zstandard(path, {"header.json": (frame(header), header), "samples/x.json": (packed, unpacked)})


def test_logs_packed_with_zstandard_are_read(tmp_path: Path) -> None:
    pytest.importorskip("zstandard")
    assert rows(zstandard_log(tmp_path / "a.eval")) == [{"model": "openai/x"} | SAMPLE]


def test_zstandard_bombs_and_broken_frames_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("zstandard")
    size = 64 << 20
    bomb = zstandard_log(tmp_path / "a.eval", repeated(size), b" " * size)
    assert bomb.stat().st_size < 10_000
    with pytest.raises(InputError, match="unpacks to more than"):
        rows(bomb, ReadLimits(file_bytes=1 << 20))
    liar = zstandard_log(tmp_path / "b.eval", repeated(size), b" " * 10)
    with pytest.raises(InputError, match="unpacks to more than"):
        rows(liar, ReadLimits(file_bytes=1 << 20))
    with pytest.raises(InputError, match="damaged"):
        rows(zstandard_log(tmp_path / "c.eval", frame(b"{}")[:-3] + b"\xff" * 40, b"{}"))


def test_without_zstandard_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtra, match=r"judgebench\[inspect\]"):
        rows(zstandard_log(tmp_path / "a.eval"))


def test_a_log_made_of_rows_is_read_again(tmp_path: Path) -> None:
    first, second = rewritten(INSPECT, AGENT), rewritten(INSPECT, SAMPLE | {"id": 7})
    log = inspect_log([first, second, {"epoch": 1, "input": "x"}], task="t", model="m", created="2026-11-28T00:00:00Z")
    assert [sample["id"] for sample in log["samples"]] == ["leave-1", 7, 3]
    assert log["samples"][0]["output"]["model"] == "m"
    path = tmp_path / "a.json"
    path.write_text(json.dumps(log), encoding="utf-8")
    again = rows(path)
    assert keys(INSPECT, again[0]) == agent_keys()
    assert same(again[0]["messages"], AGENT["messages"])


@pytest.mark.shared
@pytest.mark.skipif(not LOGS.exists(), reason="needs ../shared/data")
@pytest.mark.parametrize("path", sorted(LOGS.glob("*")), ids=lambda path: path.name)
def test_every_message_of_published_logs_comes_back_equal(path: Path) -> None:
    samples = rows(path)
    assert samples
    for row in samples:
        blobs: dict[str, Any] = {}
        dialogue = INSPECT.read(row, blobs)
        written = INSPECT.write(dialogue.conversation, blobs)
        assert same(written["messages"], row["messages"])
        assert join(*cut(dialogue.conversation)) == dialogue.conversation
        assert dialogue.reference
        assert not [message for message in dialogue.conversation.messages if message.raw is not None]


def test_a_member_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"header.json": HEADER, "samples/x.json": SAMPLE})
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("samples/x.json", "{}")
    with pytest.raises(InputError, match="two members have one name"):
        rows(path)


def test_an_archive_of_a_later_kind_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"header.json": HEADER, "samples/x.json": SAMPLE})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 6] = 255  # the version that is needed to unpack it
    path.write_bytes(data)
    with pytest.raises(InputError, match="of a kind that is not known here"):
        rows(path)

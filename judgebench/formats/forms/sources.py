"""What the readers of several forms share: how a value differs from its source, files in base64, and checks."""

import base64
import functools
import json
import math
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from judgebench.conversations import Blob, packed, unpacked
from judgebench.formats.forms import Blobs, Dialogue, canonical

# Keys of a difference that are none of the source's: those which the source lacks, and which shape it has of several.
_ABSENT, _SHAPE = "-", "="
_MOST_LEVELS = 100


def guarded(read: Callable[[Mapping[str, Any], Blobs], Dialogue]) -> Callable[[Mapping[str, Any], Blobs], Dialogue]:
    """The reader, which raises ValueError also for what is no JSON and for what is nested too deep."""

    @functools.wraps(read)
    def reader(values: Mapping[str, Any], blobs: Blobs) -> Dialogue:
        _check_values(values)
        try:
            return read(values, blobs)
        except TypeError as error:
            raise ValueError(f"holds what JSON cannot hold: {error}") from error

    return reader


def _check_values(values: Mapping[str, Any]) -> None:
    level: list[Any] = [values]
    for _ in range(_MOST_LEVELS):
        items = list(chain.from_iterable(value.values() if isinstance(value, Mapping) else value for value in level))
        strange = next((item for item in items if isinstance(item, float) and not math.isfinite(item)), None)
        if strange is not None:
            raise ValueError(f"holds the number {strange}, which JSON has not")
        level = [item for item in items if isinstance(item, Mapping | list)]
        if not level:
            return
    raise ValueError(f"is nested deeper than {_MOST_LEVELS} levels")


def difference(source: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """What ``restored`` makes the source of, given what would be written of it."""
    values = {
        key: _change(value, written.get(key))
        for key, value in source.items()
        if key not in (_ABSENT, _SHAPE) and (key not in written or not _equal(value, written[key]))
    }
    absent = [key for key in written if key not in source]
    return values | ({_ABSENT: absent} if absent else {})


def shape_of(extra: str) -> Any:
    """The shape of a source that may be written in several; None: the usual one."""
    return unpacked(extra).get(_SHAPE)


def of_shape(shape: Any) -> str:
    return packed({} if shape is None else {_SHAPE: shape})


def with_difference(extra: str, source: Mapping[str, Any], written: Mapping[str, Any]) -> str:
    """The shape in ``extra``, and what the source says beside what is written."""
    return packed(unpacked(extra) | difference(source, written))


def _change(value: Any, written: Any) -> Any:
    return difference(value, written) if isinstance(value, dict) and isinstance(written, dict) else value


def _equal(value: Any, other: Any) -> bool:
    if isinstance(value, str) or isinstance(other, str):
        return bool(value == other)
    return canonical(value) == canonical(other)


def restored(written: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The source that ``difference`` compared with what is written."""
    values = {key: value for key, value in written.items() if key not in change.get(_ABSENT, ())}
    for key, value in change.items():
        if key not in (_ABSENT, _SHAPE):
            both = isinstance(value, dict) and isinstance(values.get(key), dict)
            values[key] = restored(values[key], value) if both else value
    return values


def held(text: Any, media_type: str, blobs: Blobs) -> str | None:
    """The digest of the file that base64 text holds; None where it holds none, or would not be written again equal.

    An image without a byte is held, so that whoever keeps the files refuses it by name.
    """
    if not isinstance(text, str) or not (text or media_type.lower().startswith("image/")):
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    if base64.b64encode(data).decode() != text:
        return None
    blob = Blob(media_type, data)
    return blobs.setdefault(blob.digest, blob).digest


def in_base64(digest: str | None, blobs: Mapping[str, Blob]) -> str | None:
    """The file as base64 text; None where it is not held."""
    return base64.b64encode(blobs[digest].data).decode() if digest is not None and digest in blobs else None


def data_url(media_type: str | None, text: str) -> str:
    return f"data:{media_type or ''};base64,{text}"


def parsed_data_url(url: str) -> tuple[str, str] | None:
    """Media type and base64 text of a data URL; None where it is none."""
    head, comma, text = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return None
    return head.removeprefix("data:").removesuffix(";base64"), text


def object_in(text: str) -> dict[str, Any] | None:
    """The object in JSON text; None where it holds none, or one that would not be written again with equal values."""
    try:
        value = json.loads(text, parse_float=_exact, parse_constant=_no_number, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _exact(digits: str) -> float:
    if repr(float(digits)) != digits:
        raise ValueError(f"{digits} would be written otherwise")
    return float(digits)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key occurs twice")
    return values


def kept(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False)


def text_in(values: Mapping[str, Any], key: str) -> str:
    """The text under a key. Raises ValueError, with the key, for anything else."""
    value = values.get(key)
    if not isinstance(value, str):
        raise ValueError(f".{key}: must be a text, is {kind_of(value)}")
    return value


def kind_of(value: Any) -> str:
    """What a value is, in the words of JSON."""
    if value is None:
        return "null"
    kinds = ((bool, "true or false"), (str, "a text"), (int | float, "a number"), (list, "a list"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "an object")

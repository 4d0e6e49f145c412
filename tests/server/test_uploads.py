"""Every form that servers take has a reader, and clients send each of them."""

import pytest

from judgebench import remote
from judgebench.formats.documents import ENDINGS
from judgebench.formats.packing import PACKED_ENDINGS
from judgebench.server import uploads


@pytest.mark.parametrize("kind", uploads.TYPES)
def test_every_form_is_read(kind: str) -> None:
    assert uploads._ENDINGS[kind] in ENDINGS


def test_what_clients_send_is_taken() -> None:
    assert set(remote._TYPES.values()) <= set(uploads.TYPES)
    assert {uploads._PACKED[name] for name in remote._PACKED.values()} <= set(PACKED_ENDINGS)

"""A server listens where it is told, or says why it cannot."""

import pytest

from judgebench.errors import InputError
from judgebench.web.serving import listen, shown


def test_a_port_that_is_taken_is_said() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(InputError, match="is taken"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_an_address_of_another_machine_is_said() -> None:
    with pytest.raises(InputError, match="nothing can be served"):
        listen("203.0.113.1", 8600)


def test_what_people_would_open() -> None:
    assert shown("0.0.0.0", 80) == "http://localhost:80"
    assert shown("::1", 80, secure=True) == "https://[::1]:80"

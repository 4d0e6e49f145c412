"""Where a login leads: to the page that was asked for, and never to another server."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import RedirectResponse

returns = pytest.importorskip("app.returns", reason="the app needs the extra app")


def ask(path: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of the answer of an application that leads everybody to its first page."""
    sent: list[dict[str, object]] = []
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
    }
    raw = [(name.encode(), value.encode("latin-1")) for name, value in {"host": "judge.example", **headers}.items()]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(returns.Returns(RedirectResponse("/"))({**scope, "headers": raw}, receive, send))
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_the_page_on_which_somebody_logs_in_is_kept_and_found_again() -> None:
    link = "/battles?order=upsets&models=a%20b&models=%2F%2Fevil"
    kept = ask("/auth/login", {"referer": f"https://judge.example{link}#part"})["set-cookie"]
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(kept.split("; "))
    answer = ask("/oauth2callback", {"cookie": kept.partition(";")[0]})
    assert answer["location"] == link
    assert "Max-Age=0" in answer["set-cookie"]


@pytest.mark.parametrize("referer", ["", "https://evil.example/x", "https://judge.example:1/x", "https://[", "x"])
def test_pages_of_others_are_not_kept(referer: str) -> None:
    assert "Max-Age=0" in ask("/auth/login", {"referer": referer})["set-cookie"]


@pytest.mark.parametrize("place", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb", "/é", "x"])
def test_a_cookie_of_somebody_else_leads_nowhere(place: str) -> None:
    assert ask("/oauth2callback", {"cookie": f"judgebench_return={quote(place)}"})["location"] == "/"


@given(st.text())
def test_what_is_allowed_is_a_path_of_this_server(place: str) -> None:
    assert returns.allowed(place) in ("", place)
    assert not returns.allowed("/" + place).startswith(("//", "/\\"))


def test_other_addresses_are_left_alone() -> None:
    assert "set-cookie" not in ask("/battles", {"referer": "https://judge.example/x"})

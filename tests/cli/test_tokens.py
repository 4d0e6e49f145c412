"""Tokens in the terminal: one is printed once, alone on its line."""

from tests.cli.conftest import Invoke


def test_a_token_is_printed_once(invoke: Invoke) -> None:
    made = invoke("tokens", "create", "ci", "--role", "submitter", "--days", "2")
    assert made.code == 0
    assert made.out.startswith("jb_")
    assert len(made.out.split()) == 1
    assert "not shown again" in made.err
    listed = invoke("tokens", "list")
    assert made.out.strip() not in listed.out
    assert "submitter" in listed.out
    assert invoke("tokens", "revoke", "ci").out == "token 'ci' is good for nothing now\n"
    assert invoke("tokens", "revoke", "ci", "--format", "json").json == {"token": "ci", "revoked": False}
    assert [row["state"] for row in invoke("tokens", "list", "--format", "json").json] == ["revoked"]
    unending = invoke("tokens", "create", "ever", "--role", "viewer", "--no-expiry", "--format", "json").json
    assert unending["expires_at"] is None
    assert unending["token"].startswith("jb_")


def test_wrong_words(invoke: Invoke) -> None:
    assert "--no-expiry" in invoke("tokens", "create", "a", "--role", "viewer", "--no-expiry", "--days", "2").err
    assert "unknown token" in invoke("tokens", "revoke", "b").err or invoke("tokens", "revoke", "b").code == 2
    assert invoke("tokens", "create", "a", "--role", "king").code == 2

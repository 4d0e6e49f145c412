"""Roles and judges' addresses: what is not allowed in so many words is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import InputError
from judgebench.services.access import (
    KNOWN_HOSTS,
    Forbidden,
    Person,
    Policy,
    Role,
    folded,
    local_policy,
    read_policy,
    require,
)
from judgebench.spec import ServerConnection

FILE = """
[auth]
redirect_uri = "https://judge.example.org/oauth2callback"

[roles]
viewer = ["*"]
voter = ["@example.org"]
submitter = ["sub@example.org"]
admin = ["Root@Example.org"]

[judges]
hosts = ["gpu.example.org:8000", "api.openai.com"]
"""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    path = tmp_path / "access.toml"
    path.write_text(FILE)
    return read_policy(path)


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ({"email": "root@example.ORG"}, Role.ADMIN),
        ({"email": "sub@example.org"}, Role.SUBMITTER),
        ({"email": "anybody@example.org"}, Role.VOTER),
        ({"email": "anybody@notexample.org"}, Role.VIEWER),
        ({"email": "evil@example.org.attacker.invalid"}, Role.VIEWER),
        ({"email": "root@example.org", "email_verified": False}, Role.NOBODY),
        ({"email": "root@example.org", "email_verified": "false"}, Role.NOBODY),
        ({"email": "root@example.org", "email_verified": 0}, Role.NOBODY),
        ({"email": "root@example.org", "email_verified": "true"}, Role.ADMIN),
        ({"email": "token root@example.org"}, Role.NOBODY),
        ({"email": "\u017fub@example.org"}, Role.VOTER),
        ({"email": "sub@\u212aample.org"}, Role.VIEWER),
        ({"email": "root"}, Role.NOBODY),
        ({"email": ["root@example.org"]}, Role.NOBODY),
        ({"name": "root@example.org"}, Role.NOBODY),
        ({}, Role.NOBODY),
    ],
)
def test_roles_come_from_verified_addresses(policy: Policy, user: dict[str, Any], role: Role) -> None:
    assert policy.role_of(user) is role


@given(st.text(min_size=1), st.text(min_size=1))
def test_addresses_are_one_only_where_they_differ_in_case_of_ascii_letters(one: str, other: str) -> None:
    """No two domains that two people may own are taken for the same, as ``straße`` and ``strasse`` would be."""
    assert (folded(one) == folded(other)) == (one.encode().lower() == other.encode().lower())
    for first, second in (("stra\xdfe", "strasse"), ("\u017fub", "sub"), ("\u212a", "k"), ("\u0130", "i\u0307")):
        assert folded(first) != folded(second)


@given(st.sampled_from(Role), st.sampled_from(Role))
def test_a_role_may_do_what_lower_ones_may_and_no_more(has: Role, needs: Role) -> None:
    if has >= needs:
        require(Person("p", has), needs)
    else:
        with pytest.raises(Forbidden, match=needs.name.lower()):
            require(Person("p", has), needs)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/",
        "http://10.0.0.1/v1",
        "http://2130706433/v1",
        "http://0x7f000001/v1",
        "http://127.1/v1",
        "http://localhost.attacker.invalid/v1",
        "http://127.0.0.1@attacker.invalid/v1",
        "http://attacker.invalid\\@127.0.0.1/v1",
        "http://attacker.invalid#@127.0.0.1/",
        "http://api.openai.com@attacker.invalid",
        "http://api.openai.com.attacker.invalid",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//127.0.0.1/v1",
        "http:///v1",
        "http://[::1",
        "http://host:port/",
        "",
    ],
)
def test_addresses_that_are_not_listed_are_refused_everywhere(policy: Policy, url: str) -> None:
    for each in (policy, local_policy()):
        with pytest.raises(Forbidden):
            each.check_judge(url, None)


def test_this_machine_may_be_asked_by_its_own_user_only(policy: Policy) -> None:
    for url in ("http://127.0.0.1:8000/v1", "http://localhost:8000/v1", "http://[::1]:8000/v1", "http://127.9.9.9"):
        local_policy().check_judge(url, "ANY")
        with pytest.raises(Forbidden):
            policy.check_judge(url, None)


def test_listed_addresses_may_be_asked(policy: Policy) -> None:
    policy.check_judge("http://gpu.example.org:8000/v1", None)
    policy.check_judge("https://API.openai.com/v1", "OPENAI_API_KEY")
    with pytest.raises(Forbidden, match="not on the list"):
        policy.check_judge("http://gpu.example.org:9000/v1", None)
    local_policy(" gpu.example.org , ").check_judge("https://gpu.example.org/v1", None)


def test_a_key_reaches_a_public_service_by_https_alone(policy: Policy) -> None:
    for each in (policy, local_policy()):
        for url in (
            *("http://api.openai.com/v1", "http://api.openai.com:22/v1", "http://api.openai.com.:443/v1"),
            *("https://api.openai.com:8443/v1", "https://api.openai.com:22", "https://api.openai.com:0"),
        ):
            with pytest.raises(Forbidden, match="asked by https"):
                each.check_judge(url, "OPENAI_API_KEY")
        each.check_judge("https://api.openai.com:443/v1", "OPENAI_API_KEY")
    local_policy("api.openai.com:8443").check_judge("https://api.openai.com:8443/v1", "OPENAI_API_KEY")
    with pytest.raises(Forbidden, match="asked by https"):
        local_policy("api.openai.com:8443").check_judge("http://api.openai.com:8443/v1", "OPENAI_API_KEY")


@pytest.mark.parametrize("host", KNOWN_HOSTS)
def test_a_public_service_gets_its_own_key(host: str, tmp_path: Path) -> None:
    path = tmp_path / "listed.toml"
    path.write_text(FILE + 'variables = ["TEAM_API_KEY", "JUDGEBENCH_TOKEN"]\n')
    listing = replace(read_policy(path), judge_hosts=KNOWN_HOSTS)
    url = f"https://{host}/v1"
    for variable in ("GITHUB_TOKEN", "TEAM_API_KEY", "RAY_AUTH_TOKEN", "OTHER_API_KEY"):
        with pytest.raises(Forbidden, match="may not be read"):
            Policy(False, {}, KNOWN_HOSTS).check_judge(url, variable)
        with pytest.raises(Forbidden, match="may not be read"):
            Policy(False, {}, KNOWN_HOSTS).check_judge(
                url, None, ServerConnection.model_validate({"headers_env": {"X-Key": variable}})
            )
    listing.check_judge(url, "TEAM_API_KEY")
    for variable in ("JUDGEBENCH_TOKEN", "OTHER_API_KEY"):
        with pytest.raises(Forbidden, match="may not be read"):
            listing.check_judge(url, variable)


@pytest.mark.parametrize("url", [None, "https://gpu.example.org:8000/v1", "https://api.openai.com/v1"])
def test_the_server_s_own_secrets_are_read_nowhere(url: str | None) -> None:
    hosts = (*KNOWN_HOSTS, "gpu.example.org:8000")
    own = (
        *("JUDGEBENCH_TOKEN", "JUDGEBENCH_DATABASE_URL", "PGPASSWORD", "PG_API_KEY", "POSTGRES_TOKEN"),
        *("DATABASE_TOKEN", "RAY_AUTH_TOKEN", "PROXY_TOKEN"),
    )
    for local in (False, True):
        for variable in own:
            with pytest.raises(Forbidden, match="the server's own"):
                Policy(local, {}, hosts, secret_variable="PROXY_TOKEN", variables=own).check_judge(url, variable)


def test_a_server_that_is_not_listed_is_told_with_what_lists_it(policy: Policy) -> None:
    """At each door its own: a command, whatever the name is, or the file of access, beside which no command does."""
    for asked, words in (
        (local_policy(), r"runs the app adds it by 'judgebench app --judge-host '\$\(touch\)'"),
        (local_policy("", "serve"), r"runs the server adds it by 'judgebench serve --judge-host '\$\(touch\)'"),
        (policy, r"runs the server adds it to hosts under \[judges\] in the file of access$"),
    ):
        with pytest.raises(Forbidden, match=words):
            asked.check_judge("http://$(touch)/v1", None)


def test_other_secrets_of_the_server_are_not_read(policy: Policy) -> None:
    for variable in ("PATH", "AWS_SECRET_ACCESS_KEY", "x_api_key", "OPENAI_API_KEY\n"):
        with pytest.raises(Forbidden, match="may not be read"):
            policy.check_judge(None, variable)


def test_a_connection_reaches_no_further(policy: Policy) -> None:
    for connection, why in (
        ({"headers_env": {"X-Gateway": "PATH"}}, "may not be read"),
        ({"proxy": "http://gpu.example.org:8000", "proxy_env": "PATH"}, "may not be read"),
        ({"proxy": "http://proxy.example.com:3128"}, "not on the list"),
        ({"token_command": ["get-token"]}, "from a terminal only"),
    ):
        with pytest.raises(Forbidden, match=why):
            policy.check_judge(None, None, ServerConnection.model_validate(connection))
    policy.check_judge(None, None, ServerConnection(headers_env={"X-Gateway": "GATEWAY_TOKEN"}))
    with pytest.raises(Forbidden, match="from a terminal only"):
        local_policy().check_judge(None, None, ServerConnection(token_command=("get-token",)))
    with pytest.raises(Forbidden, match="not on the list"):
        local_policy().check_judge(None, None, ServerConnection(proxy="http://proxy.example.com:3128"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "auth"),
        ("[auth]\n", "roles"),
        ("[auth]\n[roles]\nking = ['a']", "king"),
        ("[auth]\n[roles]\nviewer = 'a'", "list"),
        ("[auth]\n[roles]\nviewer = [1]", "list"),
        ("auth = 1\n", "auth"),
        ("[auth", "cannot be read"),
        ("[auth]\ncookie_secret = 'short'\n[roles]\nviewer = ['*']", "cookie_secret"),
        ("[auth]\ncookie_secret = ''\n[roles]\nviewer = ['*']", "cookie_secret"),
        ("[auth]\n[roles]\nviewer = ['*']\n[proxy]\naddresses = '127.0.0.1'", "list"),
    ],
)
def test_a_file_that_does_not_say_all_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "access.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_policy(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_policy(tmp_path / "none.toml")

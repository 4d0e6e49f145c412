"""What is stored is read as the terminal prints it, and a token for one benchmark sees no other."""

import pytest

from judgebench.services.access import Role
from judgebench.services.tokens import create
from tests.server.serving import Api


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/health",
            "/version",
            "/me",
            "/benchmarks",
            "/benchmarks?format=table",
            "/battles?benchmark=bench&full=true",
        ),
        *(
            "/leaderboard?benchmark=bench&format=markdown",
            "/leaderboard?benchmark=bench&format=csv&method=bradley-terry",
        ),
        *("/battles?benchmark=bench&format=table&model=alpha&model=beta", "/audits?benchmark=bench", "/runs", "/jobs"),
        *("/leaderboard?benchmark=bench&by=people", "/leaderboard?benchmark=bench&format=table", "/openapi.json"),
    ],
)
def test_a_viewer_reads(api: Api, path: str) -> None:
    answer = api.ask("GET", path, "viewer")
    assert answer.status == 200, answer.body
    assert answer.body


def test_a_battle_and_a_card(api: Api) -> None:
    listed = api.ask("GET", "/battles?benchmark=bench", "viewer").json
    first = listed["battles"][0]
    query = f"benchmark=bench&instruction={first['instruction']}&model_a={first['model_a']}&model_b={first['model_b']}"
    opened = api.ask("GET", f"/battle?{query}", "viewer")
    assert opened.status == 200
    assert opened.json["verdicts"]
    judge = listed["judges"][0]
    for form in ("json", "table"):
        assert api.ask("GET", f"/card?judge={judge}&benchmark=bench&format={form}", "viewer").status == 200


def test_a_token_for_one_benchmark_sees_no_other(api: Api) -> None:
    api.tokens["bench"] = create(api.database, "bench-only", Role.VIEWER, benchmarks=("bench",)).secret
    with api.database.write() as connection:
        connection.exec_driver_sql("INSERT INTO benchmarks (name, created_at) VALUES ('hidden', '2026-01-01')")
    assert [row["name"] for row in api.ask("GET", "/benchmarks", "bench").json] == ["bench"]
    assert "hidden" in [row["name"] for row in api.ask("GET", "/benchmarks", "viewer").json]
    assert {row["benchmark"] for row in api.ask("GET", "/runs", "bench").json} == {"bench"}
    assert {row["benchmark"] for row in api.ask("GET", "/jobs", "bench").json} <= {"bench"}

"""judgebench profile."""

from tests.cli.conftest import Invoke


def test_a_model_stands_where_the_leaderboard_says(judged: Invoke) -> None:
    where = ("--benchmark", "bench", "--judge", "scripted:coin", "--format", "json")
    rows = judged("leaderboard", *where).json["rows"]
    for row in rows:
        profile = judged("profile", row["model"], *where).json
        assert profile["row"] == row
        assert sum(part["battles"] for part in profile["opponents"]) == row["battles"]
        assert {"best", "worst", "categories", "coverage", "notes"} <= profile.keys()
    shown = judged("profile", "alpha", *where[:4])
    assert (shown.code, "against" in shown.err) == (0, False)
    assert "alpha: Win rate" in shown.out
    assert "opponent" in shown.out
    assert judged("profile", "nobody", *where).code == 2

"""A link shows the same benchmark tomorrow, whatever somebody submits meanwhile."""

from urllib.parse import parse_qs

import pytest

from judgebench.services.benchmarks import BenchmarkSummary

testing = pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")


def _page() -> None:
    import streamlit

    from app import cached, filters

    shown = filters.benchmark(cached.Source("", None, ()))
    streamlit.code(shown.name)
    streamlit.code(filters.link("model", model="m"))


def opened(monkeypatch: pytest.MonkeyPatch, verdicts: dict[str, int], **named: str) -> "testing.AppTest":
    from app import cached

    summaries = [BenchmarkSummary(name, 9, (), (), (), count) for name, count in sorted(verdicts.items())]
    monkeypatch.setattr(cached, "benchmarks", lambda source: summaries)
    app = testing.AppTest.from_function(_page, default_timeout=60)
    for key, value in named.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def words(app: "testing.AppTest") -> tuple[str, dict[str, list[str]]]:
    return app.code[0].value, parse_qs(app.code[1].value.partition("?")[2])


def test_a_benchmark_without_verdicts_takes_no_address_over(monkeypatch: pytest.MonkeyPatch) -> None:
    for verdicts in ({"demo": 5}, {"demo": 5, "aaa": 0}, {"demo": 5, "aaa": 4, "zzz": 5}):
        assert words(opened(monkeypatch, verdicts))[0] == "demo"


def test_links_name_the_benchmark_and_opening_a_page_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, {"demo": 5, "aaa": 0})
    assert words(app)[1] == {"benchmark": ["demo"], "model": ["m"]}
    assert "benchmark" not in app.query_params  # it would be a step in the history that nobody made


def test_a_choice_is_named_even_where_it_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, {"demo": 5, "aaa": 0}, benchmark="aaa")
    assert words(app) == ("aaa", {"benchmark": ["aaa"], "model": ["m"]})
    app.selectbox(key="benchmark").set_value("demo").run()
    assert words(app) == ("demo", {"benchmark": ["demo"], "model": ["m"]})
    assert app.query_params["benchmark"] in ("demo", ["demo"])


def test_a_link_to_a_benchmark_that_is_gone_leads_to_the_one_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, {"demo": 5, "aaa": 0}, benchmark="gone")
    assert words(app) == ("demo", {"benchmark": ["demo"], "model": ["m"]})

"""What profiles set of a study, and first turns that become instructions of their own."""

from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench import engine, services
from judgebench.errors import InputError, UnknownName
from judgebench.leaderboard.profiles import PROFILES
from judgebench.records import Judge
from judgebench.resources import folder
from judgebench.services.benchmark_runs import add_first_turns, study_fields
from judgebench.services.imports import ImportOptions, import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

UNAUDITED = ImportOptions(audit=False)


def holding(folder: Path, rows: list[dict[str, Any]]) -> Database:
    database = Database(str(folder / "x.db"), create=True)
    import_file(database, write_rows(folder / "o.jsonl", rows), benchmark="x", options=UNAUDITED)
    return database


def outputs(category: str | None, *models: str) -> list[dict[str, Any]]:
    about = {} if category is None else {"category": category}
    named = [(f"{category} question {at}", name) for at in range(3) for name in models]
    return [about | {"instruction": asked, "model": name, "output": f"{name} on {asked}"} for asked, name in named]


def test_template_settings_orders_and_baseline_are_the_benchmarks(tmp_path: Path) -> None:
    database = holding(tmp_path, outputs(None, "a", "gpt-4-0314"))
    fields = study_fields(database, "x", "arena-hard-v0.1")
    assert fields == {
        "judge": {"template": "pairwise/arena-hard", "settings": {"temperature": 0, "max_tokens": 4096}},
        "orders": "both",
        "baseline": "gpt-4-0314",
    }
    assert "baseline" not in study_fields(database, "x", "arena-hard-v0.1", compares=True)
    scored = study_fields(database, "x", "wildbench")
    assert scored == {"judge": {"template": "pointwise/wildbench-score", "settings": {"temperature": 0}}}
    compared = study_fields(database, "x", "wildbench", compares=True)
    assert (compared["judge"]["template"], compared["orders"]) == ("pairwise/wildbench-reward", "random")
    with pytest.raises(UnknownName, match="profile"):
        study_fields(database, "x", "arena")
    with pytest.raises(
        InputError, match="text_davinci_003, without an output here: name another by --baseline, such as "
    ):
        study_fields(database, "x", "alpaca-eval-1")


def test_categories_that_are_asked_otherwise_are_run_each_by_itself(tmp_path: Path) -> None:
    baselines = ("o3-mini-2025-01-31", "gemini-2.0-flash-001")
    database = holding(tmp_path, outputs("hard_prompt", "a", *baselines) + outputs("creative_writing", "a", *baselines))
    with pytest.raises(InputError, match=r"asks in 2 ways by category: .* one of creative_writing"):
        study_fields(database, "x", "arena-hard-v2")
    fields = study_fields(database, "x", "arena-hard-v2", category="creative_writing")
    assert fields["baseline"] == "gemini-2.0-flash-001"
    assert fields["judge"]["template"] == "pairwise/arena-hard-creative"
    hard = study_fields(database, "x", "arena-hard-v2", category="hard_prompt", compares=True)
    assert hard["judge"]["template"] == "pairwise/arena-hard"
    own = study_fields(database, "x", "arena-hard-v2", compares=True, template="pairwise/three-way")
    assert own["judge"]["template"] == "pairwise/three-way"


def test_both_categories_count_though_they_are_asked_with_two_templates() -> None:
    how = PROFILES["arena-hard-v2"]
    hard, creative, other = (
        Judge(name, "gpt-4.1", f"pairwise/{name}.v1", "0" * 32, {})
        for name in ("arena-hard", "arena-hard-creative", "two-way")
    )
    assert how.prompts_pooled
    assert services.published.alike(hard, creative, how)
    assert not services.published.alike(hard, other, how)


# As the benchmarks publish them: template, orders, settings, baseline, by profile and category.
_ASKED = {
    ("alpaca-eval-1", None): ("pairwise/two-way", "random", {"temperature": 0}, "text_davinci_003"),
    ("alpaca-eval-2", None): (
        *("pairwise/letter", "random", {"temperature": 1, "max_tokens": 1, "top_logprobs": 5}, "gpt4_1106_preview"),
    ),
    ("arena-hard-v0.1", None): (
        *("pairwise/arena-hard", "both", {"temperature": 0, "max_tokens": 4096}, "gpt-4-0314"),
    ),
    ("arena-hard-v2", "hard_prompt"): (
        *("pairwise/arena-hard", "both", {"temperature": 0, "max_tokens": 16000}, "o3-mini-2025-01-31"),
    ),
    ("arena-hard-v2", "creative_writing"): (
        *("pairwise/arena-hard-creative", "both", {"temperature": 0, "max_tokens": 16000}, "gemini-2.0-flash-001"),
    ),
    ("m-arena-hard", None): ("pairwise/three-way", "both", {"temperature": 0}, None),
    ("mt-bench", "writing"): (*("pointwise/mt-bench-second-turn", None, {"temperature": 0, "max_tokens": 2048}, None),),
    ("mt-bench", "math"): ("pointwise/mt-bench-reference", None, {"temperature": 0, "max_tokens": 2048}, None),
    ("wildbench", None): ("pointwise/wildbench-score", None, {"temperature": 0}, None),
    ("lmarena", None): ("pairwise/three-way", "both", {}, None),
}


@pytest.mark.parametrize(("profile", "category"), _ASKED)
def test_every_profile_asks_as_its_benchmark_and_a_file_holds_another_prompt(
    tmp_path: Path, profile: str, category: str | None
) -> None:
    template, orders, settings, baseline = _ASKED[profile, category]
    everybody = [name for how in PROFILES.values() for names in how.baselines.values() for name in names]
    known = {"reference": "42", "checklist": ["Is it right?"]}
    database = holding(tmp_path, [row | known for row in outputs(category, "a", *dict.fromkeys(everybody))])
    fields = study_fields(database, "x", profile, category=category)
    assert fields["judge"] == {"template": template, "settings": settings}
    assert (fields.get("orders"), fields.get("baseline")) == (orders, baseline)
    kind = template.partition("/")[0]
    text = (folder("prompts") / f"{template}.v1.md").read_text()
    own = tmp_path / "original.v1.md"
    own.write_text(text)
    study = judgebench.estimate_run(
        database, benchmark="x", judge="scripted:coin", profile=profile, category=category, template=str(own),
        all_pairs=kind == "pairwise" and baseline is None,
    ).plan  # fmt: skip
    assert study.resolved.judge.template == f"{kind}/original.v1"
    assert settings.items() <= study.resolved.judge.settings.items()


def test_the_table_names_every_profile() -> None:
    assert {profile for profile, _ in _ASKED} == {*PROFILES}


def two_turns(category: str, reference: str | None = None) -> list[dict[str, Any]]:
    about = {"category": category} | ({} if reference is None else {"reference": reference})
    turns = [[f"{category} {at}: first?", "And second?"] for at in range(2)]
    return [
        about | {"instruction": asked, "model": name, "output": [f"{name} says one", f"{name} says two"]}
        for asked in turns
        for name in ("a", "b")
    ]


def test_first_turns_are_instructions_of_their_own_and_the_board_has_both_turns(tmp_path: Path) -> None:
    database = holding(tmp_path, two_turns("writing") + two_turns("math", "42"))
    assert add_first_turns(database, "x", "wildbench") == 0
    assert add_first_turns(database, "x", "mt-bench") == 4
    assert add_first_turns(database, "x", "mt-bench") == 0

    def rated(messages: Any) -> str:
        return "Rating: [[8]]" if "second?" in messages[-1]["content"] else "Rating: [[6]]"

    for category, template in (("writing", "second-turn"), ("math", "reference")):
        report = judgebench.run(
            database,
            benchmark="x",
            judge=rated,
            judge_name=f"mine-{category}",
            judge_version="1",
            category=category,
            profile="mt-bench",
        )
        assert report.tally.planned == 8
        stored = next(judge for judge in services.judges.judges(database) if judge.name == f"mine-{category}")
        assert stored.template == f"pointwise/mt-bench-{template}.v1"
    frame = judgebench.rank(database, benchmark="x", profile="mt-bench", all_judges=True)
    assert set(frame["turn_1"]) == {6.0}
    assert set(frame["turn_2"]) == {8.0}
    assert set(frame["average"]) == {7.0}


def test_what_is_given_wins_over_the_profile(tmp_path: Path) -> None:
    database = holding(tmp_path, outputs(None, "a", "b", "gpt-4-0314"))
    given = judgebench.estimate_run(
        database, benchmark="x", judge="scripted:coin", profile="arena-hard-v0.1", baseline="b",
        template="pairwise/two-way", settings={"temperature": 1}, orders="random",
    )  # fmt: skip
    study: engine.plan.RunPlan = given.plan
    assert (study.study.baseline, study.study.orders) == ("b", "random")
    assert study.resolved.judge.template == "pairwise/two-way.v1"
    assert study.resolved.judge.settings["temperature"] == 1
    usual = judgebench.estimate_run(database, benchmark="x", judge="scripted:coin", profile="arena-hard-v0.1").plan
    assert (usual.study.baseline, usual.study.orders) == ("gpt-4-0314", "both")

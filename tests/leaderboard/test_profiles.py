"""The table of profiles: each can be run and scored, and its templates are there."""

from typing import get_args

import pytest

from judgebench.errors import UnknownName
from judgebench.leaderboard.profiles import PROFILES, BenchmarkProfile, ProfileName, profile_named
from judgebench.spec.templates import load_template


def test_the_type_of_names_is_the_table() -> None:
    assert set(get_args(ProfileName)) == set(PROFILES)
    with pytest.raises(UnknownName, match="did you mean 'arena-hard-v2'"):
        profile_named("arena-hard-2")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_profile_has_a_scorer_and_templates_of_its_kinds(profile: BenchmarkProfile) -> None:
    assert callable(profile.load())
    kinds = [
        {load_template(name).kind for name in part.values()} for part in (profile.templates, profile.pair_templates)
    ]
    offered = {"scores" if kind == "pointwise" else kind for several in kinds for kind in several}
    assert offered == set(profile.reads)
    assert all(len(several) <= 1 for several in kinds)
    assert None in profile.templates
    assert not profile.pair_templates or None in profile.pair_templates
    assert profile.template_of("math", compares=True) in {*profile.templates.values(), *profile.pair_templates.values()}
    assert profile.judges


def test_baselines_are_by_category_or_of_all() -> None:
    arena = PROFILES["arena-hard-v2"]
    assert arena.baselines_of("creative_writing") == ("gemini-2.0-flash-001",)
    assert arena.baselines_of("other") == arena.baselines_of(None)
    assert PROFILES["mt-bench"].baselines_of(None) == ()

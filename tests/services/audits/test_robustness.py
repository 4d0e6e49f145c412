"""Changed outputs against judges that notice nothing and one that reads."""

from dataclasses import replace

import pytest

from judgebench import services, store
from judgebench.audits.robustness import PERTURBATIONS
from judgebench.store.database import Database
from tests.audits import judges
from tests.cli.conftest import Invoke
from tests.services.audits.conftest import GOOD, audit, store_outputs

FLAGS = ("robustness", "--model", "good", "--opponent", "other", "--limit", "20")


@pytest.fixture
def contested(invoke: Invoke) -> Invoke:
    """A benchmark "quiz" of 60 questions with a good model and one that is off the point."""
    store_outputs(60, {"good": GOOD, "other": "I do not know."})
    return invoke


def test_a_constant_judge_does_not_look_robust(contested: Invoke) -> None:
    code, document, _ = audit(contested, lambda prompt: "A", *FLAGS)
    assert code == 1
    assert document["summary"]["sensitivity"] == 0.0


def test_an_attentive_judge_does(contested: Invoke) -> None:
    code, document, _ = audit(contested, judges.attentive, *FLAGS)
    assert code == 0
    assert document["summary"]["sensitivity"] > 0.2
    assert document["summary"]["invariance"] == 1.0


def test_it_continues_in_a_stage_of_its_own_and_asks_nothing_twice(contested: Invoke) -> None:
    _, first, questions = audit(contested, judges.attentive, *FLAGS)
    _, again, more = audit(contested, judges.attentive, *FLAGS)
    assert (questions > 0, more, again) == (True, 0, first)
    assert first["stored_as"].startswith("audit:quiz/")
    database = Database("judgebench.db")
    with database.read() as connection:
        assert store.benchmarks.benchmark_names(connection) == ["quiz"]
    database.close()


def test_what_is_changed_to_other_words_is_asked_about_anew_and_nothing_else(
    contested: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first, _ = audit(contested, judges.attentive, *FLAGS)
    style = next(change for change in PERTURBATIONS if change.name == "style")
    other = replace(style, change=lambda given: f"Answer: {given.text}")
    changes = tuple(other if change is style else change for change in PERTURBATIONS)
    monkeypatch.setattr(services.audits.robustness, "PERTURBATIONS", changes)
    _, again, questions = audit(contested, judges.attentive, *FLAGS)
    assert questions == 2 * 20
    assert again["stored_as"] == first["stored_as"]


def test_a_model_cannot_meet_itself(contested: Invoke) -> None:
    flags = ("--benchmark", "quiz", "--judge", "scripted:coin", "--model", "good", "--opponent", "good")
    result = contested("audit", "robustness", *flags)
    assert result.code == 2
    assert "cannot meet itself" in result.err

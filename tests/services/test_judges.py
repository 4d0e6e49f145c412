"""``--judge NAME``: a judge that was added, or ran before, is known by its name at every door."""

import json
from pathlib import Path

import pytest

from judgebench import services
from judgebench.errors import InputError
from judgebench.store.database import Database
from tests.cli.conftest import Invoke, invoke, outputs, submitted
from tests.fault_server import FaultServer, Reply

__all__ = ["invoke", "outputs", "submitted"]  # fixtures

URL = "http://127.0.0.1:9/v1"
PAIR = ("--benchmark", "bench", "--pair", "alpha,beta", "--format", "json")


@pytest.mark.slow
def test_a_judge_that_ran_runs_again_by_its_name_at_every_door(submitted: Invoke, tmp_path: Path) -> None:
    with FaultServer(lambda index, request: Reply.chat("A")) as server:
        assert submitted("run", *PAIR, "--judge", "gpt", "--judge-url", server.url, "--limit", "1").code == 0
        ran = submitted("run", *PAIR, "--judge", "gpt")
        assert (ran.code, ran.json["ok"], ran.json["calls"]) == (0, 8, 6), ran.err
        study = tmp_path / "study.yaml"
        study.write_text("benchmark: bench\njudge: {model: gpt}\npairs: [[alpha, gamma]]\n")
        assert submitted("run", str(study), "--format", "json").json["ok"] == 8
        audit = submitted("audit", "robustness", "--benchmark", "bench", "--judge", "gpt", "--model", "alpha",
                          "--opponent", "beta", "--format", "json")  # fmt: skip
        assert audit.code in (0, 1), audit.err
        batch = tmp_path / "batch.jsonl"
        exported = submitted("batch", "export", "--to", batch, "--benchmark", "bench", "--judge", "gpt", "--all-pairs")
        assert exported.code == 0, exported.err
        assert json.loads(batch.read_text().splitlines()[0])["body"]["model"] == "gpt"
        assert submitted("judges", "test", "gpt").code == 0
        assert server.url in submitted("judges", "list", "--format", "json").out


def test_what_is_given_besides_the_name_is_laid_over_it(database: Database) -> None:
    spec = services.judges.find_judge(database, {"model": "gpt", "url": URL, "name": "strict", "settings": {"seed": 1}})
    services.judges.add_judge(database, spec)
    found = services.judges.find_judge(database, {"model": "strict", "price": "1,2", "name": None})
    assert (found.name, found.model, found.url, found.price) == ("strict", "gpt", URL, "1,2")
    assert found.template == "pairwise/two-way.v1"
    same = services.judges.find_judge(database, {"model": "strict", "template": "pairwise/two-way"})
    assert same.name == "strict"
    other = services.judges.find_judge(database, {"model": "strict", "template": "pairwise/arena-hard"})
    assert (other.name, other.url, dict(other.settings)) == (None, URL, {"seed": 1})


def test_a_name_that_nobody_has_is_a_model_and_may_get_an_address(database: Database) -> None:
    with pytest.raises(InputError, match="From flags"):
        services.judges.find_judge(database, {"model": ""}, where="From flags")
    assert services.judges.find_judge(database, {"model": "gpt"}).url is None
    assert services.judges.find_judge(database, {"model": "gpt"}, otherwise=URL).url == URL
    assert services.judges.find_judge(database, {"model": "scripted:coin"}, otherwise=URL).url is None


def test_a_judge_that_only_read_a_batch_is_known_where_its_address_was_given(submitted: Invoke, tmp_path: Path) -> None:
    design = ("--benchmark", "bench", "--all-pairs")
    submitted("batch", "export", "--to", tmp_path / "a", *design, "--judge", "gpt2", "--judge-url", URL)
    submitted("batch", "export", "--to", tmp_path / "b", *design, "--judge", "nowhere")
    judges = {judge["judge"]: judge["url"] for judge in submitted("judges", "list", "--format", "json").json}
    assert judges == {"gpt2": URL, "nowhere": None}
    assert "needs an address" in submitted("run", *PAIR, "--judge", "nowhere").err

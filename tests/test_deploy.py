"""The Compose file says what Compose reads, its services' commands are ours, and together they are a team's server."""

import os
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import team
from judgebench import services
from judgebench.cli.main import COMMANDS
from judgebench.store.database import Database
from tests import postgres
from tests.app.conftest import browser
from tests.app.visit import Visit

__all__ = ["browser"]
ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DEMO = ROOT / "demo" / "outputs"
# Of the Compose specification, those that are used here.
KEYS = {
    "build",
    "command",
    "depends_on",
    "environment",
    "healthcheck",
    "image",
    "ports",
    "restart",
    "stop_grace_period",
}
KEYS |= {"volumes"}
HEALTH = {"test", "interval", "timeout", "retries", "start_period"}
CONDITIONS = {"service_healthy", "service_completed_successfully"}
OURS = [name for name, service in team.services().items() if "command" in service]


def composed() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


def test_the_compose_file_has_what_compose_reads() -> None:
    document = composed()
    assert document.keys() == {"name", "services", "volumes"}
    assert document["services"].keys() == {"db", "upgrade", "app", "worker"}
    for name, service in document["services"].items():
        assert service.keys() <= KEYS, name
        assert service["restart"] in ("unless-stopped", "on-failure"), name
        for other, about in service.get("depends_on", {}).items():
            assert other in document["services"]
            assert about["condition"] in CONDITIONS
            assert about["condition"] != "service_healthy" or "healthcheck" in document["services"][other]
        if name != "upgrade":  # which ends
            assert service["healthcheck"].keys() <= HEALTH
            assert service["healthcheck"]["test"][0] == "CMD"
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in document["volumes"] or source in ("./roles.sh", "./access.toml")
    assert all(port.startswith("127.0.0.1:") for port in document["services"]["app"]["ports"]), "TLS is of a proxy"


def test_no_secret_stands_in_it_and_each_has_to_be_given() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"(?:PASSWORD|KEY): (?!\$\{)", text) == []
    assert re.findall(r"://[^@\s]*:[^@\s]*@", text) == []
    assert len(re.findall(r"PASSWORD: \$\{\w+:\?", text)) == 6


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_ours(name: str) -> None:
    command = team.services()[name]["command"]
    assert command[0] == "judgebench"
    assert command[1] in COMMANDS
    done = subprocess.run([sys.executable, "-m", *command, "--help"], capture_output=True, text=True, check=True)
    assert all(word in done.stdout for word in command if word.startswith("--"))


def test_a_command_from_another_program_is_not_started() -> None:
    with pytest.raises(ValueError, match="not of this project"):
        team.local(["rm", "-rf"], 1)
    words = team.local(["judgebench", "serve", "--access", "a.toml", "--host", "0.0.0.0", "--public-host", "x.org"], 1)
    assert words[-3:] == ["serve", "--host", "127.0.0.1"]


def test_the_image_runs_as_nobody_s_administrator_with_what_the_lock_names() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    installs = re.findall(r"pip install ([^\n\\]*)", text)
    assert [("--require-hashes" in words or "--no-deps" in words) for words in installs] == [True, True]
    assert "://" not in text
    assert text.rindex("USER judgebench") > text.rindex("RUN ")


def test_the_roles_are_those_of_the_documentation() -> None:
    documented = (ROOT / "docs" / "many-machines.md").read_text(encoding="utf-8")
    for line in (DEPLOY / "roles.sh").read_text(encoding="utf-8").splitlines():
        if line.startswith(("GRANT", "ALTER")):
            assert line in documented


@pytest.mark.slow
@pytest.mark.browser
def test_what_a_script_submits_and_queues_stands_in_the_browser(browser: Any, tmp_path: Path) -> None:
    with postgres.restartable() as (address, _), team.started(address, tmp_path) as started:
        with closing(Database(address)) as database:
            token = services.tokens.create(database, "script", services.access.Role.ADMIN).secret
        command = [sys.executable, "-m", "judgebench", "--server", started.address]
        environment = {**os.environ, "JUDGEBENCH_TOKEN": token}
        for model in ("demo-careful", "demo-hasty"):
            file = str(DEMO / f"{model}.json")
            subprocess.run(
                [*command, "submit", file, "--model", model, "--benchmark", "demo"], check=True, env=environment
            )
        judge = ("--judge", "scripted:coin", "--all-pairs", "--queue")
        subprocess.run([*command, "run", "--benchmark", "demo", *judge], check=True, env=environment)
        with closing(Database(address)) as database:
            end = time.monotonic() + 60
            while services.jobs.job(database, 1).state != "done":
                assert time.monotonic() < end, services.jobs.job(database, 1)
                time.sleep(0.2)
        visiting = Visit(browser, started.address)
        page = visiting.page
        page.goto(f"{started.address}/leaderboard?benchmark=demo")
        page.get_by_text("demo-careful").first.wait_for()
        page.goto(f"{started.address}/runs")
        page.get_by_text("done: 90 of 90 trials").first.wait_for()
        visiting.context.close()


def test_no_image_holds_what_is_secret() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"**/.env", "**/access.toml", "**/*.db", ".venv", ".git"} <= {*ignored}

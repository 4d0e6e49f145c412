"""The second question, under a constraint: asked where it helps, once, flagged, and never twice."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import engine
from judgebench.audits.defences import NAMES, SETTING
from judgebench.judging.parsing import parse
from judgebench.judging.reask import as_constrained, constraint
from judgebench.judging.templates import LabelScale
from judgebench.records import Completion, Order, Source, Status
from judgebench.spec import Study, load_template, make, templates
from judgebench.store import schema as t
from judgebench.store.database import Database
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, stored

PROSE = "Both have their merits, and one may well be the better of the two."


def enforced(request: Request) -> Reply | None:
    """What a server that knows a form writes; None where the request has none."""
    body = request.json
    if "response_format" in body:
        [(name, value)] = body["response_format"]["json_schema"]["schema"]["properties"].items()
        return Reply.chat(json.dumps({name: value["enum"][-2]}))
    if "structured_outputs" in body:
        return Reply.chat(body["structured_outputs"]["choice"][1])
    return None


def talks(forces: Callable[[Request], Reply | None], first: str = PROSE) -> Callable[[int, Request], Reply]:
    def reply(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": []})
        return forces(request) or Reply.chat(first)

    return reply


def run(database: Database, url: str, **fields: Any) -> engine.run.RunReport:
    judge = {"model": "judge", "url": url, "template": "pairwise/three-way", "same_judge": True}
    wanted = {"benchmark": "bench", "judge": judge, "all_pairs": True, "reask": True, **fields}
    return engine.run.run(database, make(Study, wanted, where="test"), environment={})


def rows(database: Database) -> list[tuple[Any, ...]]:
    v, c = t.verdicts.c, t.completions.c
    query = sa.select(v.revision, v.status, v.label, c.constrained).join(t.completions, c.id == v.completion_id)
    with database.read() as connection:
        return sorted({tuple(row) for row in connection.execute(query)}, key=str)


@pytest.mark.slow
@pytest.mark.parametrize("defence", NAMES)
def test_a_second_question_is_asked_under_every_defence(database: Database, defence: str) -> None:
    stored(database, asked(2), ["m1", "m2"])
    defended = {"template": "pairwise/two-way", "settings": {SETTING: defence}}
    with FaultServer(talks(enforced)) as server:
        report = run(database, server.url, judge={"model": "judge", "url": server.url, **defended})
    # read-back voids a verdict after which the judge does not copy the instruction, as this one does not
    ended = Status.UNPARSED if defence == "read-back" else Status.OK
    assert (report.tally.ended, report.reasked) == ({ended: 4}, 4)


def test_prose_is_asked_again_and_both_replies_are_kept(database: Database) -> None:
    stored(database, asked(2), ["m1", "m2"])
    with FaultServer(talks(enforced)) as server:
        report = run(database, server.url)
        posts = [request.json for request in server.requests if request.method == "POST"]
        again = run(database, server.url)
    assert (report.tally.ended, report.reasked, report.calls) == ({Status.OK: 4}, 4, 9)  # one tries the form
    assert (again.calls, again.tally.ended) == (0, {Status.OK: 4})
    assert rows(database) == [(0, "unparsed", None, None), (1, "ok", "B", "json_schema")]
    second = next(post for post in posts if len(post["messages"]) > 3)
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "user"]
    assert second["messages"][2]["content"] == PROSE


def test_a_server_that_knows_choices_alone_is_asked_by_choice(database: Database) -> None:
    stored(database, asked(1), ["m1", "m2"])

    def choices(request: Request) -> Reply | None:
        if "response_format" in request.json:
            return Reply.error(400, "unrecognized request argument: response_format")
        return enforced(request)

    with FaultServer(talks(choices)) as server:
        report = run(database, server.url)
    assert report.tally.ended == {Status.OK: 2}
    assert rows(database)[-1] == (1, "ok", "B", "choice")


def test_a_server_that_ignores_every_form_is_asked_no_second_question(database: Database) -> None:
    stored(database, asked(2), ["m1", "m2"])
    with FaultServer(talks(lambda request: None, PROSE)) as server:
        report = run(database, server.url)
    assert (report.tally.ended, report.reasked, report.calls) == ({Status.UNPARSED: 4}, 0, 6)


@pytest.mark.slow
def test_a_server_that_says_nothing_has_failed_and_is_asked_no_second_question(database: Database) -> None:
    stored(database, asked(1), ["m1", "m2"])
    with FaultServer(talks(lambda request: None, "")) as server:
        report = run(database, server.url)
    assert (report.tally.ended, report.reasked) == ({Status.FAILED: 2}, 0)


def test_no_second_question_is_asked_where_a_verdict_came_or_it_was_not_wanted(database: Database) -> None:
    stored(database, asked(2), ["m1", "m2"])
    with FaultServer(talks(lambda request: None, "[[A]]")) as server:
        report = run(database, server.url)
    assert (report.calls, report.reasked) == (4, 0)
    with FaultServer(talks(enforced)) as server:
        unwanted = run(database, server.url, reask=False, repeats=2)
    assert (unwanted.calls, unwanted.reasked, unwanted.tally.ended) == (4, None, {Status.OK: 4, Status.UNPARSED: 4})


def test_a_second_question_that_fails_leaves_the_first_verdict(database: Database) -> None:
    stored(database, asked(1), ["m1", "m2"])

    def once(request: Request) -> Reply | None:
        return Reply.error(422, "no", code="odd") if len(request.json["messages"]) > 2 else enforced(request)

    with FaultServer(talks(once)) as server:
        report = run(database, server.url)
    assert report.tally.ended == {Status.UNPARSED: 2}
    assert rows(database) == [(0, "unparsed", None, None)]


@pytest.mark.parametrize(
    "template",
    [template for template in templates() if template.reply.listing is None],  # lists are checked against outputs
    ids=lambda template: template.id,
)
@pytest.mark.parametrize("how", ["json_schema", "choice"])
def test_whatever_a_form_allows_is_read_as_a_verdict(template: Any, how: Any) -> None:
    found = constraint(template, how)
    if found is None:
        assert template.reply.answers or template.reply.aspects or not isinstance(template.scale, LabelScale)
        return
    if how == "choice":
        replies = found.fields["structured_outputs"]["choice"]
    else:
        properties = found.fields["response_format"]["json_schema"]["schema"]["properties"]
        allowed = next(iter(properties.values()))
        values = allowed.get("enum") or [allowed["minimum"], allowed["maximum"]]
        replies = [json.dumps(dict.fromkeys(properties, value)) for value in values]
    assert as_constrained(template, how).scale == template.scale
    for reply in replies:
        verdict = parse(Completion(reply, finish_reason="stop", constrained=how), template, Order.AB)
        assert verdict.status in (Status.OK, Status.TIE), (reply, verdict)
        assert verdict.source is Source.LABEL


def test_the_forced_reply_has_room_and_no_log_probabilities() -> None:
    template = load_template("pairwise/two-way")
    found = constraint(template, "json_schema")
    assert found is not None
    settings = found.settings(template.settings)
    assert settings["max_tokens"] == 256
    assert not {"logprobs", "top_logprobs"} & settings.keys()
    assert found.settings({"max_completion_tokens": 900})["max_completion_tokens"] == 900

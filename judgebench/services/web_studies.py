"""What may be asked of judges from the web, by those who have a role there: never more than the app's pages offer.

No field names a file of the server, a program that it would start, or code that it would load; an address is one of
those that the policy lists.
"""

import re
from collections.abc import Mapping
from typing import Any

from judgebench import services
from judgebench.clients.providers import PROVIDERS, installed, is_at_hand
from judgebench.errors import InputError, UnknownName
from judgebench.keys import clean_text
from judgebench.services.access import Forbidden, Policy, Role
from judgebench.services.audits.registry import Audit, AuditSettings, named
from judgebench.services.jobs import Job
from judgebench.services.judges import find_judge
from judgebench.services.placement import PlacementPlan
from judgebench.spec import JudgeSpec
from judgebench.spec.study import Study, make
from judgebench.store.database import Database

JUDGE_FIELDS = ("model", "url", "key_env", "price", "name", "template", "settings", "same_judge")
STUDY_FIELDS = (
    *("benchmark", "judge", "models", "baseline", "all_pairs", "pairs", "orders", "repeats", "limit", "category"),
    *("seed", "redo", "reask", "concurrency", "max_cost", "max_calls", "max_failures", "max_errors", "stop_after"),
)
AUDIT_FIELDS = (
    *("benchmark", "model", "judge", "baseline", "opponent", "permuted", "limit", "defences", "max_calls", "max_cost"),
)
PLACEMENT_FIELDS = ("benchmark", "models", "judges", "max_cost")
AUDIT_CALLS = 500  # an audit from the web stops there, unless more is allowed
CONCURRENCY = 64  # questions in flight at most
_NAME = 80  # characters of a field's name in a message
_TEMPLATE = re.compile(r"[a-z0-9-]+/[a-z0-9-]+([.@]v\d+)?")


def study_of(database: Database, fields: Mapping[str, Any], policy: Policy, *, where: str) -> Study:
    """The study that these fields describe, with a limit where a price is known.

    Raises InputError naming ``where`` and the field, UnknownName, and Forbidden for a judge that may not be asked.
    """
    _check_fields(fields, STUDY_FIELDS, where)
    check_texts(fields, where)
    judge = web_judge(database, fields.get("judge"), policy, where=where)
    if fields.get("concurrency") is not None and make(Study, {**fields, "judge": judge}, where=where).concurrency > (
        CONCURRENCY
    ):
        raise InputError(f"{where}: concurrency: at most {CONCURRENCY} from the web")
    services.placement.check_cap([judge], _number(fields, "max_cost", where))
    cap = services.placement.cap_of(judge, _number(fields, "max_cost", where))
    full = {**fields, "judge": judge, "max_cost": cap}
    return make(Study, {name: value for name, value in full.items() if value is not None}, where=where)


def web_judge(database: Database, given: object, policy: Policy, *, where: str) -> JudgeSpec:
    """A judge by its name, or by some of its fields. Raises as ``study_of``."""
    fields = {"model": given} if isinstance(given, str) else given
    if not isinstance(fields, Mapping):
        raise InputError(f"{where}: judge: name a judge, or give its fields: {', '.join(JUDGE_FIELDS)}")
    _check_fields(fields, JUDGE_FIELDS, f"{where}: judge")
    template = fields.get("template")
    if template is not None and not (isinstance(template, str) and _TEMPLATE.fullmatch(template)):
        raise Forbidden(f"{where}: judge: template: name one that judgebench templates lists, and no file")
    url = fields.get("url")
    if url is not None and not all(isinstance(one, str) for one in (url if isinstance(url, list) else [url])):
        raise InputError(f"{where}: judge: url: give an address, or a list of them")
    check_texts(fields, f"{where}: judge")
    judge = find_judge(database, fields, where=where)
    check_asked(database, judge, policy)
    return judge


def check_asked(database: Database, judge: JudgeSpec, policy: Policy) -> None:
    """Raises Forbidden for a judge that may not be asked from the web: by its address, its key, or its provider."""
    if not policy.local:
        _check_provider(database, judge)
    policy.check_asked(judge)


def check_resumed(database: Database, job: Job, policy: Policy) -> None:
    """Raises Forbidden for a job whose judge or model may not be asked from the web by now, and InputError where it
    cannot be done any more."""
    served = services.jobs.asked(database, job)
    if isinstance(served, JudgeSpec):
        check_asked(database, served, policy)
    elif served is not None:
        policy.check_asked(served)


def audit_of(
    database: Database, name: str, fields: Mapping[str, Any], policy: Policy, *, where: str
) -> tuple[Audit, AuditSettings, dict[str, Any]]:
    """The audit, its settings, and the same with the judge by its name, as a job keeps them. Raises as ``study_of``."""
    audit = named(name)
    _check_fields(fields, AUDIT_FIELDS, where)
    check_texts(fields, where)
    given = {field: value for field, value in fields.items() if value not in (None, [], ())}
    if "judge" in given:
        if not isinstance(given["judge"], str):
            raise InputError(f"{where}: judge: name a judge that is known here")
        given = {"max_calls": AUDIT_CALLS, **given}
    judged = dict(given)
    if "judge" in given:
        judged["judge"] = web_judge(database, given["judge"], policy, where=where)
    return audit, audit.fill(judged), given


def placement_of(database: Database, fields: Mapping[str, Any], policy: Policy, *, where: str) -> PlacementPlan:
    """What must be asked so that these models stand on a board. Raises as ``study_of`` and ``placement.plan``."""
    _check_fields(fields, PLACEMENT_FIELDS, where)
    check_texts(fields, where)
    models, judges = (_names(fields, name, where) for name in ("models", "judges"))
    if not models:
        raise InputError(f"{where}: models: name one, whose outputs are stored or will be")
    cap = _number(fields, "max_cost", where)
    plan = services.placement.plan(database, str(fields["benchmark"]), models, judges=judges, max_cost=cap)
    for study in plan.studies:
        check_asked(database, study.judge, policy)
    return plan


def needed(fields: Mapping[str, Any]) -> Role:
    """Who may start an audit of these settings: what asks a judge costs money, what reads takes the server's time."""
    return Role.ADMIN if fields.get("judge") else Role.SUBMITTER


def check_texts(value: object, where: str) -> None:
    """Raises InputError, naming the field, for a text that no database can hold, in whatever ``value`` is made of."""
    match value:
        case str() if clean_text(value) != value:
            raise InputError(
                f"{where}: {value[:80]!r} holds what no database can, a zero byte or half of a character: leave it out"
            )
        case Mapping():
            for name, inner in value.items():
                check_texts(name, where)
                check_texts(inner, f"{where}: {str(name)[:_NAME]}")
        case list() | tuple():
            for inner in value:
                check_texts(inner, where)


def _check_fields(fields: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in fields:
        if name not in known:
            raise InputError(f"{where}: {UnknownName('field', str(name), known)}")


def _check_provider(database: Database, judge: JudgeSpec) -> None:
    """Raises Forbidden for a model whose provider would start a program or load code, unless somebody has added a judge
    of this model on the server's own machine, or asked one there. That a file which was imported names it is not
    enough."""
    if is_at_hand(judge.model):
        return
    provider, colon, _ = judge.model.partition(":")
    is_loaded = bool(colon) and (not judge.urls or installed(provider) is not None)
    if not is_loaded and provider not in PROVIDERS:
        return
    known = (known.spec for known in services.judges.known_judges(database))
    if judge.model not in {spec.model for spec in known if spec is not None}:
        raise Forbidden(f"{judge.model!r} is started by 'judgebench run', from a terminal only")


def _names(fields: Mapping[str, Any], name: str, where: str) -> list[str]:
    names = fields.get(name) or []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise InputError(f"{where}: {name}: must be a list of names")
    return names


def _number(fields: Mapping[str, Any], name: str, where: str) -> float | None:
    value = fields.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InputError(f"{where}: {name}: must be a number")
    return value

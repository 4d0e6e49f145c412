"""Databases as older versions left them: the schema of a revision, filled by SQL alone."""

import json
from typing import Any

import sqlalchemy as sa

from judgebench.resources import folder
from judgebench.store.database import add_functions, migrate, parse_address

REVISIONS = tuple(sorted(file.name[:4] for file in (folder("migrations") / "versions").glob("[0-9]*.py")))[:-1]
Rows = dict[str, list[dict[str, Any]]]
_NOW = "2026-01-31T23:59:59.123456+00:00"
_SIDES = {
    "run_id": 1,
    "judge_id": 1,
    "instruction_id": 1,
    "output_a_id": 1,
    "output_b_id": 2,
    "order": "AB",
    "repeat": 0,
}
_READ = {"status": "ok", "source": "label", "preference": 1.0, "label": "A", "parser": "1", "created_at": _NOW}
_FAILED = {"status": "failed", "source": "none", "preference": None, "detail": "no reply", "parser": "1"}
_NONE = {"score": None, "label": None, "mass": None, "detail": None, "completion_id": None, "created_at": _NOW}


def _verdict(number: int, key: str, revision: int = 0, **values: Any) -> dict[str, Any]:
    return {"id": number, "trial_key": key * 32, "revision": revision, **_NONE, **_SIDES, **values}


# Tables of the revision 0007; columns and tables that an older one lacks are left out of it, and a newer one's are as
# the database fills them.
_ROWS: Rows = {
    "benchmarks": [{"id": n, "name": f"bench {n}", "created_at": _NOW} for n in (1, 2)],
    "models": [{"id": n, "name": f"model {n}", "family": None, "parent": None, "trained_on": "[]"} for n in (1, 2, 3)],
    "instructions": [
        {
            "id": n,
            "benchmark_id": 1 + n // 3,
            "key": f"{n}" * 32,
            "turns": json.dumps(["Hi?", 'And\u00e9 "now"?'][:n]),
            "category": None if n == 1 else "c",
            "reference": "42" if n == 2 else None,
            "checklist": '["is polite"]',
        }
        for n in (1, 2, 3)
    ],
    "outputs": [
        {
            "id": 3 * (instruction - 1) + model,
            "instruction_id": instruction,
            "model_id": model,
            "text": f"# {model}\n**bold** `code`\n- caf\u00e9 {instruction}",
            "length_chars": 30,
            "earlier": '["before"]' if instruction == 2 else None,
        }
        for instruction in (1, 2, 3)
        for model in (1, 2, 3)
    ],
    "generators": [
        {"id": 1, "model_id": 3, "served_model": "m", "system": "Be brief.", "settings": "{}", "created_at": _NOW}
    ],
    "answers": [
        {
            **{"id": 3, "generator_id": 1, "status": "ok", "finish_reason": "stop", "model": "m", "prompt_tokens": 3},
            **{"completion_tokens": 4, "cost_usd": 0.1, "latency_s": 0.2, "created_at": _NOW},
        }
    ],
    "judges": [
        {
            **{"id": 1, "name": "judge", "digest": "d" * 32, "model": "gpt", "template": "pairwise/two-way.v1"},
            **{"template_digest": "0" * 64, "settings": "{}"},
        }
    ],
    "judge_addresses": [
        {"id": 7, "judge_id": 1, "url": "http://127.0.0.1:1/v1", "key_env": "KEY", "template": None, "price": "1,2"}
    ],
    "runs": [
        {
            **{"id": 1, "benchmark_id": 1, "judge_id": 1, "kind": "run", "specification": "{}", "version": "0.1"},
            **{"started_at": _NOW, "finished_at": None},
        }
    ],
    "completions": [
        {
            **{"id": n, "text": f"[[A]] \u00fc{n}", "reasoning": "hm", "finish_reason": "stop", "logprobs": "[]"},
            **{"model": "gpt", "prompt_tokens": 9, "completion_tokens": 2, "cost_usd": 0.01, "latency_s": 0.5},
            "constrained": None,
        }
        for n in (2, 3, 5)
    ],
    "verdicts": [
        _verdict(1, "a", **_FAILED),
        _verdict(2, "a", 1, completion_id=2, **_READ),
        _verdict(3, "b", **_READ | _SIDES | {"order": "BA", "completion_id": 3, "mass": 0.75}),
        _verdict(4, "b", 1, **_READ | {"order": "BA", "completion_id": 3, "status": "tie", "preference": 0.5}),
        _verdict(5, "c", **_READ | {"output_b_id": None, "order": None, "preference": None, "score": 7.5}),
        _verdict(6, "d", **_READ | {"instruction_id": 2, "output_a_id": 5, "output_b_id": 6, "source": "logprobs"}),
    ],
    "batches": [
        {
            **{"id": 1, "name": "batch", "run_id": 1, "digest": "e" * 64, "server_id": "s", "created_at": _NOW},
            **{"submitted_at": _NOW, "closed_at": None},
        }
    ],
    "batch_trials": [
        {
            **{"id": 1, "batch_id": 1, "trial_key": "a" * 32, "instruction_id": 1, "output_a_id": 1},
            **{"output_b_id": 2, "order": "AB", "repeat": 0},
        }
    ],
    "human_labels": [
        {
            **{"id": 1, "annotator": "ann", "instruction_id": 1, "output_a_id": 1, "output_b_id": 2, "order": None},
            **{"preference": 0.5, "both_bad": True, "source": "app", "created_at": _NOW},
        }
    ],
    "audits": [
        {
            **{"id": 1, "kind": "submissions", "benchmark_id": 1, "judge_digest": None, "model_id": 1, "extent": 3},
            **{"passed": True, "high": 0, "document": "{}", "version": "0.1", "created_at": _NOW},
        }
    ],
}
_ROWS["verdicts"][4]["completion_id"] = 5


def engine_of(address: str) -> sa.Engine:
    engine = sa.create_engine(parse_address(address))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", add_functions)
    return engine


def build(address: str, revision: str) -> Rows:
    """A database of that revision, with rows in every table; returns them, as they are read back."""
    engine = engine_of(address)
    with engine.begin() as connection:
        migrate(connection, revision)
        for name, columns in _tables(connection).items():
            table = sa.table(name, *map(sa.column, columns))
            rows = [{key: row[key] for key in columns if key in row} for row in _ROWS.get(name, ())]
            if rows:
                connection.execute(sa.insert(table), rows)
                _count_on(connection, name)
        rows_by_table = read(connection, _tables(connection))
    engine.dispose()
    return rows_by_table


def read(connection: sa.Connection, tables: dict[str, list[str]]) -> Rows:
    """Those columns of those tables, in the order of their ids."""
    rows = {}
    for name, columns in tables.items():
        query = sa.select(*map(sa.column, columns)).select_from(sa.table(name)).order_by(sa.column("id"))
        rows[name] = [dict(row._mapping) for row in connection.execute(query)]
    return rows


def _tables(connection: sa.Connection) -> dict[str, list[str]]:
    """The columns of each table, in an order in which each refers to rows that are there."""
    inspector = sa.inspect(connection)
    names = [name for name in _ROWS | {"verdict_blocks": []} if inspector.has_table(name)]
    return {name: [column["name"] for column in inspector.get_columns(name)] for name in names}


def _count_on(connection: sa.Connection, table: str) -> None:
    if connection.dialect.name == "postgresql" and table not in ("answers", "completions", "verdicts"):
        query = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        connection.exec_driver_sql(query)

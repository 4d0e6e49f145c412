"""The only code that talks to the database, by noun: ``store.judges.judge(connection, name)``.

Every function works in the connection it is given: readers in its snapshot, writers in its transaction.
"""

from judgebench.store import (
    arrays,
    audits,
    battles,
    benchmarks,
    blobs,
    blocks,
    claims,
    costs,
    database,
    deletion,
    events,
    external_ids,
    judges,
    labels,
    models,
    references,
    renaming,
    runs,
    schema,
    transfer,
    trial_keys,
    verdicts,
)

__all__ = [
    "arrays",
    "audits",
    "battles",
    "benchmarks",
    "blobs",
    "blocks",
    "claims",
    "costs",
    "database",
    "deletion",
    "events",
    "external_ids",
    "judges",
    "labels",
    "models",
    "references",
    "renaming",
    "runs",
    "schema",
    "transfer",
    "trial_keys",
    "verdicts",
]

"""Stored blocks change nothing but the time: with any of them, or none, the same verdicts are read."""

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from judgebench import store
from judgebench.errors import DatabaseError
from judgebench.records import Order, Source, Status, Verdict
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import check, copy, refresh
from judgebench.store.verdicts import add_reparsed
from tests.factories import failed, ok, result, trial
from tests.filling import every_column, filled

_PREFERENCES = (0.0, 1.0, 0.1, 1 / 3, 0.7000000000000001)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.blocks, "BLOCK", 4)


@pytest.fixture
def judged(database: Database) -> Database:
    """Ten trials, one of them failed at first, one unread at first; twelve verdicts, so three blocks."""
    verdicts = filled(database, instructions=5)
    unread = Verdict(Status.UNPARSED, Source.NONE, detail="?", parser="1")
    asked = [trial(number, order) for number in range(5) for order in Order]
    with database.write() as connection:
        told = [result(each, ok(p)) for each, p in zip(asked[2:], _PREFERENCES * 2, strict=False)]
        verdicts.add(connection, [result(asked[0], failed(), reply=None), result(asked[1], unread), *told])
        verdicts.add(connection, [result(asked[0], ok(0.5))])
        [reply] = [each for each in store.battles.unread(connection, "judge", "2") if each.trial.key == asked[1].key]
        add_reparsed(connection, {reply.verdict_id: Verdict(Status.OK, Source.LABEL, 0.125, parser="2")})
    return database


def _columns(database: Database) -> dict[str, list[float]]:
    with database.read() as connection:
        return {name: values.tolist() for name, values in every_column(connection).items()}


def _blocks(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.scalars(sa.select(tables.verdict_blocks.c.id).order_by("id")))


def test_verdicts_in_force_come_in_the_order_of_their_ids(judged: Database) -> None:
    assert _blocks(judged) == [0, 1, 2]
    found = _columns(judged)
    assert found["id"] == list(range(3, 13))
    assert found["preference"] == [*(_PREFERENCES * 2)[:8], 0.5, 0.125]
    assert found["order"] == [0, 1] * 5
    assert {store.blocks.STATUSES[code] for code in found["status"]} == {Status.OK, Status.TIE}


@pytest.mark.slow
@pytest.mark.parametrize("dropped", [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]])
def test_missing_blocks_change_nothing_and_are_sealed_again(judged: Database, dropped: list[int]) -> None:
    before = _columns(judged)
    with judged.write() as connection:
        connection.execute(sa.delete(tables.verdict_blocks).where(tables.verdict_blocks.c.id.in_(dropped)))
    assert _columns(judged) == before
    with judged.write() as connection:
        store.blocks.seal(connection)
    assert _blocks(judged) == [0, 1, 2]
    assert _columns(judged) == before


def test_a_block_of_another_format_is_not_read(judged: Database) -> None:
    before = _columns(judged)
    with judged.write() as connection:
        connection.execute(sa.update(tables.verdict_blocks).values(format=0, columns=b"older"))
    assert _columns(judged) == before
    refresh(judged)
    assert check(judged).problems == ()


def test_a_damaged_block_is_found_and_built_anew(judged: Database) -> None:
    before = _columns(judged)
    with judged.write() as connection:
        values = connection.scalar(sa.select(tables.verdict_blocks.c.columns).where(tables.verdict_blocks.c.id == 1))
        damaged = bytes(values)[:-1] + bytes([values[-1] ^ 1])
        connection.execute(
            sa.update(tables.verdict_blocks).where(tables.verdict_blocks.c.id == 1).values(columns=damaged)
        )
    [problem] = check(judged).problems
    assert problem.startswith("block 1 ")
    assert "db upgrade" in problem
    refresh(judged)
    assert check(judged).problems == ()
    assert _columns(judged) == before


def test_a_copy_reads_the_same(judged: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("copy") / "copy.db"
    copy(judged, str(target))
    assert _columns(Database(str(target))) == _columns(judged)


def test_an_empty_database_has_none(database: Database) -> None:
    with database.read() as connection:
        assert all(len(values) == 0 for values in every_column(connection).values())
        stored = store.arrays.verdict_table(connection, benchmark=1)
    assert len(stored.table) == 0
    assert stored.left_out == {}


def test_numbers_are_read_to_the_last_bit_and_none_is_nan(database: Database) -> None:
    drawn = np.frombuffer(np.random.default_rng(0).bytes(8 * 500), np.float64)
    numbers = [None, 0.0, 1.0, 0.1, 5e-324, *drawn[np.isfinite(drawn)].tolist()]
    rows = sa.Table("numbers", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("x", sa.Double), prefixes=["TEMP"])
    with database.write() as connection:
        rows.create(connection)
        connection.execute(sa.insert(rows), [{"id": at, "x": number} for at, number in enumerate(numbers)])
        kinds = [np.dtype("<i8"), np.dtype("<f8")]
        ids, values = store.blocks.number_columns(connection, sa.select(rows.c.id, rows.c.x), kinds)
        none = store.blocks.number_columns(connection, sa.select(rows.c.id, rows.c.x).where(rows.c.id < 0), kinds)
    known = np.array([float("nan") if number is None else number for number in numbers])
    assert values.tobytes() == known[ids].tobytes()
    assert [column.tolist() for column in none] == [[], []]


@given(
    st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0, float("nan")]), max_size=20),
    st.sampled_from([0, 100, 1 << 20, 1 << 40]),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 2, 3]),
)
def test_packing_keeps_every_bit(preferences: list[float], start: int, step: int, format_: int) -> None:
    n = len(preferences)
    start = start if format_ != 1 else start % (1 << 31)
    columns: dict[str, np.ndarray] = {name: start + step * np.arange(n) for name in store.blocks._KINDS}
    columns |= {name: np.arange(n) % 2 for name in ("length_a", "length_b", "order", "status")}
    columns["preference"] = np.array(preferences, dtype=np.float64)
    packed = store.blocks._packed(columns, format_)
    found = store.blocks._unpacked(format_, packed)
    assert {name: values.astype(columns[name].dtype).tobytes() for name, values in found.items()} == {
        name: values.tobytes() for name, values in columns.items()
    }
    assert store.blocks._packed(found, format_) == packed


def test_blocks_of_older_formats_are_read_and_checked(judged: Database) -> None:
    before = _columns(judged)
    with judged.write() as connection:
        for number, format_ in ((0, 1), (1, 2)):
            older = store.blocks._packed(store.blocks._block(connection, number), format_)
            of_number = sa.update(tables.verdict_blocks).where(tables.verdict_blocks.c.id == number)
            connection.execute(of_number.values(format=format_, columns=older))
    assert _columns(judged) == before
    assert check(judged).problems == ()


@pytest.mark.parametrize("damage", [b"", b"\xff" * 32, b"\xff" * 100])
def test_a_block_that_is_no_block_is_refused_in_a_line(judged: Database, damage: bytes) -> None:
    with judged.write() as connection:
        connection.execute(sa.update(tables.verdict_blocks).values(columns=damage))
    with pytest.raises(DatabaseError, match="damaged: build it anew by 'judgebench db upgrade'"):
        _columns(judged)
    assert len(check(judged).problems) == 3
    refresh(judged)
    assert check(judged).problems == ()

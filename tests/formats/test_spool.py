"""Rows wait in a file of their own and come back as they were, as often as one likes."""

from judgebench.formats.spool import Spool


def test_rows_come_back_in_their_order_whatever_they_hold() -> None:
    spool: Spool[tuple[object, ...]] = Spool(lambda *values: values)
    rows = [(number, "ä\ud800", (f"turn {number}", ""), None, 0.5, True) for number in range(999)]
    for row in rows:
        spool.add(*row)
    assert len(spool) == 999
    assert list(spool) == rows
    one, other = iter(spool), iter(spool)
    assert [next(one), next(other), next(one)] == [rows[0], rows[0], rows[1]]

"""The whole table of faults; its names are unique, for they are the tests' names."""

from __future__ import annotations

from . import rows_contract, rows_retry, rows_right, rows_status, rows_transport
from .row import Row

ROWS: list[Row] = [
    *rows_transport.ROWS,
    *rows_retry.ROWS,
    *rows_status.ROWS,
    *rows_contract.ROWS,
    *rows_right.ROWS,
]
assert len({row.name for row in ROWS}) == len(ROWS)

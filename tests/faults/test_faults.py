"""Every fault of the catalogue through every face: the outcome, its cost, and no leaked key."""

from __future__ import annotations

import logging
import re
import signal
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from assisters_rerank.errors import AssistersError
from assisters_rerank.pace import recovery

from .answers import TEXTS, right
from .catalogue import ROWS
from .faces import FACES, SIX_FACES, Face, Got
from .row import KEY, LEAK, RIGHT, Row
from .server import HostileServer

FAULTS = [row for row in ROWS if row.outcome is not None]
# Whether the budget holds does not depend on what follows, so passing through proves it once.
PASSTHROUGH = [
    row for row in FAULTS if not row.or_else and (not row.slow or row.name == "no-answer")
]


# By the test: the options that every row gets besides its own.
MORE: dict[str, dict[str, Any]] = {
    "test_fault": {},
    "test_passthrough": {"on_error": "passthrough", "score_threshold": 0.9},
}
AT_ONCE = 16


def each_of(rows: Sequence[Row]) -> pytest.MarkDecorator:
    """A case for each row; those that wait measure how long, and are played by one worker."""
    waits = [pytest.mark.timed, pytest.mark.xdist_group("waiting")]
    cases = [pytest.param(row, marks=waits if row.waits else []) for row in rows]
    return pytest.mark.parametrize("row", cases, ids=[row.name for row in rows])


@pytest.fixture(scope="module", autouse=True)
def plain_surroundings() -> Iterator[None]:
    """No proxy or key of the machine's own, and back-off too short to notice."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        for name in ("ASSISTERS_API_KEY", "ASSISTERS_BASE_URL"):
            patch.delenv(name, raising=False)
        patch.setattr(recovery, "_FIRST_WAIT", 0.02)
        yield


@pytest.fixture(autouse=True)
def no_row_hangs() -> Iterator[None]:
    """A call that outlives every budget by far fails its test instead of holding up the rest."""

    def give_up(*_: object) -> None:
        pytest.fail("the call hung")

    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 20)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Played:
    """One run of a row: what came out, and what both servers saw."""

    got: Got | None
    error: Exception | None
    seconds: float
    server: HostileServer
    elsewhere: HostileServer
    logged: list[logging.LogRecord] = field(default_factory=list)

    @property
    def outcome(self) -> type[Exception] | None:
        """The error's class, or RIGHT."""
        return None if self.error is None else type(self.error)


@contextmanager
def address_of(row: Row, server: HostileServer) -> Iterator[str]:
    """The base URL that the row's client is given."""
    if row.address == "server":
        yield server.url
    elif row.address == "https":
        yield server.url.replace("http:", "https:")
    else:
        # Bound, so that nobody else gets the port; without listen() every visitor is refused.
        with socket.socket() as bound, socket.socket() as first, socket.socket() as second:
            bound.bind(("127.0.0.1", 0))
            if row.address == "full":
                bound.listen(0)
                for visitor in (first, second):
                    visitor.setblocking(False)
                    visitor.connect_ex(bound.getsockname())
            yield "http://{}:{}/v1".format(*bound.getsockname())


def play(row: Row, face: Face, **more: object) -> Played:
    """Runs one row through one face."""
    got: Got | None = None
    error: Exception | None = None
    with (
        HostileServer([right()]) as elsewhere,
        HostileServer(row.script or [right()], elsewhere=elsewhere.url) as server,
        address_of(row, server) as url,
    ):
        options: dict[str, Any] = {"api_key": KEY, "base_url": url, "timeout": row.timeout}
        options |= {**row.options, **more}
        start = time.monotonic()
        try:
            got = face.run(
                options,
                TEXTS,
                [row.first_fails] * (row.rounds - 1),
                lambda: server.wait_closed(1) if row.awaits_end else None,
            )
        except Exception as raised:
            error = raised
        seconds = time.monotonic() - start
    return Played(got, error, seconds, server, elsewhere)


Case = tuple[str, str, str]
"""The names of the test, the row and the face."""


class _Kept(logging.Handler):
    """Keeps every record."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def everything_logged() -> Iterator[list[logging.LogRecord]]:
    """What is logged meanwhile, by whichever thread."""
    root, kept = logging.getLogger(), _Kept()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(kept)
    try:
        yield kept.records
    finally:
        root.removeHandler(kept)
        root.setLevel(level)


@pytest.fixture(scope="session")
def waited(request: pytest.FixtureRequest) -> Mapping[Case, Played]:
    """The selected cases of rows that wait, played side by side: one by one they take minutes."""
    played: dict[Case, Played] = {}
    places = threading.Semaphore(AT_ONCE)

    def work(case: Case, row: Row, face: Face) -> None:
        with places:
            played[case] = play(row, face, **MORE[case[0]])

    threads = []
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.module.__name__ == __name__:
            test, given = item.originalname, getattr(item, "callspec", None)
            if test in MORE and given is not None and given.params["row"].waits:
                row, face = given.params["row"], given.params["face"]
                arguments = ((test, row.name, face.name), row, face)
                # Daemons: a call that hangs must not keep the interpreter from ending.
                threads.append(threading.Thread(target=work, args=arguments, daemon=True))
    for face in FACES:
        play(Row(name="warm-up"), face)  # imports would use up the short budgets
    with everything_logged() as records:
        for thread in threads:
            thread.start()
        patience = time.monotonic() + 60
        for thread in threads:
            thread.join(max(0.0, patience - time.monotonic()))
    for each in played.values():
        each.logged = records
    return played


@pytest.fixture
def played(request: pytest.FixtureRequest, row: Row, face: Face) -> Played:
    """The run of one row through one face."""
    test = request.function.__name__
    if row.waits:
        waited: Mapping[Case, Played] = request.getfixturevalue("waited")
        assert (test, row.name, face.name) in waited, "it hung, or its server failed"
        return waited[test, row.name, face.name]
    with everything_logged() as records:
        found = play(row, face, **MORE[test])
    found.logged = records
    return found


def assert_no_leak(error: BaseException) -> None:
    """No piece of the key in the error, its causes, or the traceback as printed."""
    assert LEAK not in "".join(traceback.format_exception(error))
    seen: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        link = todo.pop()
        if link is None or link in seen:
            continue
        seen.append(link)
        todo += [link.__cause__, link.__context__]
        for shown in (str(link), repr(link), repr(link.args), repr(vars(link))):
            assert LEAK not in shown


def assert_carries(error: Exception, row: Row) -> None:
    """The row's attributes are on the error."""
    for name, expected in row.attributes.items():
        actual = getattr(error, name)
        matches = expected(actual) if callable(expected) else actual == expected
        assert matches, f"{name} is {actual!r}"


def assert_asked_as_allowed(played: Played, row: Row, requests: int | None) -> None:
    """As many requests as allowed; retries repeat their key, other requests have their own."""
    if requests is not None:
        assert played.server.played == requests
    keys: dict[bytes, set[str]] = {}
    for request in played.server.requests:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert LEAK not in request.target
        assert LEAK.encode() not in request.body
        keys.setdefault(request.body, set()).add(request.headers["idempotency-key"])
    if row.rounds == 1:
        assert all(len(of_one) == 1 for of_one in keys.values())
        assert len(set.union(set(), *keys.values())) == len(keys)
    assert played.elsewhere.connections == 0


def assert_in_time(played: Played, row: Row, face: Face) -> None:
    """The budget holds within a second; a row that does not use it up is far quicker."""
    if row.slow:
        busy = 0.5 if face.loop is None else 0.0  # sync calls may need that second, whole
        assert played.seconds < row.timeout + 1 + busy
    else:
        assert played.seconds < 5
    if row.gap:
        first, second, *_ = played.server.requests
        assert second.at - first.at >= row.gap


def assert_nothing_logged(played: Played, row: Row) -> None:
    """No piece of the key in any log, at any level."""
    assert played.logged
    for record in played.logged:
        # httpcore logs the server's words as they come; only the server can keep the key out.
        if row.echo and record.name.startswith(("httpcore", "httpx")):
            continue
        assert LEAK not in logging.Formatter().format(record)


@each_of(ROWS)
@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_fault(row: Row, face: Face, played: Played) -> None:
    assert played.outcome in row.outcomes, f"{played.got} {played.error!r}"
    if played.error is None:
        assert played.got is not None
        assert played.got.ranking == row.expected_ranking()
        assert not played.got.degraded
    else:
        assert re.search(row.says, str(played.error), re.IGNORECASE), str(played.error)
        assert_no_leak(played.error)
        if played.outcome is row.outcome:
            assert_carries(played.error, row)
    assert_asked_as_allowed(played, row, row.requests)
    assert_in_time(played, row, face)
    assert_nothing_logged(played, row)


@pytest.mark.slow  # the same rows once more
@each_of(PASSTHROUGH)
@pytest.mark.parametrize("face", SIX_FACES, ids=lambda face: face.name)
def test_passthrough(row: Row, face: Face, played: Played) -> None:
    if row.passes_through:
        assert played.error is None, repr(played.error)
        assert played.got is not None
        assert played.got.degraded
        assert played.got.texts == list(TEXTS[: row.top_n])
        assert played.got.scores == face.kind.first_scores(TEXTS)[: row.top_n]
    else:
        assert played.outcome is row.outcome, f"{played.got} {played.error!r}"
        assert isinstance(played.error, AssistersError)
        assert_no_leak(played.error)
    assert_asked_as_allowed(played, row, row.requests)
    assert_nothing_logged(played, row)


# One of each kind: the rest differs from these in its bytes only.
OUTAGES = {
    "reset-after-the-request", "closed-inside-the-body", "garbage-status-line", "broken-gzip",
    "connection-refused", "500-for-ever", "408-for-ever", "502-html", "503-retry-after-an-hour",
}  # fmt: skip


@each_of([row for row in PASSTHROUGH if row.name in OUTAGES])
@pytest.mark.parametrize("face", SIX_FACES, ids=lambda face: face.name)
def test_a_service_that_is_down_is_not_asked_again(row: Row, face: Face) -> None:
    asked: list[int] = []
    with HostileServer(row.script or [right()]) as server, address_of(row, server) as url:
        options = {"api_key": KEY, "base_url": url, "timeout": row.timeout, **row.options}
        got = face.run(
            {**options, "on_error": "passthrough", "passthrough_after": 1},
            TEXTS,
            [RIGHT, RIGHT],
            lambda: asked.append(server.played),
        )
    assert got.degraded
    assert got.texts == list(TEXTS[: row.top_n])
    assert asked == [server.played] * 2
    assert server.played > 0 or row.address == "refused"


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.or_else and not row.library_decides],
    ids=lambda row: row.name,
)
def test_all_faces_agree(row: Row) -> None:
    """Where two outcomes are allowed, it is still the same one through every face."""
    assert len({play(row, face).outcome for face in FACES}) == 1

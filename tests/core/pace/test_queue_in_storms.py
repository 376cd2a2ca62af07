"""The queue where threads and loops come and go: no turn is leaked, no waiting call forgotten."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import random
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest
import trio

from assisters_rerank.call.budget import Budget
from assisters_rerank.net import Blocking, Evented, Port, run_blocking
from assisters_rerank.net.clients import Clients
from assisters_rerank.pace import rate_limits
from assisters_rerank.pace.queue import Pace
from assisters_rerank.pace.waiting import Turn
from assisters_rerank.wire.messages import Answer

from .simulated_limits import Limits

MINUTE = 0.25


@pytest.fixture(scope="module", autouse=True)
def only_their_own_garbage() -> None:
    """Keeps what earlier tests have left out of a hundred collections."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A minute of a quarter second; a hang ends the process and says where it was."""
    monkeypatch.setattr(rate_limits, "MINUTE", MINUTE)
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def threads() -> Port:
    return Blocking(Clients(), None)


def loop() -> Port:
    return Evented(Clients(), None)


async def turn_of(pace: Pace, port: Port, limits: Limits, seconds: float = 20.0) -> Turn | None:
    """A turn, as `attempts` waits for it; None if the time was over before."""
    budget = Budget(port, seconds)
    turn = pace.queue(1, budget)
    event = None
    try:
        while budget.left() > 0:
            wait = pace.ask(turn, port.now(), limits)
            if wait is None:
                return turn
            if event is None:
                event = turn.event = port.event()
            else:
                await event.wait(min(wait.at_most, budget.left()))
        return None
    finally:
        if turn.ticket not in pace._limits.in_flight:
            pace.leave(turn, None)


async def used(
    pace: Pace, port: Port, limits: Limits, seconds: float = 20.0, work: float = 0.0
) -> bool:
    """A turn and some work."""
    turn = await turn_of(pace, port, limits, seconds)
    if turn is None:
        return False
    try:
        if work:
            await port.sleep(work)
        pace.ended(turn, port.now())
    finally:
        pace.leave(turn, None)
    return True


def assert_empty(pace: Pace) -> None:
    pace._locked(lambda: None, time.monotonic())
    assert pace._waiting.first(time.monotonic()) is None
    assert (pace._limits.in_flight, pace._limits.tokens_in_flight, len(pace._left)) == ({}, 0, 0)
    for limit in (pace._limits.own_requests, pace._limits.own_tokens):
        total = limit._used
        limit.recount()
        assert limit._used == total
    in_flight = pace._limits.recovery._in_flight
    assert in_flight == 0


@dataclass
class Storm:
    """Calls of all kinds over one queue."""

    pace: Pace
    limits: Limits
    done: int = 0
    lock: Any = None

    def count(self, went: bool) -> None:
        with self.lock:
            self.done += went

    def in_thread(self, number: int) -> None:
        seconds = 0.02 if number % 5 == 0 else 20.0
        self.count(run_blocking(used(self.pace, threads(), self.limits, seconds)))

    async def _gathered(self) -> None:
        tasks = [
            asyncio.create_task(used(self.pace, loop(), self.limits, work=n % 3 / 1000))
            for n in range(40)
        ]
        await asyncio.sleep(0.05)
        for task in tasks[::4]:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            self.count(outcome is True)

    def on_asyncio(self) -> None:
        asyncio.run(self._gathered())

    def on_trio(self) -> None:
        async def one() -> None:
            self.count(await used(self.pace, loop(), self.limits))

        async def main() -> None:
            async with trio.open_nursery() as nursery:
                for _ in range(30):
                    nursery.start_soon(one)
                await trio.sleep(0.05)
                with trio.move_on_after(0.02):
                    await one()

        trio.run(main)

    def closed_dirty(self) -> None:
        """A loop that is closed with its calls in the queue, and is collected some time."""
        abandoned(self.pace, self.limits, 10, work=0.01)


def abandoned(pace: Pace, limits: Limits, count: int, work: float = 0.0) -> None:
    loop_ = asyncio.new_event_loop()
    loop_.set_exception_handler(lambda *_: None)

    async def main() -> None:
        tasks = [loop_.create_task(used(pace, loop(), limits, work=work)) for _ in range(count)]
        await asyncio.sleep(0.03)
        box: list[object] = [tasks]
        box.append(box)  # a cycle, as tracebacks and fixtures make them

    loop_.run_until_complete(main())
    loop_.close()


@pytest.mark.filterwarnings("ignore")
def test_a_storm_leaves_nothing_behind() -> None:
    storm = Storm(Pace(), Limits(requests_per_minute=60, tokens_per_minute=100))
    storm.lock = threading.Lock()
    jobs: list[Callable[[], None]] = [
        *(lambda n=n: storm.in_thread(n) for n in range(60)),  # type: ignore[misc]
        *[storm.on_asyncio] * 2,
        *[storm.on_trio] * 2,
        *[storm.closed_dirty] * 4,
    ]
    random.Random(0).shuffle(jobs)
    running = [threading.Thread(target=job, daemon=True) for job in jobs]
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for thread in running:
            thread.start()
        time.sleep(0.3)
    finally:
        gc.set_threshold(*before)
    for thread in running:
        thread.join(40)
        assert not thread.is_alive()
    gc.collect()
    assert_empty(storm.pace)
    assert storm.done >= 48 + 2 * 30 + 2 * 30


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("due", range(0, 400, 9))
def test_coroutines_may_be_collected_at_any_time(due: int) -> None:
    pace, limits = Pace(), Limits(requests_per_minute=1)
    pace.hold(time.monotonic() + 30)
    gc.collect()
    gc.disable()
    try:
        abandoned(pace, limits, 3)
        before = gc.get_threshold()
        gc.set_threshold(gc.get_count()[0] + due)
        gc.enable()
        for _ in range(3):
            run_blocking(used(pace, threads(), limits, 0.001))
        gc.set_threshold(*before)
    finally:
        gc.enable()
    gc.collect()
    assert_empty(pace)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("collect", [True, False])
def test_who_waits_behind_a_closed_loop_comes_soon(collect: bool) -> None:
    pace, limits = Pace(), Limits(requests_per_minute=1)
    run_blocking(used(pace, threads(), limits))
    gc.disable()
    try:
        abandoned(pace, limits, 200)
        if collect:
            gc.collect()
        start = time.monotonic()
        assert run_blocking(used(pace, threads(), limits))
        assert time.monotonic() - start < MINUTE + 1.5
    finally:
        gc.enable()


@pytest.mark.filterwarnings("ignore")
def test_who_waits_behind_a_loop_that_stopped_comes_soon_and_the_loop_may_go_on() -> None:
    pace, limits = Pace(), Limits(requests_per_minute=2)
    for _ in range(2):
        run_blocking(used(pace, threads(), limits))
    stopped = asyncio.new_event_loop()
    tasks: list[asyncio.Task[bool]] = []

    async def begin() -> None:
        tasks.extend(stopped.create_task(used(pace, loop(), limits)) for _ in range(20))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    stopped.run_until_complete(begin())
    start = time.monotonic()
    for _ in range(3):
        assert run_blocking(used(pace, threads(), limits))
    assert time.monotonic() - start < 2 * MINUTE + 1.5

    async def end() -> list[bool]:
        return await asyncio.gather(*tasks)

    assert stopped.run_until_complete(end()) == [True] * 20
    stopped.close()
    assert_empty(pace)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("ending", ["answered", "cancelled"])
def test_what_makes_room_for_a_loop_that_is_gone_makes_it_for_the_next(
    closed: bool, ending: str
) -> None:
    pace, port = Pace(), threads()
    reports = {"x-ratelimit-limit-rpm": "1", "x-ratelimit-remaining-rpm": "1"}
    for _ in range(2):  # the second stays on its way, and nobody knows until when
        under_way = run_blocking(turn_of(pace, port, Limits()))
        assert under_way is not None
        if not pace._limits.reported_requests.limit:
            pace.ended(under_way, port.now(), Answer(200, reports, b""))
    gone = asyncio.new_event_loop()
    tasks: list[asyncio.Task[bool]] = []

    async def begin() -> None:
        tasks.append(gone.create_task(used(pace, loop(), Limits())))
        for _ in range(3):
            await asyncio.sleep(0)

    gone.run_until_complete(begin())
    if closed:
        gone.close()
    went: list[bool] = []
    behind = threading.Thread(
        target=lambda: went.append(run_blocking(used(pace, threads(), Limits()))), daemon=True
    )
    behind.start()
    time.sleep(0.1)
    if ending == "answered":
        pace.ended(under_way, port.now(), Answer(200, reports, b""))
    pace.leave(under_way, port.now())
    if ending == "cancelled":  # it may have counted, so that only an end of the window tells more
        pace._limits.reported_requests._left = 1
    start = time.monotonic()
    behind.join(5)
    assert went == [True]
    assert time.monotonic() - start < (0.5 if closed else 1.5)
    if not closed:
        tasks[0].cancel()
        gone.run_until_complete(asyncio.wait(tasks))
        gone.close()


def test_what_is_never_answered_counts_until_its_deadline() -> None:
    """As after a Ctrl-C in a notebook, where the traceback keeps the call."""
    pace, limits = Pace(), Limits(requests_per_minute=2)
    port = threads()
    for _ in range(2):
        assert run_blocking(turn_of(pace, port, limits, 0.1)) is not None
    assert len(pace._limits.in_flight) == 2
    start = time.monotonic()
    assert run_blocking(used(pace, port, limits))
    assert 0.1 + MINUTE < time.monotonic() - start < 2.5  # a second more than the deadline


def test_a_waiting_call_is_not_kept_alive() -> None:
    pace, limits = Pace(), Limits()
    pace.hold(time.monotonic() + 60)

    async def main() -> weakref.ref[Turn]:
        port = loop()
        turn = pace.queue(1, Budget(port, 60))
        turn.event = port.event()
        assert pace.ask(turn, port.now(), limits) is not None
        return weakref.ref(turn)

    gone = asyncio.run(main())
    gc.collect()
    assert gone() is None
    assert pace._waiting.first(0.0) is None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_signals_may_come_at_any_time() -> None:
    """Handlers that raise, as Ctrl-C does, and handlers that call."""
    pace, limits = Pace(), Limits(requests_per_minute=100_000, tokens_per_minute=100_000)
    chance, port = random.Random(0), threads()

    def interrupt(_: int, frame: FrameType | None) -> None:
        # One at a time: a second signal would free a thread that waits for its own lock.
        ours = frame is not None and "assisters_rerank/pace/" in frame.f_code.co_filename.replace(
            "\\", "/"
        )
        raises = chance.random() < 0.5
        if time.monotonic() > ends:
            return
        if ours and not raises:
            run_blocking(used(pace, port, limits, 0.1))
        signal.setitimer(signal.ITIMER_REAL, 0.0003)
        if ours and raises:
            raise KeyboardInterrupt

    ends = time.monotonic() + 1.5
    before = signal.signal(signal.SIGALRM, interrupt)
    met = 0
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        while time.monotonic() < ends + 0.1:
            try:
                for _ in range(1000):
                    run_blocking(used(pace, port, limits, 0.1))
            except KeyboardInterrupt:
                met += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert met > 50
    # What was interrupted before it could say that it leaves, ends with its deadline.
    time.sleep(0.1 + 1.0)
    pace._locked(lambda: pace._limits._end_the_overdue(time.monotonic()), time.monotonic())
    assert_empty(pace)


def test_a_loop_and_threads_take_turns_in_order() -> None:
    pace, limits = Pace(), Limits(requests_per_minute=1)
    run_blocking(used(pace, threads(), limits))
    order: list[str] = []

    async def named(port: Port, name: str) -> None:
        assert await used(pace, port, limits)
        order.append(name)

    async def main(names: str) -> None:
        await asyncio.gather(*(named(loop(), name) for name in names))

    running = []
    for name in "abcd":
        target = (
            (lambda name=name: run_blocking(named(threads(), name)))
            if name in "ac"
            else (lambda name=name: asyncio.run(main(name)))
        )
        running.append(threading.Thread(target=target))
        running[-1].start()
        time.sleep(0.04)
    for thread in running:
        thread.join(10)
    assert order == list("abcd")


def test_who_leaves_in_the_middle_of_the_queues_work_is_settled_after_it() -> None:
    """As from the finalizer of a coroutine that is collected there, in the same thread."""
    pace, port = Pace(), threads()
    turn = run_blocking(turn_of(pace, port, Limits()))
    assert turn is not None
    seen: list[bool] = []

    def middle() -> None:
        pace.leave(turn, port.now())
        seen.append(turn.ticket in pace._limits.in_flight)

    pace._locked(middle, port.now())
    assert seen == [True]
    assert_empty(pace)


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_totals_are_right_again_after_one_interrupt_upon_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace = Pace()
    turn = pace.queue(3)
    assert pace.ask(turn, 0.0, Limits(requests_per_minute=9, tokens_per_minute=9)) is None
    with monkeypatch.context() as patch:
        patch.setattr(rate_limits.OwnLimit, "ended", interrupted)  # in the middle of the change
        patch.setattr(rate_limits.OwnLimit, "recount", interrupted)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                pace.ended(turn, 1.0)
    assert_empty(pace)

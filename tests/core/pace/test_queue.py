"""The queue against a simulated server: never too fast, never for ever, first come first served."""

from __future__ import annotations

import math
from collections.abc import Sequence
from email.utils import formatdate

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assisters_rerank.call.budget import Budget
from assisters_rerank.pace.queue import Pace
from assisters_rerank.pace.waiting import Turn
from assisters_rerank.wire.messages import Answer

from ..scripted_port import ScriptedPort
from .simulated_limits import UNIX, Job, Limits, Server, Simulation, Wakes

FREE = Limits()

delays = st.floats(0.0, 0.4)
jobs = st.builds(Job, st.floats(0, 100), st.integers(1, 30), delays, st.floats(0, 3), delays)
# Headers are the server's word on its window: how a server counts its answers must not matter.
servers = st.builds(
    Server,
    requests=st.integers(1, 12),
    told=st.sampled_from(["let in", "answered"]),
    reset_in=st.sampled_from(["unix", "seconds"]),
    retry_after=st.booleans(),
)


def told(limit: int, remaining: int, reset: float | None = None, date: int | None = None) -> Answer:
    """An answer with these figures for requests, sent at this second of the server's."""
    headers = {"X-RateLimit-Limit-RPM": str(limit), "X-RateLimit-Remaining-RPM": str(remaining)}
    headers |= {} if reset is None else {"X-RateLimit-Reset-RPM": str(reset)}
    headers |= {} if date is None else {"Date": formatdate(int(UNIX) + date, usegmt=True)}
    return Answer(200, httpx.Headers(headers), b"")


def together(count: int, **delays: float) -> list[Job]:
    return [Job(**delays) for _ in range(count)]


def played(jobs: Sequence[Job], server: Server | None = None, limits: Limits = FREE) -> Simulation:
    """All of them through, to the end."""
    simulation = Simulation(server or Server(), limits)
    for job in jobs:
        simulation.add(job)
    simulation.play()
    assert all(run.done is not None for run in simulation.runs)
    assert not simulation.pace._waiting
    assert not simulation.pace._limits.in_flight
    return simulation


def wait_of(pace: Pace, turn: Turn, now: float, limits: Limits = FREE) -> float:
    """0 if it goes; else it waits in line: the seconds that are sure, or how soon to ask again."""
    turn.event = turn.event or Wakes(lambda: None, "a loop")
    wait = pace.ask(turn, now, limits)
    return 0.0 if wait is None else wait.at_least or wait.at_most


def refusals(simulation: Simulation) -> list[int]:
    return [len(run.refused) for run in simulation.runs]


# --- the user's own limits ---


@given(jobs=st.lists(jobs, min_size=1, max_size=25), limit=st.integers(1, 12))
@example(jobs=[Job(work=59.9), *[Job(work=0.0)] * 20], limit=10)
@example(jobs=[Job(up=30.0), *[Job(up=0.0)] * 20], limit=10)
def test_no_more_requests_in_any_minute_than_the_user_wants(jobs: list[Job], limit: int) -> None:
    simulation = played(jobs, limits=Limits(requests_per_minute=limit))
    assert simulation.server.most_in_a_minute()[0] <= limit


@given(jobs=st.lists(jobs, min_size=1, max_size=25), limit=st.integers(30, 120))
def test_no_more_tokens_in_any_minute_than_the_user_wants(jobs: list[Job], limit: int) -> None:
    simulation = played(jobs, limits=Limits(tokens_per_minute=limit))
    assert simulation.server.most_in_a_minute()[1] <= limit


@given(
    jobs=st.lists(jobs, min_size=1, max_size=25),
    requests=st.integers(1, 12),
    tokens=st.integers(30, 120),
)
def test_both_limits_hold_at_once(jobs: list[Job], requests: int, tokens: int) -> None:
    simulation = played(jobs, limits=Limits(requests, tokens))
    most = simulation.server.most_in_a_minute()
    assert most[0] <= requests
    assert most[1] <= tokens


@given(
    jobs=st.lists(jobs, min_size=1, max_size=30),
    limit=st.integers(1, 12),
    kind=st.sampled_from(["fixed", "rolling"]),
)
def test_a_server_with_the_limit_that_the_user_set_never_refuses(
    jobs: list[Job], limit: int, kind: str
) -> None:
    server = Server(limit, kind=kind, told="never")  # type: ignore[arg-type]
    assert not any(refusals(played(jobs, server, Limits(requests_per_minute=limit))))


@given(limit=st.integers(1, 12), count=st.integers(1, 40), work=st.floats(0, 5))
def test_own_limits_hold_back_no_longer_than_they_have_to(
    limit: int, count: int, work: float
) -> None:
    simulation = played(together(count, work=work), limits=Limits(requests_per_minute=limit))
    windows = math.ceil(count / limit) - 1
    # A minute by the ends of its requests, and a look-again of at most a second.
    assert max(run.let_go[0] for run in simulation.runs) <= windows * (60 + work + 1.1)


@given(jobs=st.lists(jobs, min_size=2, max_size=25), limit=st.integers(1, 12))
def test_own_limits_serve_who_came_first(jobs: list[Job], limit: int) -> None:
    simulation = played(jobs, limits=Limits(requests_per_minute=limit))
    came = [run.job.comes for run in simulation.order]
    assert came == sorted(came)


@given(
    jobs=st.lists(jobs, min_size=1, max_size=20),
    large=st.integers(100, 1000),
    comes=st.floats(0, 100),
)
def test_more_tokens_than_a_minute_has_go_alone(jobs: list[Job], large: int, comes: float) -> None:
    simulation = Simulation(Server(), Limits(tokens_per_minute=60))
    for job in jobs:
        simulation.add(job)
    giant = simulation.add(Job(comes, large))
    simulation.play()
    others = [at for at, tokens in simulation.server.admitted if tokens != large]
    (alone,) = (at for at, tokens in simulation.server.admitted if tokens == large)
    assert giant.done is not None
    assert not any(alone - 60 < at < alone + 60 for at in others)


def test_a_cancelled_request_that_waits_gives_its_place_up() -> None:
    simulation = Simulation(Server(), Limits(requests_per_minute=1))
    first, second, third = (simulation.add(Job(float(i))) for i in range(3))
    simulation.play(until=5)
    assert (first.done, second.done) == (pytest.approx(0.07), None)
    simulation.leave(second)
    simulation.play()
    assert third.done is not None
    # It may have been told to look again in a while, but waits for no minute of the second's.
    assert third.let_go[0] <= 62


def test_a_cancelled_request_that_was_sent_counts_for_a_minute() -> None:
    simulation = Simulation(Server(), Limits(requests_per_minute=1))
    cancelled, second = simulation.add(Job(100, work=5)), simulation.add(Job(101))
    simulation.at(100.5, lambda: simulation.leave(cancelled))
    simulation.play()
    assert second.let_go == [pytest.approx(160.5)]  # from when the first was cancelled


def test_a_call_that_has_failed_stands_before_nobody() -> None:
    # Its threads may be asleep still, and have not given their places up.
    pace, port = Pace(), ScriptedPort([])
    limits = Limits(requests_per_minute=1)
    failing = Budget(port, 300)
    failed = pace.queue(time=failing)
    gone = pace.queue()
    assert wait_of(pace, gone, port.now(), limits) == 0
    pace.ended(gone, port.now())
    assert wait_of(pace, failed, port.now(), limits) > 0
    turn = pace.queue(time=Budget(port, 300))
    assert wait_of(pace, turn, port.now(), limits) > 0
    failing.end()
    port.clock += 61
    assert wait_of(pace, turn, port.now(), limits) == 0


@given(
    jobs=st.lists(jobs, min_size=1, max_size=30),
    limit=st.integers(1, 6),
    gone=st.dictionaries(st.integers(0, 29), st.floats(0, 100), max_size=8),
)
@example(
    jobs=[Job(0, work=80.0), Job(0, work=49.98), Job(60, work=0), Job(60.1, work=0)],
    limit=2,
    gone={0: 51.0},
)
def test_cancelled_requests_leave_nothing_behind_and_open_no_gap(
    jobs: list[Job], limit: int, gone: dict[int, float]
) -> None:
    simulation = Simulation(Server(), Limits(requests_per_minute=limit))
    runs = [simulation.add(job) for job in jobs]
    for place, at in gone.items():
        if place < len(runs):
            run = runs[place]
            simulation.at(at, lambda run=run: simulation.leave(run))  # type: ignore[misc]
    simulation.play()
    assert all(run.done is not None or run.left for run in runs)
    assert simulation.server.most_in_a_minute()[0] <= limit
    pace = simulation.pace
    assert (bool(pace._waiting), pace._limits.in_flight, pace._limits.tokens_in_flight) == (
        False,
        {},
        0,
    )


@pytest.mark.parametrize("count", [500, 2000])
@pytest.mark.parametrize("loops", [1, 5])
@pytest.mark.parametrize("limits", [FREE, Limits(100), Limits(tokens_per_minute=100)])
def test_each_waiting_call_looks_only_a_few_times(count: int, loops: int, limits: Limits) -> None:
    simulation = Simulation(Server(100), limits)
    for number in range(count):
        simulation.add(Job(number / 1000)).line = f"loop {number % loops}"
    for _ in range(10):
        simulation.play()
    assert all(run.done is not None for run in simulation.runs)
    assert sum(run.asked for run in simulation.runs) < 4 * count


# --- what the server tells ---


@given(server=servers, gaps=st.lists(st.floats(0, 70), min_size=1, max_size=40), work=delays)
def test_in_sequence_nothing_is_refused(server: Server, gaps: list[float], work: float) -> None:
    simulation = Simulation(server)
    for gap in gaps:
        run = simulation.add(Job(simulation.now + gap, work=work))
        simulation.play()
        assert run.done is not None
        assert run.refused == []
        assert run.let_go[0] - run.job.comes <= 63  # the window, and whole seconds


@given(gaps=st.lists(st.floats(0, 70), min_size=1, max_size=25), limit=st.integers(1, 12))
def test_in_sequence_nothing_is_refused_by_rolling_windows(gaps: list[float], limit: int) -> None:
    simulation = Simulation(Server(limit, kind="rolling"))
    for gap in gaps:
        run = simulation.add(Job(simulation.now + gap))
        simulation.play()
        assert run.refused == []


@given(
    server=servers,
    jobs=st.lists(
        st.builds(Job, st.floats(0, 0.3), st.just(1), delays, delays, delays),
        min_size=1,
        max_size=40,
    ),
)
def test_a_cold_burst_is_refused_once_at_most(server: Server, jobs: list[Job]) -> None:
    simulation = played(jobs, server)
    assert max(refusals(simulation)) <= 1


@given(server=servers, jobs=st.lists(jobs, min_size=1, max_size=40))
def test_who_is_let_go_knowing_the_limit_is_not_refused(server: Server, jobs: list[Job]) -> None:
    simulation = played(jobs, server)
    late = [at for run in simulation.runs for at in run.refused if at > simulation.first_answer]
    assert late == []


@given(server=servers, jobs=st.lists(jobs, min_size=1, max_size=40))
def test_learned_limits_hold_nobody_for_ever(server: Server, jobs: list[Job]) -> None:
    simulation = played(jobs, server)
    assert server.requests is not None
    # All refused or let in, and one window more than the count needs.
    windows = math.ceil(len(jobs) / server.requests) + 1
    ends = max(job.comes + job.up + job.work + job.down for job in jobs)
    last = max(run.let_go[-1] for run in simulation.runs)
    assert last <= ends + windows * 66


@given(
    server=st.builds(
        Server,
        requests=st.integers(1, 12),
        kind=st.just("rolling"),
        told=st.sampled_from(["let in", "answered", "never"]),
        reset_in=st.sampled_from(["unix", "seconds", "no"]),
        dated=st.booleans(),
    ),
    jobs=st.lists(jobs, min_size=1, max_size=30),
)
def test_whatever_the_server_tells_everybody_gets_through(server: Server, jobs: list[Job]) -> None:
    played(jobs, server)


def _token_burst(told: str) -> Simulation:
    server = Server(tokens=100, told=told)  # type: ignore[arg-type]
    return played([Job(tokens=20, work=i / 100) for i in range(25)], server)


@pytest.mark.parametrize("told", ["let in", "answered"])
def test_a_cold_burst_of_many_tokens_is_refused_once_at_most(told: str) -> None:
    assert max(refusals(_token_burst(told))) <= 1


@given(
    jobs=st.lists(st.builds(Job, st.floats(0, 0.3), st.integers(1, 30)), min_size=1, max_size=30),
    limit=st.integers(30, 120),
)
def test_tokens_are_learned_like_requests(jobs: list[Job], limit: int) -> None:
    simulation = played(jobs, Server(tokens=limit))
    late = [at for run in simulation.runs for at in run.refused if at > simulation.first_answer]
    assert late == []


@given(server=servers, count=st.integers(2, 40))
def test_learned_limits_serve_who_came_first(server: Server, count: int) -> None:
    simulation = played([Job(), *(Job(5 + i / 1000) for i in range(count))], server)
    latest = 0.0
    for run in simulation.runs:
        # Where there is room for both, a later one may look again up to a second sooner.
        assert run.let_go[0] >= latest - 1.1
        latest = max(latest, run.let_go[0])


# --- single answers ---


def let_go(pace: Pace, now: float, count: int) -> list[float]:
    """What each of so many new requests is told, which all stay where they are."""
    turns = [pace.queue(1) for _ in range(count)]
    return [wait_of(pace, turn, now) for turn in turns]


def after(*answers: Answer | None, now: float = 0.0) -> Pace:
    """A pace after these answers, which came one by one."""
    pace = Pace()
    for answer in answers:
        turn = pace.queue(1)
        assert wait_of(pace, turn, now) == 0
        pace.ended(turn, now, answer)
        pace.leave(turn, now)
    return pace


def test_nothing_told_nothing_held() -> None:
    assert let_go(after(Answer(200, httpx.Headers(), b"")), 0.0, 100) == [0.0] * 100


def test_what_is_left_is_let_go_and_no_more() -> None:
    waits = let_go(after(told(10, 3, 30)), 0.0, 5)
    assert waits[:3] == [0, 0, 0]
    assert all(wait > 0 for wait in waits[3:])


def test_nothing_left_waits_until_the_window_ends() -> None:
    pace = after(told(10, 0, 30))
    assert let_go(pace, 0.0, 1) == [30]
    assert let_go(pace, 29.5, 1) == [0.5]


def test_a_negative_rest_is_none() -> None:
    assert let_go(after(told(10, -5, 30)), 0.0, 1) == [30]


def test_a_rest_without_a_reset_is_asked_for_by_one_request_alone() -> None:
    waits = let_go(after(told(10, 0)), 0.0, 5)
    assert waits[0] == 0
    assert all(wait > 0 for wait in waits[1:])


def test_a_later_window_brings_room_though_the_known_one_is_not_over_yet() -> None:
    pace = after(told(10, 0, 30))
    turn = pace.queue(1)
    assert wait_of(pace, turn, 30.0) == 0
    pace.ended(turn, 30.5, told(10, 9, 60))
    assert let_go(pace, 31.0, 9) == [0] * 9


def test_an_answer_that_was_overtaken_does_not_bring_room_back() -> None:
    pace = after(told(10, 9, 60))
    first, second = pace.queue(1), pace.queue(1)
    assert wait_of(pace, first, 1.0) == wait_of(pace, second, 1.0) == 0
    pace.ended(first, 2.0, told(10, 0, 58))  # the later one to be counted
    pace.ended(second, 2.1, told(10, 8, 58))
    assert let_go(pace, 2.2, 1)[0] > 0


def test_an_end_that_is_a_second_later_is_of_the_same_window() -> None:
    # Both were let in 30 s before the window's end; the first one's answer took longer, and its
    # date, to which the seconds are added, is of the next second.
    pace = after(told(10, 9, 31, date=0))
    first, second = pace.queue(1), pace.queue(1)
    assert wait_of(pace, first, 1.0) == wait_of(pace, second, 1.0) == 0
    pace.ended(second, 1.5, told(10, 0, 30, date=1))
    pace.ended(first, 2.1, told(10, 8, 30, date=2))
    assert let_go(pace, 2.2, 1)[0] > 0


def test_what_has_not_arrived_yet_is_not_left() -> None:
    pace = after(told(10, 10, 60))
    turns = [pace.queue(1) for _ in range(10)]
    assert [wait_of(pace, turn, 1.0) for turn in turns] == [0] * 10
    pace.ended(turns[-1], 1.1, told(10, 9, 60))  # overtook the other nine
    assert let_go(pace, 1.2, 1)[0] > 0


def test_who_crosses_the_end_of_a_window_counts_in_the_next() -> None:
    pace = after(told(10, 4, 30))
    assert let_go(pace, 29.9, 4) == [0] * 4
    waits = let_go(pace, 30.1, 10)
    assert waits.count(0) == 6


@pytest.mark.parametrize("answer", [None, Answer(502, httpx.Headers(), b"")])
def test_a_lost_request_counts_until_the_window_ends_and_no_longer(answer: Answer | None) -> None:
    pace = after(told(1, 1, 30))
    turn = pace.queue(1)
    assert wait_of(pace, turn, 1.0) == 0
    pace.ended(turn, 2.0, answer)  # nothing told: it may have counted, or not
    pace.leave(turn, 2.0)
    later = pace.queue(1)
    assert wait_of(pace, later, 2.0) == 28
    assert wait_of(pace, later, 30.0) == 0


def test_a_hold_is_for_all_and_only_ever_grows() -> None:
    pace = Pace()
    pace.hold(20.0)
    pace.hold(10.0)
    assert let_go(pace, 5.0, 3) == [15.0] * 3
    assert let_go(pace, 20.0, 3) == [0.0] * 3


def test_a_hold_and_a_limit_are_waited_for_at_once_not_one_after_the_other() -> None:
    pace = after(told(10, 0, 30))
    pace.hold(40.0)
    assert let_go(pace, 0.0, 1) == [40.0]


def test_leaving_twice_and_ending_twice_changes_nothing() -> None:
    pace = Pace()
    limits = Limits(requests_per_minute=2)
    turn = pace.queue(1)
    assert wait_of(pace, turn, 0.0, limits) == 0
    for _ in range(3):
        pace.ended(turn, 1.0)
        pace.leave(turn, 1.0)
    assert (pace._limits.in_flight, pace._limits.own_requests._used) == ({}, 1)
    assert wait_of(pace, pace.queue(1), 1.0, limits) == 0
    assert wait_of(pace, pace.queue(1), 1.0, limits) > 0


def test_a_child_starts_with_nothing() -> None:
    pace = after(told(10, 0, 30))
    pace.hold(100.0)
    pace.queue(1)
    pace._lock.acquire()  # as some other thread of the parent may have had it
    pace.start_anew()
    assert let_go(pace, 0.0, 50) == [0.0] * 50


@settings(max_examples=30)
@given(jobs=st.lists(jobs, min_size=10, max_size=60))
def test_memory_is_bounded(jobs: list[Job]) -> None:
    simulation = played(jobs, limits=Limits(60, 1000))
    simulation.now += 61
    wait_of(simulation.pace, simulation.pace.queue(1), simulation.now, simulation.limits)
    assert len(simulation.pace._limits.own_requests._ended) == 0
    assert len(simulation.pace._limits.own_tokens._ended) == 0

"""After refusals by a server that reports no limit: a probe, then carefully more."""

from __future__ import annotations

from collections import Counter

import pytest

from .simulated_limits import Job, Server, Simulation


def herd(calls: int, server: Server, seed: int = 0, **work: float) -> Simulation:
    """Calls that all come at once, to the end; a back-off is shortened as at random."""
    simulation = Simulation(server, first_wait=0.25 + 0.25 * (seed % 10) / 9)
    for _ in range(calls):
        simulation.add(Job(**work))
    simulation.play()
    assert all(run.done is not None for run in simulation.runs)
    return simulation


@pytest.mark.parametrize("retry_after", [True, False])
@pytest.mark.parametrize("kind", ["fixed", "rolling"])
@pytest.mark.parametrize("work", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("seed", range(10))
def test_a_herd_is_answered_soon_with_few_refusals_a_window(
    retry_after: bool, kind: str, work: float, seed: int
) -> None:
    server = Server(10, window=2.0, kind=kind, told="never", retry_after=retry_after)  # type: ignore[arg-type]
    simulation = herd(60, server, seed, up=0.001, work=work, down=0.001)
    assert max(run.done for run in simulation.runs if run.done is not None) < 30
    refused = Counter(int(at // 2) for run in simulation.runs for at in run.refused if at >= 2)
    assert max(refused.values(), default=0) <= 6


@pytest.mark.parametrize("retry_after", [True, False])
@pytest.mark.parametrize("kind", ["fixed", "rolling"])
def test_most_of_an_unreported_limit_is_used(retry_after: bool, kind: str) -> None:
    server = Server(500, kind=kind, told="never", retry_after=retry_after)  # type: ignore[arg-type]
    simulation = herd(2500, server, work=0.28)
    took = max(run.let_go[-1] for run in simulation.runs)
    assert took / 60 >= 2500 / 500 - 1  # no faster than the limit
    assert 2000 / (took / 60) >= 0.8 * 500  # the first 500 went at once


@pytest.mark.parametrize("parallel", [1, 4, 10])
def test_a_limit_on_parallel_requests_is_found_without_bursts(parallel: int) -> None:
    class Gateway(Server):
        under_way = 0

        def admit(self, tokens: int, now: float) -> bool:
            if self.under_way >= parallel:
                return False
            self.under_way += 1
            simulation.at(now + 0.3, self.end)
            return True

        def end(self) -> None:
            self.under_way -= 1

    simulation = Simulation(Gateway(told="never", retry_after=False))
    for _ in range(200):
        simulation.add(Job(work=0.3))
    simulation.play()
    assert all(run.done is not None for run in simulation.runs)
    refusals = sum(len(run.refused) for run in simulation.runs)
    assert refusals <= 200 + 200
    late = Counter(int(at) for run in simulation.runs for at in run.refused if at > 0)
    assert max(late.values(), default=0) <= parallel + 1
    took = max(run.done for run in simulation.runs if run.done is not None)
    assert took <= 3 * 200 * 0.32 / parallel + 10


def test_after_a_quiet_minute_all_go_at_once_again() -> None:
    simulation = herd(20, Server(10, window=2.0, told="never"))
    pace = simulation.pace
    assert pace._limits.recovery.is_careful
    later = simulation.now + 70
    simulation.server.requests = None
    runs = [simulation.add(Job(later)) for _ in range(30)]
    simulation.play()
    assert [run.let_go for run in runs] == [[later]] * 30


def test_a_probe_that_is_never_answered_holds_nobody_for_long() -> None:
    simulation = Simulation(Server(1, window=2.0, told="never"))
    first, lost, *others = (simulation.add(Job(work=0.0)) for _ in range(5))
    simulation.play(until=0.5)
    assert (first.done, lost.done) != (None, None)
    answered = simulation._answered
    simulation._answered = (  # type: ignore[method-assign]
        lambda run, answer: None if run is lost else answered(run, answer)
    )
    simulation.play(until=60)
    assert all(run.done is not None for run in others)


def test_refusals_that_a_reported_limit_explains_need_no_more_care() -> None:
    simulation = herd(40, Server(10, told="answered"))
    assert not simulation.pace._limits.recovery.is_careful
    assert max(len(run.refused) for run in simulation.runs) <= 1

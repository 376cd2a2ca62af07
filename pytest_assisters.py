"""pytest fixtures for users' own tests: a local server, which needs no key, and a gate.

    def test_search(assisters_server, monkeypatch):
        monkeypatch.setenv("ASSISTERS_BASE_URL", assisters_server.base_url)
        ...
        assert len(assisters_server.requests) == 1

pytest finds them by itself where the package is installed; `-p no:assisters_rerank` leaves them
out. pytest loads this module in every project of everyone who has the package installed, so it
stands outside of the package, and imports nothing of it before a test asks for a server.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from os import PathLike
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from assisters_rerank.evaluate import Evaluation
    from assisters_rerank.local import LocalServer

__all__ = ["assisters_gate", "assisters_server", "assisters_session_server"]


@pytest.fixture
def assisters_server() -> Iterator[LocalServer]:
    """A running `assisters_rerank.local.LocalServer` of the test's own, on a free port.

    Its `base_url` is for clients, its `requests` for assertions. It sets nothing else: no
    environment variable, no key. For other settings make a `LocalServer` in a fixture of your own.
    """
    yield from _running()


@pytest.fixture(scope="session")
def assisters_session_server() -> Iterator[LocalServer]:
    """The same, one for the whole run, or for each worker of pytest-xdist.

    `requests` holds those of all tests; a test that looks at it clears it first.
    """
    yield from _running()


def _running() -> Iterator[LocalServer]:
    from assisters_rerank.local import LocalServer

    with LocalServer() as server:
        yield server


@pytest.fixture
def assisters_gate(request: pytest.FixtureRequest) -> Callable[..., Evaluation]:
    """Fails the test if an evaluation is significantly below a baseline's, query by query.

        def test_the_search_is_no_worse(assisters_gate):
            evaluation = evaluate(*collection_from_retriever(retriever, questions), reranker)
            assisters_gate(evaluation, "tests/baseline.json", measure="nDCG@10")

    `pytest --assisters-update-baseline` writes the file instead. If too few queries differ, the
    test passes with a warning. An evaluation that a failure ended early fails. What is returned is
    the evaluation with its `gates`.
    """
    update = request.config.getoption("--assisters-update-baseline")

    def gate(
        evaluation: Evaluation, baseline: str | PathLike[str], *, measure: str = "nDCG@10"
    ) -> Evaluation:
        from assisters_rerank import ConfigurationError
        from assisters_rerank.evaluate.baseline import held, write_baseline

        try:
            if update:
                write_baseline(baseline, evaluation)
                return evaluation
            compared, problems, doubts = held(baseline, evaluation, measure)
        except ConfigurationError as error:
            pytest.fail(str(error), pytrace=False)
        for doubt in doubts:
            warnings.warn(doubt, stacklevel=2)
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)
        return compared

    return gate


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option that writes baselines."""
    parser.addoption(
        "--assisters-update-baseline",
        action="store_true",
        help="assisters_gate writes the baselines instead of comparing with them.",
    )

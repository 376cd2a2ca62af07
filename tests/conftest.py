"""What holds for all tests: nothing of the machine's settings, a Ctrl-C that works, turns, gc."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .turns import Turns

# What would change where calls go (and who pays for them), or how rich and typer write.
_VARIABLES = {
    "ASSISTERS_API_KEY",
    "ASSISTERS_ASYNC_TRANSPORT",
    "ASSISTERS_BASE_URL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "TERM",
    "PYTHONIOENCODING",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
}

# Before any fixture, of whatever scope: a developer's own key must not be used, nor paid for.
for variable in list(os.environ):
    if variable.upper() in _VARIABLES:
        del os.environ[variable]

# The one authority that is trusted, here and in what the tests start; its key was thrown away. Each
# httpx client of a test's own reads all of them, and the machine's 140 take 30 ms.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("authority.pem"))

# A run in the background ignores Ctrl-C, and so would every command that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# More would each import all of it again.
_MOST_WORKERS = 4
_TURNS = pytest.StashKey[Turns]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: three for two processors that this process may use.

    A third of the tests' time is waiting, for servers and for clocks.
    """
    usable = len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0))
    return min(usable + usable // 2, _MOST_WORKERS)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Looks for no garbage while 17,000 nodes and 4,800 modules come that all stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Prepares what the workers are given: which tests stay together, and which come last.

    pytest-xdist 3.8 writes an `xdist_group` where pytest 9.2 does not look for a test's id any
    more, and then `--dist loadgroup` spreads a group's tests over all workers without a word.
    """
    if not hasattr(config, "workerinput"):  # without workers there is nothing to give
        return
    for item in items:
        with_group = getattr(item, "_nodeid", item.nodeid)
        if with_group != item.nodeid:
            item._id = type(item._id).parse(with_group)
    # Groups take long, so they begin first; and all workers come to the timed tests at once.
    items.sort(key=lambda item: (is_timed(item), item.get_closest_marker("xdist_group") is None))


def is_timed(item: pytest.Item) -> bool:
    return item.get_closest_marker("timed") is not None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keeps what is there before the first test out of every test's `gc.collect()`."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Keeps the tests that measure time apart from all others, from set-up to teardown."""
    if not hasattr(item.config, "workerinput"):  # without workers there is nobody to keep out
        return (yield)
    if _TURNS not in item.config.stash:
        # The parent of a worker's own folder is the whole run's.
        shared = item.config._tmp_path_factory.getbasetemp().parent
        item.config.stash[_TURNS] = Turns(shared)
    with item.config.stash[_TURNS].take(timed=is_timed(item)):
        return (yield)

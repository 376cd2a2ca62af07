"""The server's library says nothing in the logs of the process in which it runs."""

from __future__ import annotations

import logging

import pytest

from assisters_rerank.local import LocalServer
from assisters_rerank.local.http.rate_limiter import RateLimits

from .raw import answer_to
from .surroundings import BODY, connect, run_python


def test_no_record_of_uvicorns(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with LocalServer(scorer="lexical") as server, connect(server) as client:
        client.post("/rerank", json=BODY)
        answer_to(server.base_url, b"no HTTP\r\n\r\n")
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert client.get("/rerank", headers=upgrade).status_code == 405
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
    logging.getLogger("uvicorn.error").info("of the user's own server")
    assert "of the user's own server" in caplog.text


def test_a_log_of_everything_and_an_application_of_the_users() -> None:
    printed = run_python(
        "import logging, sys\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stdout, format='%(message)s')\n"
        "logging.getLogger('asyncio').setLevel(logging.WARNING)\n"  # it reports in its debug mode
        "from assisters_rerank.local import LocalServer\n"
        "with LocalServer(scorer='lexical'):\n"
        "    logging.getLogger('uvicorn.error').info('theirs')\n"
        "logging.getLogger('uvicorn.access').info('access')\n"
    )
    assert printed == "theirs\naccess\n"


def test_limits_with_a_window_and_nothing_to_count() -> None:
    with pytest.raises(ValueError, match="window: it has no limit"):
        RateLimits(window=5)
    assert RateLimits(1, window=5).window == 5

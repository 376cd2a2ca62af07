from __future__ import annotations

import time

from assisters_rerank.local import LocalServer

from .surroundings import BODY, Steered, connect

WHAT = ("limit", "remaining", "reset")
NAMES = {
    "x-request-id",
    "x-processing-time-ms",
    *(f"x-ratelimit-{what}-{of}" for what in WHAT for of in ("rpm", "tpm")),
}


def test_headers_are_on_every_response() -> None:
    ids = set()
    with (
        LocalServer(api_key="ask_x", scorer=Steered(lambda _: 1 / 0)) as server,
        connect(server) as client,
    ):
        key = {"Authorization": "Bearer ask_x"}
        for expected, response in [
            (200, client.get("/models", headers=key)),
            (400, client.post("/rerank", content=b"{", headers=key)),
            (401, client.post("/rerank", json=BODY)),
            (404, client.get("/nowhere", headers=key)),
            (405, client.get("/rerank", headers=key)),
            (500, client.post("/rerank", json=BODY, headers=key)),
        ]:
            assert response.status_code == expected
            assert set(response.headers) >= NAMES
            assert float(response.headers["x-processing-time-ms"]) >= 0
            ids.add(response.headers["x-request-id"])
    assert len(ids) == 6


def test_what_remains_is_counted() -> None:
    with LocalServer(limits="startup") as server, connect(server) as client:
        first = client.get("/models").headers
        answer = client.post("/rerank", json=BODY)
    second = answer.headers
    limits = ("x-ratelimit-limit-rpm", "x-ratelimit-limit-tpm")
    assert [int(second[name]) for name in limits] == [500, 5_000_000]
    assert int(first["x-ratelimit-remaining-rpm"]) - int(second["x-ratelimit-remaining-rpm"]) == 1
    used = int(first["x-ratelimit-remaining-tpm"]) - int(second["x-ratelimit-remaining-tpm"])
    assert used == answer.json()["usage"]["total_tokens"] > 0
    assert -1 <= int(second["x-ratelimit-reset-rpm"]) - time.time() <= 61


def test_the_time_taken_includes_the_scorer() -> None:
    def slowly(_: str) -> float:
        time.sleep(0.02)
        return 0.5

    with LocalServer(scorer=Steered(slowly)) as server, connect(server) as client:
        headers = client.post("/rerank", json=BODY).headers
    assert float(headers["x-processing-time-ms"]) >= 60

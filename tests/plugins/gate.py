"""A server that answers nobody until enough requests are there at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .vectors import vector_of

PATIENCE = 5.0  # seconds until a request that is still alone is refused


@dataclass(frozen=True)
class Gate:
    """Where the server is, and a semaphore that every request raises when it is there."""

    base_url: str
    arrived: threading.Semaphore


def _answer(content: dict[str, Any]) -> dict[str, object]:
    if "input" in content:
        texts = content["input"]
        data = [{"index": place, "embedding": vector_of(text)} for place, text in enumerate(texts)]
        return {"data": data}
    scores = [
        {"index": index, "relevance_score": 1 / (1 + index)}
        for index in range(len(content["documents"]))
    ]
    return {"results": scores}


@contextmanager
def gate(together: int) -> Iterator[Gate]:
    """A server whose requests succeed only `together` at a time.

    First documents score best; texts have the vectors of `vectors.vector_of`.
    """
    barrier = threading.Barrier(together)
    arrived = threading.Semaphore(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            arrived.release()
            try:
                barrier.wait(PATIENCE)
                status = 200
            except threading.BrokenBarrierError:
                status = 400
            body = json.dumps(_answer(content)).encode()
            with suppress(ConnectionError):  # a cancelled call does not wait for its answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 100
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Gate(f"http://127.0.0.1:{server.server_port}/v1", arrived)
        finally:
            barrier.abort()
            server.shutdown()
            thread.join()

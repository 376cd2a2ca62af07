"""A server that answers nobody until enough requests are there at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE = 5.0  # seconds until a request that is still alone is refused


@dataclass(frozen=True)
class Gate:
    """Where the server is, and a semaphore that every request raises when it is there."""

    base_url: str
    arrived: threading.Semaphore


@contextmanager
def gate(together: int) -> Iterator[Gate]:
    """A server whose requests succeed only `together` at a time; first documents score best."""
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
            scores = [
                {"index": index, "relevance_score": 1 / (1 + index)}
                for index in range(len(content["documents"]))
            ]
            body = json.dumps({"results": scores}).encode()
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

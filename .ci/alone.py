"""Imports one package in an environment that holds nothing but it, and shows that it works.

Usage: python alone.py core|langchain|llama-index
"""

import asyncio
import importlib
import importlib.util
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

PACKAGES = {
    "core": ("assisters_rerank", ("langchain_core", "llama_index", "starlette", "typer", "rich")),
    "langchain": ("langchain_assisters", ("llama_index", "langchain_classic", "starlette")),
    "llama-index": ("llama_index_assisters", ("langchain_core", "starlette")),
}


class Server(BaseHTTPRequestHandler):
    """Scores documents by their length."""

    def do_POST(self) -> None:
        """Answers one rerank."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        scores = [
            {"index": i, "relevance_score": len(text)} for i, text in enumerate(asked["documents"])
        ]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"results": scores}).encode())

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


def main(name: str) -> None:
    """Checks that the others are absent, that a key is asked for, and that calls go through."""
    package, absent = PACKAGES[name]
    present = [other for other in absent if importlib.util.find_spec(other)]
    if present:
        sys.exit(f"{name}: the environment is not alone, it has {present}")
    module = importlib.import_module(package)
    kind = getattr(module, "AssistersRerank", None) or module.Reranker
    try:
        kind().rerank("a question", ["a document"])
    except ValueError as error:
        print(f"{name}: {package} imports alone; without a key it says: {error}")
    else:
        sys.exit(f"{name}: a call without a key went through")
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        reranker = kind(base_url=f"http://127.0.0.1:{server.server_port}")
        for ranking in (
            reranker.rerank("q", ["a", "long"]),
            asyncio.run(reranker.arerank("q", ["a", "long"])),
        ):
            if [ranked.index for ranked in ranking] != [1, 0]:
                sys.exit(f"{name}: wrong ranking {ranking}")
        server.shutdown()
    versions = ", ".join(f"{each} {version(each)}" for each in ("httpx", "pydantic", "anyio"))
    print(f"{name}: sync and async calls go through with {versions}")


main(sys.argv[1])

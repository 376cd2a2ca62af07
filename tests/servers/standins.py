"""Small servers that answer as a published page says the real one does; each names its page.

They are strict about the request: a field, path or key that the real one refuses is refused.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "provider-key-0123456789"
MODEL = "some-model"

Answer = tuple[int, object]
Shape = Callable[[str, dict[str, Any], Mapping[str, str]], Answer]


def score(query: str, text: str) -> float:
    """Words in common, and a little for the length, so that no two texts of the tests are equal."""
    shared = len({*query.lower().split()} & {*text.lower().split()})
    return round(min(0.99, 0.2 * shared + len(text) / 10_000), 6)


def best_first(query: str, texts: list[str], most: int | None = None) -> list[tuple[int, float]]:
    ranked = sorted(((i, score(query, text)) for i, text in enumerate(texts)), key=lambda s: -s[1])
    return ranked[:most]


def tei(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    """https://huggingface.github.io/text-embeddings-inference: POST /rerank, batches of 32."""
    if path != "/rerank":
        return 404, ""
    if unknown := body.keys() - {"query", "texts", "truncate", "raw_scores", "return_text"}:
        return 422, {"error": f"unknown field {unknown}", "error_type": "Validation"}
    if len(body["texts"]) > 32:
        message = f"batch size {len(body['texts'])} > maximum allowed batch size 32"
        return 422, {"error": message, "error_type": "Validation"}
    return 200, [{"index": i, "score": s} for i, s in best_first(body["query"], body["texts"])]


def sglang(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    """https://docs.sglang.ai/supported_models/rerank_models.html: a list, in its own order."""
    if path != "/v1/rerank":
        return 404, {"detail": "Not Found"}
    meta = {"id": "x", "prompt_tokens": 9}
    return 200, [
        {"score": s, "document": None, "index": i, "meta_info": meta}
        for i, s in best_first(body["query"], body["documents"])
    ]


def voyage(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    """https://docs.voyageai.com/reference/reranker-api: `data`, `top_k`, unknown fields refused."""
    if headers.get("authorization") != f"Bearer {KEY}":
        return 401, {"detail": "Provided API key is invalid."}
    known = {"query", "documents", "model", "top_k", "return_documents", "truncation"}
    if path != "/v1/rerank" or body.keys() - known:
        return 400, {"detail": "Argument is not supported by our API."}
    data = [
        {"relevance_score": s, "index": i}
        for i, s in best_first(body["query"], body["documents"], body.get("top_k"))
    ]
    usage = {"total_tokens": 26}
    return 200, {"object": "list", "data": data, "model": body["model"], "usage": usage}


def mixedbread(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    """https://www.mixedbread.com/api-reference/endpoints/reranking: ten results unless told."""
    if headers.get("authorization") != f"Bearer {KEY}":
        return 401, {"detail": "Invalid API key"}
    if path != "/v1/reranking":
        return 404, {"detail": "Not Found"}
    most = body.get("top_k", 10)
    data = [
        {"index": i, "score": s, "input": None, "object": "rank_result"}
        for i, s in best_first(body["query"], body["input"], most)
    ]
    usage = {"prompt_tokens": 20, "total_tokens": 20}
    return 200, {"usage": usage, "model": body["model"], "data": data, "top_k": most}


def pinecone(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    """https://docs.pinecone.io/reference/api/2026-07/inference/rerank-results."""
    if headers.get("api-key") != KEY:
        return 401, "Invalid API Key"
    if path != "/rerank" or "x-pinecone-api-version" not in headers:
        return 404, ""
    if not all(isinstance(document, dict) for document in body["documents"]):
        return 400, {"error": {"code": "INVALID_ARGUMENT", "message": "documents"}, "status": 400}
    if len(body["documents"]) > 100:
        return 400, {"error": {"code": "INVALID_ARGUMENT", "message": "too many"}, "status": 400}
    texts = [document["text"] for document in body["documents"]]
    data = [
        {"index": i, "score": s} for i, s in best_first(body["query"], texts, body.get("top_n"))
    ]
    return 200, {"model": body["model"], "data": data, "usage": {"rerank_units": 1}}


Scorer = Callable[[str, list[str]], list[float]]


def lexical(query: str, texts: list[str]) -> list[float]:
    """The share of the query's words that a text has."""
    words = {*re.findall(r"\w+", query.lower())}
    shared = (words & {*re.findall(r"\w+", text.lower())} for text in texts)
    return [len(each) / len(words) for each in shared]


def answering(
    scorer: Scorer = lexical,
    *,
    key: str | None = None,
    most: int | None = None,
    window: int | None = None,
    cuts: bool = True,
    refusal: Callable[[int], Answer] | None = None,
) -> Shape:
    """The default dialect at `/v1/rerank`, with habits that real servers have.

    It wants a key, takes so many documents, and reads so many words of query and document: what is
    longer is cut, or else refused, as vLLM words it unless told (seen of 0.32).
    """

    def shape(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        if path != "/v1/rerank":
            return 404, {"detail": "Not Found"}
        if key is not None and headers.get("authorization") != f"Bearer {key}":
            return 401, {"error": {"message": "Invalid API key", "code": "invalid_api_key"}}
        if "documents" not in body:
            return 422, {"detail": [{"loc": ["body", "documents"], "msg": "Field required"}]}
        query, texts = body["query"], body["documents"]
        if most is not None and len(texts) > most:
            message = f"batch size {len(texts)} > maximum allowed batch size {most}"
            return 422, {"error": message, "error_type": "Validation"}
        if window is not None:
            room = window - len(query.split())
            longest = max(len(text.split()) for text in texts)
            if longest > room and not cuts:
                return (refusal or _too_long)(longest)
            texts = [" ".join(text.split()[:room]) for text in texts]
        ranked = sorted(enumerate(scorer(query, texts)), key=lambda pair: -pair[1])
        results = [{"index": i, "relevance_score": s} for i, s in ranked[: body.get("top_n")]]
        tokens = sum(len(f"{query} {text}".split()) for text in texts)
        return 200, {"results": results, "model": body["model"], "usage": {"total_tokens": tokens}}

    return shape


def _too_long(tokens: int) -> Answer:
    message = (
        f"This model's maximum context length is 512 tokens. However, you requested {tokens} "
        "tokens in the input for score. Please reduce the length of the input."
    )
    return 400, {"error": {"message": message, "type": "BadRequestError", "code": 400}}


SHAPES: dict[str, Shape] = {shape.__name__: shape for shape in (
    tei, sglang, voyage, mixedbread, pinecone,
)}  # fmt: skip


@dataclass
class Seen:
    """One request as the server saw it."""

    target: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass
class StandIn:
    """A running stand-in: where it is, and what it was asked."""

    url: str
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def standing_in(shape: Shape) -> Iterator[StandIn]:
    """Serves `shape` on the loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            running.seen.append(Seen(self.path, headers, body))
            status, said = shape(self.path.partition("?")[0], body, headers)
            data = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(status)
            kind = "text/plain" if isinstance(said, str) else "application/json"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = StandIn(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()

"""`POST /v1/embeddings`: what it takes, what it counts, what it answers."""

from __future__ import annotations

import base64
import re
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence

from ...text.tokens import estimate_tokens
from ..scorers.encoder import Encoder
from .checked_output import checked_vectors
from .embedding_request import EmbeddingRequest, EncodingFormat, parse_embedding_request
from .recorded import RecordedEmbedding
from .request_fields import invalid
from .server_settings import ServerSettings

# The E5 models were trained to take these for marks of what the text is, not for words of it. To
# the encoders here they would be words, and draw all texts together.
_E5_MARK = re.compile(r"\A(?:query|passage): (?=.*\S)", re.DOTALL)


class Embedding:
    """The rules of one server's embeddings."""

    worker = "encoder"
    counted = "texts"

    def __init__(self, load: Callable[[], Encoder], settings: ServerSettings) -> None:
        self._load = load
        self._settings = settings

    def parse(self, fields: Mapping[str, object]) -> EmbeddingRequest:
        """The request; raises `Refusal`."""
        return parse_embedding_request(fields, any_model=self._settings.any_model)

    def count(self, asked: EmbeddingRequest) -> int:
        """How many texts it has."""
        return len(asked.texts)

    def tokens(self, asked: EmbeddingRequest) -> int:
        """What it costs: the texts with their prefixes."""
        return sum(map(estimate_tokens, asked.texts))

    def seconds(self, asked: EmbeddingRequest) -> float:
        """The service publishes no latency for embeddings."""
        return 0.0

    def answer(self, asked: EmbeddingRequest, tokens: int) -> dict[str, object]:
        """The body of a 200, in OpenAI's shape; raises `Refusal` for other `dimensions`."""
        encoder = self._load()
        vectors = checked_vectors([encoder.encode(text) for text in _unmarked(asked)])
        made = len(vectors[0])
        if asked.dimensions not in (None, made):
            raise invalid("dimensions", f"is {asked.dimensions}, but {encoder.name} makes {made}")
        return {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": _encoded(vector, asked.encoding_format),
                }
                for index, vector in enumerate(vectors)
            ],
            "model": encoder.name,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }

    def recorded(
        self,
        status: int,
        request_id: str,
        headers: Mapping[str, str],
        asked: EmbeddingRequest | None,
        *,
        replayed: bool,
    ) -> RecordedEmbedding:
        """What is remembered of it; `asked` is `None` when the body was refused."""
        if asked is None:
            return RecordedEmbedding(status, request_id, headers)
        return RecordedEmbedding(
            status,
            request_id,
            headers,
            asked.model,
            asked.texts,
            asked.encoding_format,
            replayed,
        )


def _unmarked(asked: EmbeddingRequest) -> Sequence[str]:
    if not asked.model.startswith("e5-"):
        return asked.texts
    return [_E5_MARK.sub("", text, count=1) for text in asked.texts]


def _encoded(vector: array[float], encoding_format: EncodingFormat) -> str | list[float]:
    if encoding_format == "float":
        return vector.tolist()
    if sys.byteorder == "big":  # over the wire they are little-endian
        vector.byteswap()
    return base64.b64encode(vector.tobytes()).decode()

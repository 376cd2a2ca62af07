"""How servers word a rerank: a table of names for each dialect that differs from the service's.

The checks of an answer are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ..settings import FROZEN, Settings
from .destination import Provider

Name = Annotated[str, Field(min_length=1)]


class Dialect(Settings):
    """The names in a server's requests and answers. It cannot be changed.

    Each default is the service's own name, so that only what differs has to be given:

        Dialect(path="/reranks", constants={})

    Raises:
        ConfigurationError: an unknown or impossible name.
    """

    model_config = FROZEN

    path: str = Field(
        default="/rerank",
        pattern=r"^(/.*[^/])?$",
        description="Put after base_url; empty if base_url is the whole address.",
    )
    model: Name | None = Field(
        default="model", description="The field with the model; None: it is not sent."
    )
    query: Name = Field(default="query", description="The field with the query.")
    documents: Name = Field(default="documents", description="The field with the documents.")
    top_n: Name | None = Field(
        default="top_n",
        description="The field with the number of results; None: the server sends all of them.",
    )
    all_by_default: bool = Field(
        default=True,
        description="Without a number of results the server sends all of them, not a few.",
    )
    constants: dict[str, JsonValue] = Field(
        default={"return_documents": False},  # the generations differ in theirs
        description="Fields that are the same in every request.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict, description="Headers that are the same in every request; no secrets."
    )
    key_header: Name = Field(default="Authorization", description="The header with the API key.")
    key_prefix: str = Field(default="Bearer ", description="What stands before the key there.")
    query_text: Name | None = Field(
        default=None, description="The query is an object with its text in this field."
    )
    document_text: Name | None = Field(
        default=None, description="Each document is an object with its text in this field."
    )
    results: tuple[Name, ...] = Field(
        default=("results",),
        description="The way to the list of results in an answer; (): the answer is the list.",
    )
    index: Name = Field(default="index", description="Of a result, the position of its document.")
    score: Name = Field(default="relevance_score", description="Of a result, its score.")
    max_documents: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Most documents that the server takes in a request."
    )
    base_url: str | None = Field(
        default=None, description="The provider's own address, if there is one."
    )
    api_key_variable: Name | None = Field(
        default=None, description="The environment variable with the provider's key."
    )

    def provider(self) -> Provider:
        """Who runs the hosted service of this dialect, and the variable with its key."""
        return Provider(self.base_url, self.api_key_variable)

    def own_fields(self) -> dict[str, str]:
        """The fields of a request that have an argument or option of their own, with its name."""
        fields = {self.query: "query", self.documents: "documents"}
        fields |= {} if self.model is None else {self.model: "model"}
        return fields | ({} if self.top_n is None else {self.top_n: "top_n"})

    def body(
        self,
        model: str,
        query: str,
        documents: Sequence[str],
        top_n: int | None,
        extra: Mapping[str, JsonValue],
    ) -> dict[str, object]:
        """The body of a request; `top_n` None: all, whatever field that needs."""
        body: dict[str, object] = {} if self.model is None else {self.model: model}
        body[self.query] = query if self.query_text is None else {self.query_text: query}
        field = self.document_text
        body[self.documents] = documents if field is None else [{field: text} for text in documents]
        body |= self.constants
        body |= extra
        if self.top_n is not None and (top_n is not None or not self.all_by_default):
            body[self.top_n] = len(documents) if top_n is None else top_n
        return body


DialectName = Literal["assisters", "tei", "sglang", "voyage", "mixedbread", "pinecone"]
ASSISTERS_DIALECT: DialectName = "assisters"

# Each after the provider's own page on the endpoint, November 2026.
DIALECTS: Mapping[DialectName, Dialect] = {
    ASSISTERS_DIALECT: Dialect(),
    # https://huggingface.github.io/text-embeddings-inference: /rerank, --max-client-batch-size
    "tei": Dialect(
        model=None,
        documents="texts",
        top_n=None,
        constants={"truncate": True},
        results=(),
        score="score",
        max_documents=32,
    ),
    # https://docs.sglang.ai/supported_models/rerank_models.html
    "sglang": Dialect(top_n=None, results=(), score="score"),
    # https://docs.voyageai.com/reference/reranker-api
    "voyage": Dialect(
        top_n="top_k",
        constants={},
        results=("data",),
        max_documents=1000,
        base_url="https://api.voyageai.com/v1",
        api_key_variable="VOYAGE_API_KEY",
    ),
    # https://www.mixedbread.com/api-reference/endpoints/reranking
    "mixedbread": Dialect(
        path="/reranking",
        documents="input",
        top_n="top_k",
        all_by_default=False,
        constants={"return_input": False},
        results=("data",),
        score="score",
        base_url="https://api.mixedbread.com/v1",
        api_key_variable="MXBAI_API_KEY",
    ),
    # https://docs.pinecone.io/reference/api/2026-07/inference/rerank-results
    "pinecone": Dialect(
        constants={"return_documents": False, "parameters": {"truncate": "END"}},
        headers={"X-Pinecone-Api-Version": "2026-07"},
        key_header="Api-Key",
        key_prefix="",
        document_text="text",
        results=("data",),
        score="score",
        max_documents=100,
        base_url="https://api.pinecone.io",
        api_key_variable="PINECONE_API_KEY",
    ),
}  # fmt: skip


def dialect_of(named: DialectName | Dialect) -> Dialect:
    """The table of a dialect that is given by name or as a table."""
    return named if isinstance(named, Dialect) else DIALECTS[named]

"""Every option of an embedder, with its default, range and description.

The options of the service are in `service_options`.
"""

from __future__ import annotations

import re

from pydantic import Field

from ..settings import STRICT_BASE
from ..wire.embedding_contract import OWN_FIELDS
from .service_options import PositiveInt, ServiceOptions

# The E5 models are trained with a word before each text (Wang et al., 2022, arXiv:2212.03533, and
# the models' own cards); those trained with instructions and the one over Mistral are not.
_E5 = re.compile(r"(^|[/-])e5-(small|base|large)(?!.*-instruct)", re.IGNORECASE)
_E5_QUERY, _E5_PASSAGE = "query: ", "passage: "


class EmbeddingOptions(ServiceOptions):
    """The settings of an embedder; those about the service are inherited.

    Raises:
        ConfigurationError: an unknown or impossible setting. The message names it and never
            shows its value.
    """

    model_config = STRICT_BASE

    model: str = Field(
        default="e5-large-v2",
        min_length=1,
        description="Model id, as the server knows it.",
    )
    query_prefix: str | None = Field(
        default=None,
        description=(
            f"Put before each query. Without it, {_E5_QUERY!r} for E5 models, which are trained "
            "with it, and nothing for others; '' for nothing."
        ),
    )
    passage_prefix: str | None = Field(
        default=None,
        description=(
            f"Put before each document. Without it, {_E5_PASSAGE!r} for E5 models, and nothing "
            "for others; '' for nothing."
        ),
    )
    max_texts_per_request: PositiveInt = Field(
        default=100,
        description="Longer lists are split into requests of this size, which run concurrently.",
    )

    def _check_together(self) -> None:
        self._check_extra_body(OWN_FIELDS)
        self._check_extra_headers()

    def prefix_of_queries(self) -> str:
        """The text that is put before each query."""
        return self._prefix(self.query_prefix, _E5_QUERY)

    def prefix_of_passages(self) -> str:
        """The text that is put before each document."""
        return self._prefix(self.passage_prefix, _E5_PASSAGE)

    def _prefix(self, given: str | None, of_e5: str) -> str:
        if given is not None:
            return given
        return of_e5 if _E5.search(self.model) else ""

"""List-wise models, which score a document in the company of the others: one request, or none."""

from __future__ import annotations

import logging

from ..errors import ConfigurationError
from ..options.rerank_options import RerankOptions
from .fitting import Fitted
from .state import State

logger = logging.getLogger("assisters_rerank")


def all_in_one_request(options: RerankOptions, state: State, fitted: Fitted, most: int) -> bool:
    """Whether the texts have to go in one request, of `most` texts, and past the cache.

    Raises:
        ConfigurationError: they do, and are too many; or long ones are to be split.
    """
    if not options.is_listwise(fitted.model):
        return False
    options.check_listwise(fitted.model)
    texts = len(fitted.plan.texts)
    if texts > most:
        own = options.max_documents_per_request
        raise ConfigurationError(
            f"documents: {fitted.model} scores each in the company of the others, so that all "
            f"{texts} different ones have to go in one request, which takes {most}; give fewer"
            + (", or raise max_documents_per_request if the server takes more." if most == own
               else ": that is the server's limit.")
        )  # fmt: skip
    if options.cache is not None and state.warns_first_of("listwise"):
        logger.warning(
            "The cache is not used for %s: it scores a document in the company of the others, so "
            "that the score of a query and a document by themselves does not exist. If it does "
            "not, give listwise=False.",
            fitted.model,
        )
    return True

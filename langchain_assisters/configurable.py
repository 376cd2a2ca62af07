"""A reranker with fields that a call's config may change: all calls live with the one reranker."""

from __future__ import annotations

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.configurable import RunnableConfigurableFields
from langchain_core.runnables.utils import Input, Output

from assisters_rerank import Reranker


class ConfigurableRerank(RunnableConfigurableFields[Input, Output]):
    """LangChain's own, which makes an object for every call, that shares what lives."""

    def _prepare(
        self, config: RunnableConfig | None = None
    ) -> tuple[Runnable[Input, Output], RunnableConfig]:
        made, config = super()._prepare(config)
        first = self.default
        if made is not first and isinstance(made, Reranker) and isinstance(first, Reranker):
            made._share(first)
        return made, config

    @classmethod
    def lc_id(cls) -> list[str]:
        """LangChain's own, so that `loads` knows it."""
        return RunnableConfigurableFields.lc_id()

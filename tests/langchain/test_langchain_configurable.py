"""Configurable fields change a call's options, and share what the reranker holds."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.documents import Document
from langchain_core.load import dumpd
from langchain_core.runnables import ConfigurableField
from langchain_core.runnables.configurable import RunnableConfigurableFields

from assisters_rerank import ConfigurationError
from langchain_assisters import AssistersRerank

from ..core.conftest import answer_honestly
from ..faults.server import HostileServer

GIVEN = {"query": "q", "documents": [Document(page_content=text) for text in "abcd"]}
TOP_N = ConfigurableField(id="top_n")


def config(top_n: object) -> dict[str, dict[str, object]]:
    return {"configurable": {"top_n": top_n}}


def test_twenty_calls_take_one_connection_and_count_into_one_total() -> None:
    with (
        HostileServer([answer_honestly]) as server,
        AssistersRerank(base_url=server.url) as reranker,
    ):
        chosen = reranker.configurable_fields(top_n=TOP_N)
        for top_n in range(20):
            assert len(chosen.invoke(GIVEN, config(top_n % 4 + 1))) == top_n % 4 + 1
        chosen.with_config(config(2)).invoke(GIVEN)
        assert reranker.total_usage.requests == 21
        assert server.connections == 1


def test_async_calls_take_one_connection() -> None:
    async def main(url: str) -> None:
        async with AssistersRerank(base_url=url) as reranker:
            chosen = reranker.configurable_fields(top_n=TOP_N)
            for _ in range(20):
                assert len(await chosen.ainvoke(GIVEN, config(1))) == 1

    with HostileServer([answer_honestly]) as server:
        asyncio.run(main(server.url))
        assert server.connections == 1


def test_the_calls_share_the_reranker_s_own_limit() -> None:
    with HostileServer([answer_honestly]) as server:
        reranker = AssistersRerank(
            base_url=server.url, requests_per_minute=2, timeout=1, on_error="passthrough"
        )
        timeout = ConfigurableField(id="timeout")
        chosen = reranker.configurable_fields(top_n=TOP_N).configurable_fields(timeout=timeout)
        for _ in range(4):
            chosen.invoke(GIVEN, {"configurable": {"top_n": 1, "timeout": 0.5}})
        assert len(server.requests) == 2


def test_alternatives_around_configured_fields_share_too() -> None:
    with HostileServer([answer_honestly]) as server:
        reranker = AssistersRerank(base_url=server.url)
        chosen = reranker.configurable_fields(top_n=TOP_N).configurable_alternatives(
            ConfigurableField(id="which"),
            jina=lambda: reranker.with_options(model="jina-reranker"),
        )
        for which in ("default", "jina"):
            chosen.invoke(GIVEN, {"configurable": {"which": which, "top_n": 1}})
        assert server.connections == 1
        assert reranker.total_usage.models == ("bge-reranker-v2", "jina-reranker")


def test_another_account_has_a_pace_of_its_own() -> None:
    reranker = AssistersRerank(api_key="ask_1")
    chosen = reranker.configurable_fields(api_key=ConfigurableField(id="api_key"))
    assert isinstance(chosen, RunnableConfigurableFields)
    for key, same in (("ask_1", True), ("ask_2", False)):
        made, _ = chosen.prepare({"configurable": {"api_key": key}})
        assert isinstance(made, AssistersRerank)
        assert (made._state.pace is reranker._state.pace) == same
        assert made._state.clients is reranker._state.clients


def test_what_the_constructor_refuses_is_refused() -> None:
    chosen = AssistersRerank().configurable_fields(top_n=TOP_N)
    with pytest.raises(ConfigurationError, match="top_n"):
        chosen.invoke(GIVEN, config(-1))
    with pytest.raises(ValueError, match="top_m"):
        AssistersRerank().configurable_fields(top_m=TOP_N)


def test_it_is_dumped_as_langchain_s_own() -> None:
    chosen = AssistersRerank().configurable_fields(top_n=TOP_N)
    assert dumpd(chosen)["id"] == RunnableConfigurableFields.lc_id()

"""A FunctionAgent with 200 tools, of which its model is offered the five that fit.

Run it as it stands: python examples/llama_index/agent_with_many_tools.py
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_index.core import SummaryIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms import MockFunctionCallingLLM
from llama_index.core.objects import ObjectIndex
from llama_index.core.tools import BaseTool, FunctionTool

from assisters_rerank import MemoryCache, estimate_tokens
from assisters_rerank.local import service_or_local
from llama_index_assisters import AssistersRerank

TOOLS = Path(__file__).parents[1] / "tools.tsv"
REQUEST = "Please send an email to Kim: the tyres are here."


def make(name: str, description: str) -> FunctionTool:
    """A tool that only says that it was called."""

    def call(text: str) -> str:
        return f"{name} was called with: {text}"

    return FunctionTool.from_defaults(call, name=name, description=description)


def reply(messages: Sequence[ChatMessage], tools: Sequence[BaseTool], **_: Any) -> ChatMessage:
    """Play the model: print what it is offered, call a tool, then answer."""
    tokens = sum(estimate_tokens(str(tool.metadata.to_openai_tool())) for tool in tools)
    shown = ", ".join(str(tool.metadata.name) for tool in tools[:5])
    rest = f" and {len(tools) - 5} more" if len(tools) > 5 else ""
    print(f"  {len(tools)} tools, {tokens:,} tokens: {shown}{rest}")
    if messages[-1].role == "tool":
        return ChatMessage(f"The tool says: {messages[-1].content}", role="assistant")
    call = ToolCallBlock(tool_name="send_mail", tool_kwargs={"text": "The tyres are here."})
    return ChatMessage(role="assistant", blocks=[call])


tools = [make(*line.split("\t")) for line in TOOLS.read_text(encoding="utf-8").splitlines()]
model = MockFunctionCallingLLM(response_generator=reply)  # yours here


async def main() -> None:
    """Ask the agent with all tools, then with those that the reranker finds."""
    with service_or_local() as server:
        print(server.reason)
        print(f"\n{REQUEST}\n\nBefore, each request to the model has:")
        await FunctionAgent(tools=tools, llm=model, streaming=False).run(REQUEST)

        # The cache: LlamaIndex selects the tools again before each step of the agent.
        reranker = AssistersRerank(base_url=server.base_url, top_n=5, cache=MemoryCache())
        index = ObjectIndex.from_objects(tools, index_cls=SummaryIndex)
        retriever = index.as_retriever(node_postprocessors=[reranker])
        print("\nAfter, with an ObjectIndex and the reranker behind it:")
        agent = FunctionAgent(tool_retriever=retriever, llm=model, streaming=False)
        print(await agent.run(REQUEST))
        usage = reranker.total_usage
        print(f"\n{usage.requests} rerank requests, {usage.documents_sent} tools scored")


asyncio.run(main())

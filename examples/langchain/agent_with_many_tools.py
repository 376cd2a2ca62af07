"""An agent with 200 tools, of which its model is offered the five that fit what the user wants.

Run it as it stands: python examples/langchain/agent_with_many_tools.py
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolCall
from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from assisters_rerank import estimate_tokens
from assisters_rerank.local import service_or_local
from langchain_assisters import AssistersRerank, RerankToolSelectorMiddleware

TOOLS = Path(__file__).parents[1] / "tools.tsv"
REQUEST = "Please send an email to Kim: the tyres are here."


def make(name: str, description: str) -> StructuredTool:
    """A tool that only says that it was called."""

    def call(text: str) -> str:
        return f"{name} was called with: {text}"

    return StructuredTool.from_function(call, name=name, description=description)


class Model(GenericFakeChatModel):
    """It plays the model: it calls a tool, then it answers. Put your own in its place."""

    def bind_tools(self, tools: Sequence[BaseTool], **_: Any) -> "Model":
        """Print what it is offered, with the size of it in each request."""
        tokens = sum(estimate_tokens(str(convert_to_openai_tool(tool))) for tool in tools)
        shown = ", ".join(tool.name for tool in tools[:5])
        rest = f" and {len(tools) - 5} more" if len(tools) > 5 else ""
        print(f"  {len(tools)} tools, {tokens:,} tokens: {shown}{rest}")
        return self


def model() -> Model:
    """A model with its two replies."""
    call = ToolCall(name="send_mail", args={"text": "The tyres are here."}, id="call-1")
    return Model(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("It is sent.")]))


tools = [make(*line.split("\t")) for line in TOOLS.read_text(encoding="utf-8").splitlines()]
given = {"messages": [("user", REQUEST)]}

with service_or_local() as server:
    print(server.reason)
    print(f"\n{REQUEST}\n\nBefore, each request to the model has:")
    create_agent(model(), tools).invoke(given)

    reranker = AssistersRerank(base_url=server.base_url)
    selector = RerankToolSelectorMiddleware(reranker, max_tools=5)
    print("\nAfter, with RerankToolSelectorMiddleware:")
    agent = create_agent(model(), tools, middleware=[selector])
    for message in agent.invoke(given)["messages"]:
        message.pretty_print()
    usage = reranker.total_usage
    print(f"\n{usage.requests} rerank requests, {usage.documents_sent} tools scored")

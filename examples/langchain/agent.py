"""A LangGraph agent: its search tool reranks, and the model reads at most two passages, not 20.

Run it as it stands: python examples/langchain/agent.py
"""

from pathlib import Path

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolCall
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from assisters_rerank.local import service_or_local
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

HANDBOOK = Path(__file__).parents[1] / "handbook"

passages = [
    passage.strip()
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]

# It plays the model: first it wants to search, then it answers.
# With your own: model = ChatOpenAI(...).bind_tools([search_handbook])
search_call = ToolCall(name="search_handbook", args={"query": "put oil on a belt?"}, id="call-1")
model = GenericFakeChatModel(
    messages=iter(
        [
            AIMessage("", tool_calls=[search_call]),
            AIMessage("No, a belt is never oiled. Rinse it with water, and that is all."),
        ]
    )
)

with service_or_local() as server:
    print(server.reason)
    store = InMemoryVectorStore.from_texts(passages, AssistersEmbeddings(base_url=server.base_url))
    retriever = RerankRetriever(
        base_retriever=store.as_retriever(search_kwargs={"k": 20}),
        reranker=AssistersRerank(base_url=server.base_url, score_threshold=0.5),
        top_n=2,
    )

    @tool
    def search_handbook(query: str) -> str:
        """Search the workshop's handbook."""
        found = [document.page_content for document in retriever.invoke(query)]
        return "\n\n".join(found) or "The handbook says nothing about that."

    def call_model(state: MessagesState) -> dict:
        """Let the model say what comes next: a tool call, or the answer."""
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", call_model)
    graph.add_node("tools", ToolNode([search_handbook]))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    agent = graph.compile()

    question = "My new bicycle has a belt. Which oil does it take?"
    for message in agent.invoke({"messages": [("user", question)]})["messages"]:
        message.pretty_print()

"""`RerankToolSelectorMiddleware`: offers an agent's model only the tools that fit the question."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware import AgentMiddleware, AgentState, ExtendedModelResponse
from langchain.agents.middleware.types import ModelRequest, ModelResponse, PrivateStateAttr
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.tools import BaseTool
from langgraph.types import Command
from typing_extensions import TypedDict

from assisters_rerank import AssistersError, ConfigurationError, estimate_tokens
from assisters_rerank.plugins import given_list, given_text, named_kind

from .rerank import AssistersRerank

logger = logging.getLogger("langchain_assisters")

# A message of at most so many words ("yes, do that") says what is wanted only with the one before.
_FEW_WORDS = 4

# Half of the smaller model's window, so that the other half remains for a tool. Messages with a
# pasted log have more; what is wanted stands before it or behind it.
_MOST_TOKENS = 256

# Where a `tool_choice` has names; OpenAI's `allowed_tools` has a list of tools.
_FORCED = ("name", "function", "allowed_tools", "tools")

Query = Callable[[Sequence[AnyMessage]], str]


class Selected(TypedDict):
    """The tools of one user turn: what was asked, among which tools, and those that were chosen."""

    query: str
    among: list[str]
    names: list[str]


class RerankToolSelectorState(AgentState[Any]):
    """An agent's state, with what was selected for the user's present turn."""

    rerank_selected_tools: NotRequired[Annotated[Selected, PrivateStateAttr]]


class RerankToolSelectorMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Offers the model of `create_agent` only the tools that are relevant to the user's request.

    Next to LangChain's `LLMToolSelectorMiddleware`, which asks a model: here one rerank for each
    turn of the user decides, and holds for the tool calls that follow. Tools of providers (dicts)
    are always offered. Where the rerank fails transiently, all tools are.

    Args:
        reranker: scores the tools by name and description; its `score_threshold` holds.
        max_tools: the most tools to offer; None: as many as the reranker's own `top_n`, or what
            its `score_threshold` or `max_context_tokens` leaves.
        always_include: names of tools that are offered in any case; they don't count.
        query: gives the text that tools are ranked for, from the messages. By default that is the
            last human message, together with the one before if it has at most four words; of a
            long one, the beginning and the end, of about 256 tokens together.

    Raises:
        ConfigurationError: an argument of a wrong type, `max_tools` below 1, or nothing that would
            leave out a tool; in a call, a name in `always_include` that no tool has, or a `query`
            that gives no string.

    Examples:
        >>> from langchain.agents import create_agent
        >>> selector = RerankToolSelectorMiddleware(AssistersRerank(), max_tools=5)
        >>> agent = create_agent("openai:gpt-5-mini", tools, middleware=[selector])
    """

    state_schema = RerankToolSelectorState

    def __init__(
        self,
        reranker: AssistersRerank,
        *,
        max_tools: int | None = None,
        always_include: Sequence[str] = (),
        query: Query | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(reranker, AssistersRerank):
            given = named_kind(reranker)
            raise ConfigurationError(f"reranker: give an AssistersRerank, not {given}.")
        if max_tools is not None and (type(max_tools) is not int or max_tools < 1):
            raise ConfigurationError("max_tools: give a whole number of at least 1, or None.")
        if query is not None and not callable(query):
            raise ConfigurationError(
                f"query: give a function of the messages, not {named_kind(query)}."
            )
        self.reranker = reranker
        self.max_tools = max_tools
        self.always_include = _names(always_include)
        self.query = query or wanted
        if not self._may_leave_out(math.inf):
            raise ConfigurationError(
                "max_tools: give the most tools to offer, or a reranker with top_n or "
                "score_threshold. Without these all tools are offered, and a rerank is paid for."
            )

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any] | AIMessage | ExtendedModelResponse[Any]:
        """Offers the selected tools; the selection is made in a turn's first model call."""
        query, tools = self._asked(request)
        if not tools:
            return handler(request)
        selected = _kept(request, query, tools)
        if selected is not None:
            return handler(self._narrowed(request, selected["names"]))
        try:
            found = self.reranker.compress_documents(_documents(tools), query, top_n=self._top_n())
        except AssistersError as error:
            found = _all_after(error, tools)
        chosen = _selected(query, tools, found)
        return _with_state(handler(self._narrowed(request, chosen["names"])), chosen)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | AIMessage | ExtendedModelResponse[Any]:
        """`wrap_model_call` without blocking the event loop."""
        query, tools = self._asked(request)
        if not tools:
            return await handler(request)
        selected = _kept(request, query, tools)
        if selected is not None:
            return await handler(self._narrowed(request, selected["names"]))
        try:
            found = await self.reranker.acompress_documents(
                _documents(tools), query, top_n=self._top_n()
            )
        except AssistersError as error:
            found = _all_after(error, tools)
        chosen = _selected(query, tools, found)
        return _with_state(await handler(self._narrowed(request, chosen["names"])), chosen)

    def _top_n(self) -> int | None:
        return self.reranker.top_n if self.max_tools is None else self.max_tools

    def _may_leave_out(self, tools: float) -> bool:
        """Whether a selection among so many tools may be shorter than they are."""
        given, most = self.reranker, self._top_n()
        by_score = given.score_threshold is not None or given.max_context_tokens is not None
        return by_score or (most is not None and tools > most)

    def _asked(self, request: ModelRequest[Any]) -> tuple[str, list[BaseTool]]:
        """What tools are wanted for, and those to select from: none if that is needless."""
        own = [tool for tool in request.tools if isinstance(tool, BaseTool)]
        names = {tool.name for tool in own}
        if missing := [name for name in self.always_include if name not in names]:
            raise ConfigurationError(
                f"always_include: no tool is called {', '.join(missing)}; there are "
                f"{', '.join(sorted(names)) or 'none'}."
            )
        tools = [tool for tool in own if tool.name not in self.always_include]
        if not tools or not self._may_leave_out(len(tools)):
            return "", []
        query = given_text(self.query(request.messages), "query")
        return query, tools if query.strip() else []

    def _narrowed(self, request: ModelRequest[Any], names: Sequence[str]) -> ModelRequest[Any]:
        """In the order in which the agent has its tools, as far as they are offered."""
        offered = {*names, *self.always_include, *_forced(request.tool_choice)}
        return request.override(
            tools=[
                tool
                for tool in request.tools
                if not isinstance(tool, BaseTool) or tool.name in offered
            ]
        )


def wanted(messages: Sequence[AnyMessage]) -> str:
    """The last human message; if it is very short, after the one before; if long, its two ends."""
    said = [message.text for message in messages if isinstance(message, HumanMessage)]
    if not said:
        return ""
    return _ends("\n".join(said[-2:]) if len(said[-1].split()) <= _FEW_WORDS else said[-1])


def _ends(text: str) -> str:
    """The text, or its beginning and its end if it has more tokens than a query may have."""
    while (tokens := estimate_tokens(text)) > _MOST_TOKENS:
        most = int(0.45 * len(text) * _MOST_TOKENS / tokens)
        text = f"{text[:most]}\n{text[len(text) - most :]}"
    return text


def _names(given: Sequence[str]) -> tuple[str, ...]:
    names = tuple(given_list(given, "always_include", "tools' names"))
    for name in names:
        if not isinstance(name, str):
            raise ConfigurationError(f"always_include: give tools' names, not {named_kind(name)}.")
    return names


def _forced(choice: Any) -> list[str]:
    """The tools that the model has to choose from; providers refuse one that is not offered."""
    if isinstance(choice, str):
        return [choice]
    if isinstance(choice, dict):  # {"type": "tool", "name": …}, {"function": {"name": …}}
        choice = [choice[key] for key in _FORCED if key in choice]
    return [name for each in choice for name in _forced(each)] if isinstance(choice, list) else []


def _documents(tools: Sequence[BaseTool]) -> list[Document]:
    return [
        Document(f"{tool.name.replace('_', ' ')}: {tool.description}", metadata={"tool": tool.name})
        for tool in tools
    ]


def _all_after(error: AssistersError, tools: Sequence[BaseTool]) -> list[Document]:
    """All tools after a failure that may pass; another one is raised."""
    if not error.transient:
        raise error
    logger.warning("The tools could not be ranked; all %d are offered: %s", len(tools), error)
    return _documents(tools)


def _selected(query: str, tools: Sequence[BaseTool], found: Sequence[Document]) -> Selected:
    among = [tool.name for tool in tools]
    degraded = any(document.metadata.get("rerank_degraded") for document in found)
    names = among if degraded else [document.metadata["tool"] for document in found]
    return Selected(query=query, among=among, names=names)


def _kept(request: ModelRequest[Any], query: str, tools: Sequence[BaseTool]) -> Selected | None:
    """What was selected earlier in this turn, from the same tools."""
    state: Any = request.state
    kept: Selected | None = state.get("rerank_selected_tools")
    if not kept or kept["among"] != [tool.name for tool in tools]:
        return None
    return kept if kept["query"] == query or _summarized(request.messages) else None


def _summarized(messages: Sequence[AnyMessage]) -> bool:
    """Whether the turn's own message has become a part of a summary, which is said by no user."""
    said = [message for message in messages if isinstance(message, HumanMessage)]
    return bool(said) and said[-1].additional_kwargs.get("lc_source") == "summarization"


def _with_state(
    response: ModelResponse[Any] | AIMessage, selected: Selected
) -> ExtendedModelResponse[Any]:
    if isinstance(response, AIMessage):
        response = ModelResponse(result=[response])
    update = {"rerank_selected_tools": selected}
    return ExtendedModelResponse(model_response=response, command=Command(update=update))

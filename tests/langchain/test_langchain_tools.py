"""An agent's tools, selected by relevance, kept for a turn; all of them if the service fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import StructuredTool
from pydantic import Field

from assisters_rerank import AuthenticationError, ConfigurationError, estimate_tokens
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank

agents = pytest.importorskip("langchain.agents")

from langchain_assisters import RerankToolSelectorMiddleware  # noqa: E402
from langchain_assisters.tool_selector import wanted  # noqa: E402

ABOUT = {
    "walk_folders": "Visit every folder below a directory.",
    "run_command": "Run a command and capture its output.",
    "parse_table": "Read a table of comma-separated values.",
    "send_mail": "Send a mail to somebody.",
    "current_time": "Tell what time it is.",
}


def make(name: str) -> StructuredTool:
    def tool(text: str = "") -> str:
        return f"{name} was called"

    return StructuredTool.from_function(tool, name=name, description=ABOUT[name])


TOOLS = [make(name) for name in ABOUT]
PROVIDERS_OWN = {"type": "web_search", "name": "web_search"}


class Offered(BaseChatModel):
    """Notes the tools that it is offered, and answers as it was told."""

    answers: list[AIMessage]
    offered: list[list[str]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "offered"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> BaseChatModel:  # type: ignore[override]
        self.offered.append([t["name"] if isinstance(t, dict) else t.name for t in tools])
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        message = self.answers.pop(0).model_copy(update={"id": None})
        return ChatResult(generations=[ChatGeneration(message=message)])


def calls(name: str) -> AIMessage:
    return AIMessage("", tool_calls=[ToolCall(name=name, args={"text": "x"}, id=f"call-{name}")])


DONE = AIMessage("done")

Run = Callable[..., list[list[str]]]


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs an agent through some user turns, and gives the tools of each model call."""

    def through(
        selector: RerankToolSelectorMiddleware,
        *turns: tuple[str, list[AIMessage]],
        tools: Sequence[Any] = TOOLS,
        config: Any = None,
    ) -> list[list[str]]:
        from langgraph.checkpoint.memory import InMemorySaver

        model = Offered(answers=[answer for _, answers in turns for answer in answers])
        agent = agents.create_agent(
            model, list(tools), middleware=[selector], checkpointer=InMemorySaver()
        )
        config = {"configurable": {"thread_id": "1"}, **(config or {})}
        for said, _ in turns:
            given = {"messages": [HumanMessage(said)]}
            if request.param == "sync":
                out = agent.invoke(given, config)
            else:
                out = asyncio.run(agent.ainvoke(given, config))
            assert out["messages"][-1].content == "done"
            assert "rerank_selected_tools" not in out
        return model.offered

    return through


@pytest.fixture
def reranker(server: LocalServer) -> AssistersRerank:
    return AssistersRerank(base_url=server.base_url, api_key="ask_x")


def test_only_relevant_tools_are_offered(run: Run, reranker: AssistersRerank) -> None:
    selector = RerankToolSelectorMiddleware(reranker, max_tools=1)
    offered = run(selector, ("please run a command for me", [DONE]))
    assert offered == [["run_command"]]


def test_one_selection_holds_for_the_tool_calls_of_a_turn(
    run: Run, reranker: AssistersRerank, server: LocalServer
) -> None:
    selector = RerankToolSelectorMiddleware(reranker, max_tools=2)
    before = len(server.requests)
    offered = run(
        selector,
        ("please run a command for me", [calls("run_command"), calls("run_command"), DONE]),
        ("and now send a mail to my friend", [DONE]),
    )
    assert len(server.requests) - before == 2
    assert offered[0] == offered[1] == offered[2]
    assert "run_command" in offered[0]
    assert "send_mail" in offered[3]
    assert all(len(names) == 2 for names in offered)


def test_a_summary_in_the_middle_of_a_turn_changes_no_selection(
    reranker: AssistersRerank, server: LocalServer
) -> None:
    summary = Offered(answers=[AIMessage("A mail was sent.")] * 9)
    model = Offered(answers=[calls("run_command")] * 3 + [DONE])
    agent = agents.create_agent(
        model,
        TOOLS,
        middleware=[
            agents.middleware.SummarizationMiddleware(
                summary, trigger=("messages", 4), keep=("messages", 1)
            ),
            RerankToolSelectorMiddleware(reranker, max_tools=1),
        ],
    )
    before = len(server.requests)
    out = agent.invoke({"messages": [HumanMessage("please run a command for me")]})
    assert "A mail was sent." in out["messages"][0].content
    assert model.offered == [["run_command"]] * 4
    assert len(server.requests) - before == 1


def test_a_very_short_message_goes_with_the_one_before(run: Run, reranker: AssistersRerank) -> None:
    selector = RerankToolSelectorMiddleware(reranker, max_tools=1)
    offered = run(
        selector, ("could you send a mail to my friend?", [DONE]), ("yes, do that", [DONE])
    )
    assert offered == [["send_mail"], ["send_mail"]]


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ([], ""),
        (["yes"], "yes"),
        (["send a mail", "yes, do that"], "send a mail\nyes, do that"),
        (["send a mail", "run the command of yesterday"], "run the command of yesterday"),
    ],
)
def test_what_is_wanted(said: list[str], query: str) -> None:
    messages: list[Any] = []
    for text in said:
        messages += [HumanMessage(text), AIMessage("well")]
    assert wanted(messages) == query


@pytest.mark.parametrize(
    "said",
    [
        "please run a command " + "2026-11-29 08:00:01 INFO worker started\n" * 400,
        "2026-11-29 08:00:01 INFO worker started\n" * 400 + " please run a command",
        "please run a command " + "日志。" * 3000,
    ],
    ids=["before", "behind", "Chinese"],
)
@pytest.mark.parametrize("long_documents", ["as_is", "truncate"])
def test_of_a_long_message_both_ends_are_asked_for(
    run: Run, reranker: AssistersRerank, server: LocalServer, said: str, long_documents: Any
) -> None:
    careful = reranker.with_options(long_documents=long_documents)
    assert run(RerankToolSelectorMiddleware(careful, max_tools=1), (said, [DONE]))
    query = server.requests[-1].query
    assert "please run a command" in query
    assert query[:20] == said[:20]
    assert query[-20:] == said[-20:]
    assert 200 < estimate_tokens(query) <= 256


def test_a_message_that_is_not_long_is_asked_for_as_it_is() -> None:
    said = "word " * 200
    assert wanted([HumanMessage(said)]) == said


NAMED = {"type": "function", "function": {"name": "send_mail"}}
CHOICES = [
    "send_mail",
    {"type": "tool", "name": "send_mail"},
    NAMED,
    {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
    {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "send_mail"}]},
]


@pytest.mark.parametrize("choice", [*CHOICES, "auto", {"type": "any"}, {"function": None}, None])
def test_the_tool_that_has_to_be_called_is_offered(choice: Any, reranker: AssistersRerank) -> None:
    forced = agents.middleware.wrap_model_call(
        lambda request, handler: handler(request.override(tool_choice=choice))
    )
    model = Offered(answers=[DONE])
    selector = RerankToolSelectorMiddleware(reranker, max_tools=1)
    agents.create_agent(model, TOOLS, middleware=[forced, selector]).invoke(
        {"messages": [HumanMessage("please run a command for me")]}
    )
    more = ["send_mail"] if choice in CHOICES else []
    assert model.offered == [["run_command", *more]]


def test_parts_of_a_message_that_are_no_text_are_left_out() -> None:
    parts: list[Any] = [
        {"type": "text", "text": "what does this picture of a table show?"},
        {"type": "image", "url": "https://h.test/x.png"},
    ]
    assert wanted([HumanMessage(parts)]) == "what does this picture of a table show?"


def test_some_are_always_offered_in_the_agents_order(run: Run, reranker: AssistersRerank) -> None:
    selector = RerankToolSelectorMiddleware(
        reranker, max_tools=1, always_include=["walk_folders", "current_time"]
    )
    offered = run(selector, ("please run a command for me", [DONE]))
    assert offered == [["walk_folders", "run_command", "current_time"]]


def test_providers_own_tools_stay(run: Run, reranker: AssistersRerank) -> None:
    selector = RerankToolSelectorMiddleware(reranker, max_tools=1)
    offered = run(selector, ("please run a command for me", [DONE]), tools=[*TOOLS, PROVIDERS_OWN])
    assert offered == [["run_command", "web_search"]]


def test_a_query_of_ones_own(run: Run, reranker: AssistersRerank) -> None:
    selector = RerankToolSelectorMiddleware(
        reranker, max_tools=1, query=lambda messages: "read a table of values"
    )
    assert run(selector, ("whatever it may be", [DONE])) == [["parse_table"]]


@pytest.mark.parametrize("place", ["max_tools", "top_n"])
def test_few_tools_need_no_rerank(
    run: Run, reranker: AssistersRerank, server: LocalServer, place: str
) -> None:
    before = len(server.requests)
    if place == "max_tools":
        selector = RerankToolSelectorMiddleware(reranker, max_tools=5)
    else:
        selector = RerankToolSelectorMiddleware(reranker.with_options(top_n=5))
    assert run(selector, ("please run a command", [DONE])) == [list(ABOUT)]
    assert len(server.requests) == before


@pytest.mark.parametrize(
    ("options", "most"), [({"top_n": 1}, 1), ({"max_context_tokens": 15}, 4)], ids=str
)
def test_the_rerankers_own_limits_hold(
    run: Run, reranker: AssistersRerank, options: Any, most: int
) -> None:
    selector = RerankToolSelectorMiddleware(reranker.with_options(**options))
    (names,) = run(selector, ("please run a command for me", [DONE]))
    assert "run_command" in names
    assert len(names) <= most


def test_a_selector_that_would_leave_out_nothing_is_refused(reranker: AssistersRerank) -> None:
    with pytest.raises(ConfigurationError, match="max_tools: give the most tools to offer"):
        RerankToolSelectorMiddleware(reranker, always_include=["send_mail"])


def test_the_rerankers_threshold_holds(run: Run, reranker: AssistersRerank) -> None:
    picky = reranker.with_options(score_threshold=2)
    selector = RerankToolSelectorMiddleware(picky, always_include=["send_mail"])
    assert run(selector, ("please run a command for me", [DONE])) == [["send_mail"]]


@pytest.mark.parametrize("on_error", ["raise", "passthrough"])
def test_all_are_offered_where_the_rerank_fails_transiently(
    run: Run, on_error: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lost = AssistersRerank(base_url="http://127.0.0.1:9/v1", max_retries=0, on_error=on_error)
    selector = RerankToolSelectorMiddleware(lost, max_tools=1)
    assert run(selector, ("please run a command for me", [DONE])) == [list(ABOUT)]
    assert "127.0.0.1:9" in caplog.text


def test_another_failure_is_raised(run: Run) -> None:
    with LocalServer(api_key="ask_right", scorer="lexical") as guarded:
        wrong = AssistersRerank(base_url=guarded.base_url, api_key="ask_wrong")
        selector = RerankToolSelectorMiddleware(wrong, max_tools=1)
        with pytest.raises(AuthenticationError):
            run(selector, ("please run a command for me", [DONE]))


def test_the_usage_stands_in_the_trace(run: Run, reranker: AssistersRerank) -> None:
    class Runs(BaseCallbackHandler):
        def __init__(self) -> None:
            self.metadata: list[Any] = []

        def on_retriever_start(self, *_: Any, **keywords: Any) -> None:
            self.metadata.append(keywords["metadata"])

    runs = Runs()
    selector = RerankToolSelectorMiddleware(reranker, max_tools=1)
    run(selector, ("please run a command for me", [DONE]), config={"callbacks": [runs]})
    [metadata] = runs.metadata
    assert metadata["usage"]["requests"] == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_tools": 0}, "max_tools"),
        ({"max_tools": True}, "max_tools"),
        ({"max_tools": "5"}, "max_tools"),
        ({"always_include": "send_mail"}, "always_include: give a list of tools' names, not str"),
        ({"always_include": None}, "always_include: give a list of tools' names, not NoneType"),
        ({"always_include": TOOLS[0]}, "always_include: give a list of tools' names, not Struct"),
        ({"always_include": {"send_mail": 1}}, "give a list of tools' names, not dict"),
        ({"always_include": TOOLS}, "always_include: give tools' names, not StructuredTool"),
        ({"query": "commands"}, "query: give a function of the messages, not str"),
    ],
)
def test_impossible_settings_are_refused(given: Any, said: str, reranker: AssistersRerank) -> None:
    with pytest.raises(ConfigurationError, match=said):
        RerankToolSelectorMiddleware(reranker, **given)


@pytest.mark.parametrize(
    ("wrong", "named"), [("bge-reranker-v2", "str"), (AssistersRerank, "the class AssistersRerank")]
)
def test_another_reranker_is_refused(wrong: Any, named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"give an AssistersRerank, not {named}"):
        RerankToolSelectorMiddleware(wrong)


async def later(messages: Any) -> str:
    return "run a command"


@pytest.mark.filterwarnings("error")  # also a coroutine that nobody waits for
@pytest.mark.parametrize(
    ("query", "given"),
    [(lambda _: None, "NoneType"), (lambda said: said[-1], "HumanMessage"), (later, "coroutine")],
)
def test_a_query_that_is_no_text_is_refused(
    run: Run, reranker: AssistersRerank, query: Any, given: str
) -> None:
    selector = RerankToolSelectorMiddleware(reranker, max_tools=1, query=query)
    with pytest.raises(ConfigurationError, match=f"query: it gave {given}; give a plain function"):
        run(selector, ("please run a command for me", [DONE]))


def test_a_name_that_no_tool_has_is_refused(run: Run, reranker: AssistersRerank) -> None:
    selector = RerankToolSelectorMiddleware(reranker, max_tools=1, always_include=["send_email"])
    with pytest.raises(ConfigurationError, match="no tool is called send_email"):
        run(selector, ("please run a command for me", [DONE]))

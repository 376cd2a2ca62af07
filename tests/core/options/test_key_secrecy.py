"""The key is nowhere but in the Authorization header."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from itertools import repeat

import httpx
import pytest
from pydantic import BaseModel, TypeAdapter

from assisters_rerank import AssistersError, Embedder, Reranker, RerankOptions

from ..answers import honest, refused
from ..scripted_port import ScriptedPort, rank

KEY = "ask_SECRET-0123456789"


Handler = Callable[[httpx.Request], httpx.Response]


def mocked(handler: Handler) -> dict[str, httpx.Client | httpx.AsyncClient]:
    transport = httpx.MockTransport(handler)
    return {
        "http_client": httpx.Client(transport=transport),
        "async_http_client": httpx.AsyncClient(transport=transport),
    }


def quoting(_: httpx.Request) -> httpx.Response:
    """An error answer that says the key back in every place that it can."""
    return httpx.Response(
        401,
        json={"error": {"message": f"bad key {KEY}", "code": KEY, "type": KEY}},
        headers={"X-Request-ID": KEY, "Retry-After": KEY},
    )


def test_no_face_of_a_reranker_shows_it() -> None:
    reranker = Reranker(api_key=KEY)
    for shown in (
        repr(reranker),
        str(reranker),
        f"{reranker}",
        repr(vars(reranker)),
        str(reranker.__dict__),
        repr(dict(reranker)),
        str(reranker.model_dump()),
        str(reranker.model_dump(mode="json", round_trip=True)),
        reranker.model_dump_json(),
        json.dumps(type(reranker).model_json_schema()),
        json.dumps(type(reranker).model_json_schema(mode="serialization")),
        repr(reranker.__getstate__()),
        repr(list(reranker.__rich_repr__())),
        repr(copy.deepcopy(reranker)),
    ):
        assert "SECRET" not in shown
    assert b"SECRET" not in pickle.dumps(reranker)
    assert "api_key" not in reranker.model_dump()


def test_the_json_schema_has_every_other_option() -> None:
    properties = Reranker.model_json_schema()["properties"]
    assert {"model", "top_n", "score_threshold", "base_url", "timeout"} <= properties.keys()
    assert not {"http_client", "async_http_client"} & properties.keys()


@pytest.mark.parametrize("kind", [RerankOptions, Reranker, Embedder])
@pytest.mark.parametrize("settings", [{"timeout": KEY}, {"api_kye": KEY}, {"api_key": [KEY]}])
def test_pydantics_own_ways_in_do_not_show_what_they_refuse(
    kind: type[BaseModel], settings: dict[str, object]
) -> None:
    for validate in (
        lambda: kind.model_validate(settings),
        lambda: kind.model_validate_json(json.dumps(settings)),
        lambda: TypeAdapter(kind).validate_python(settings),
    ):
        with pytest.raises(ValueError, match=next(iter(settings))) as caught:
            validate()
        assert "SECRET" not in f"{caught.value}{caught.value!r}"


ANSWERS: dict[str, Handler] = {
    "refused": quoting,
    "no-json": lambda _: httpx.Response(200, text=f"Bearer {KEY}"),
    "no-json-cut": lambda _: httpx.Response(200, text="x" * 155 + KEY),
    "contract": lambda _: httpx.Response(200, json={"error": KEY}, headers={"X-Request-ID": KEY}),
}


@pytest.mark.parametrize("handler", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("size", [1, 100])
async def test_no_error_repeats_it_after_the_server(
    handler: Handler, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reranker = Reranker(api_key=KEY, max_documents_per_request=size, **mocked(handler))
    raised: list[AssistersError] = []
    with pytest.raises(AssistersError) as caught:
        reranker.rerank("q", ["a", "b"])
    raised.append(caught.value)
    with pytest.raises(AssistersError) as caught:
        await reranker.arerank("q", ["a", "b"])
    raised.append(caught.value)
    for error in raised:
        printed = "".join(traceback.format_exception(error))
        assert "SECRET" not in f"{printed}{error!r}{error.args}{vars(error)}"
        assert error.__cause__ is None
    assert "SECRET" not in caplog.text


def with_frames(error: BaseException) -> str:
    """What crash reporters print: the variables of every frame too."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(told.format())


def reset(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError(f"after {request.headers['authorization']}", request=request)


@pytest.mark.parametrize(
    "handler", [lambda request: httpx.Response(401), reset], ids=["refused", "transport"]
)
@pytest.mark.parametrize("size", [1, 100])
async def test_no_frame_of_an_errors_traceback_holds_it(handler: Handler, size: int) -> None:
    reranker = Reranker(
        api_key=KEY, max_retries=0, max_documents_per_request=size, **mocked(handler)
    )
    with pytest.raises(AssistersError) as caught:
        reranker.rerank("q", ["a", "b"])
    shown = with_frames(caught.value)
    with pytest.raises(AssistersError) as caught:
        await reranker.arerank("q", ["a", "b"])
    shown += with_frames(caught.value)
    assert "max_retries" in shown  # frames are there
    assert "SECRET" not in shown


def test_no_log_shows_it_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    port = ScriptedPort([refused(503), *repeat(honest, 2)])
    rank(port, ["a", "b"], api_key=KEY, max_documents_per_request=1)
    rank(ScriptedPort(repeat(refused(503))), api_key=KEY, on_error="passthrough")
    assert len(caplog.records) >= 5
    assert "SECRET" not in caplog.text


def test_no_ranking_holds_it() -> None:
    content = {"id": "r", "model": "m", "results": [{"index": 0, "relevance_score": 0.5}]}
    right = mocked(lambda _: httpx.Response(200, json=content, headers={"X-Request-ID": "r-1"}))
    wrong = mocked(lambda _: httpx.Response(503))
    for ranking in (
        Reranker(api_key=KEY, **right).rerank("q", [{"text": "a"}]),
        Reranker(api_key=KEY, max_retries=0, on_error="passthrough", **wrong).rerank("q", ["a"]),
    ):
        assert len(ranking) == 1
        assert b"SECRET" not in pickle.dumps(ranking)
        assert "SECRET" not in repr(ranking)

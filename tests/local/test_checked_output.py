"""What users' own scorers and encoders may give, and what they are told of the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from assisters_rerank.local import LocalServer

from .surroundings import BODY, connect

SCORES = [0.25, 0.5, 0.75]


class Giving:
    name = "giving"

    def __init__(self, given: object) -> None:
        self._given = given

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        return self._given  # type: ignore[return-value]

    def encode(self, text: str) -> Sequence[float]:
        return self._given  # type: ignore[return-value]


@pytest.mark.parametrize(
    "given",
    [
        SCORES,
        tuple(SCORES),
        iter(SCORES),
        np.array(SCORES),
        np.array(SCORES, dtype=np.float16),
        np.array(SCORES).reshape(3, 1),
        [[score] for score in SCORES],
        [np.array(score) for score in SCORES],
        [np.array([score]) for score in SCORES],
    ],
    ids=lambda given: type(given).__name__,
)
def test_scores_that_are_taken(given: object) -> None:
    with LocalServer(scorer=Giving(given)) as server, connect(server) as client:
        results = client.post("/rerank", json=BODY).json()["results"]
    assert [result["relevance_score"] for result in results] == SCORES[::-1]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (None, "gave NoneType for scores, not a sequence of numbers"),
        (0.5, "gave 0.5 for scores, not a sequence"),
        ("0.5", "gave str for scores, not a sequence"),
        ({0: 0.5}, "gave dict for scores, not a sequence"),
        (np.array(0.5), "for scores, not a sequence"),
        ([], "gave 0 scores for 3 documents"),
        ([0.5], "gave 1 score for 3 documents"),
        ([0.5] * 4, "gave 4 scores for 3 documents"),
        (np.zeros((1, 3)), "gave 1 score for 3 documents"),
        (np.zeros((3, 2)), "gave an array of the shape (2,) for the score of documents[0]"),
        ([0.5, [0.5, 0.5], 0.5], "gave list of 2 for the score of documents[1], not a finite"),
        ([0.5, 0.5, float("nan")], "gave nan for the score of documents[2], not a finite number"),
        ([0.5, float("-inf"), 0.5], "gave -inf for the score of documents[1]"),
        ([0.5, "0.5", 0.5], "gave str for the score of documents[1]"),
        ([0.5, None, 0.5], "gave NoneType for the score of documents[1]"),
        ([0.5, 1j, 0.5], "gave complex for the score of documents[1]"),
        ([10**400] * 3, "for the score of documents[0], not a finite number"),
    ],
)
def test_scores_that_are_not(caplog: pytest.LogCaptureFixture, given: object, problem: str) -> None:
    with LocalServer(scorer=Giving(given)) as server, connect(server) as client:
        answer = client.post("/rerank", json=BODY)
    (record,) = caplog.records
    for message in (answer.json()["error"]["message"], record.getMessage()):
        assert message.startswith("The scorer gave ")
        assert problem in message
    assert (answer.status_code, record.exc_info) == (500, None)


@pytest.mark.parametrize("given", [[1, 0.5], np.array([1, 0.5]), np.array([[1, 0.5]])])
def test_vectors_that_are_taken(given: object) -> None:
    with LocalServer(encoder=Giving(given)) as server, connect(server) as client:
        answer = client.post("/embeddings", json={"model": "bge-base-en", "input": "a"})
    assert answer.json()["data"][0]["embedding"] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (None, "gave NoneType for the vector of input[0], not a sequence of numbers"),
        ([], "gave no numbers for the vector of input[0]"),
        ([1.0, float("nan")], "gave nan for the vector of input[0], at 1, not a finite number"),
        ([1e300], "gave numbers beyond 32 bits for the vector of input[0]"),
        ([[1.0, 2.0], [1.0, 2.0]], "gave list of 2 for the vector of input[0], at 0"),
        (["1.0"], "gave str for the vector of input[0], at 0, not a finite number"),
    ],
)
def test_vectors_that_are_not(given: object, problem: str) -> None:
    with LocalServer(encoder=Giving(given)) as server, connect(server) as client:
        answer = client.post("/embeddings", json={"model": "bge-base-en", "input": "a"})
    assert answer.status_code == 500
    assert f"The encoder {problem}" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("dimensions", "status"), [(None, 200), (2, 200), (1, 400), (3, 400)])
def test_other_dimensions_are_refused(dimensions: int | None, status: int) -> None:
    body = {"model": "bge-base-en", "input": "a", "dimensions": dimensions}
    with LocalServer(encoder=Giving([1.0, 0.5])) as server, connect(server) as client:
        answer = client.post("/embeddings", json=body)
    assert answer.status_code == status
    if status == 400:
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == ("invalid_parameter", "dimensions")
        assert f"is {dimensions}, but giving makes 2" in error["message"]


@pytest.mark.parametrize("dimensions", [0, -1, 2.5, "2", True, []])
def test_dimensions_that_are_none(dimensions: object) -> None:
    body = {"model": "bge-base-en", "input": "a", "dimensions": dimensions}
    with LocalServer(encoder=Giving([1.0, 0.5])) as server, connect(server) as client:
        answer = client.post("/embeddings", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "dimensions")

"""The ranking that a call returns: an immutable sequence that can be stored and compared."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Sequence

import pytest

from assisters_rerank import Document, Passage, RankedDocument, Ranking, ScoredPassage, Usage

ONE = RankedDocument(2, 0.9, Document("two", {"text": "two", "id": 7}), Passage(1, 3))
OTHER = RankedDocument(0, 0.1, Document("zero", "zero"))
USAGE = Usage(("m",), 1, 2, 3, 4, 5, 6, tokens_estimated=True, search_units=7, cost=0.25)
RANKING = Ranking((ONE, OTHER), "m", USAGE, ("r-1",))


def test_it_is_a_sequence() -> None:
    assert isinstance(RANKING, Sequence)
    assert len(RANKING) == 2
    assert list(RANKING) == [ONE, OTHER]
    assert list(reversed(RANKING)) == [OTHER, ONE]
    assert RANKING[0] is ONE
    assert RANKING[-1] is OTHER
    assert RANKING[:1] == (ONE,)
    assert OTHER in RANKING
    assert RANKING.index(OTHER) == 1
    first, second = RANKING
    assert (first.text, second.text) == ("two", "zero")
    assert not Ranking((), "m")
    with pytest.raises(IndexError):
        RANKING[2]


@pytest.mark.parametrize(
    ("value", "name"),
    [(RANKING, "results"), (RANKING, "degraded"), (ONE, "relevance_score"), (ONE, "index"),
     (ONE, "passage"), (ONE.document, "text"), (RANKING.usage, "requests")],
)  # fmt: skip
def test_nothing_of_it_can_be_changed(value: object, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(value, name, None)
    with pytest.raises((AttributeError, TypeError)):
        value.surprise = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        RANKING[0] = OTHER  # type: ignore[index]


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_it_survives_copies_and_pickles(again: object) -> None:
    twin = again(RANKING)  # type: ignore[operator]
    assert twin == RANKING
    assert twin.usage.search_units == 7
    assert twin.usage.cost == 0.25
    assert twin[0].passage == Passage(1, 3)
    assert twin[0].passage_text == "wo"
    assert twin[0].document.original == {"text": "two", "id": 7}


def test_each_argument_of_a_ranked_document_is_its_field() -> None:
    # The constructor is our own, so that it has to keep to the fields.
    arguments = inspect.signature(RankedDocument).parameters
    defaults = {name: each.default for name, each in arguments.items()}
    assert list(arguments) == [each.name for each in dataclasses.fields(RankedDocument)]
    for each in dataclasses.fields(RankedDocument):
        missing = each.default is dataclasses.MISSING
        assert defaults[each.name] is (inspect.Parameter.empty if missing else each.default)
    values = (3, 0.5, Document("a", "a"), Passage(0, 1), (ScoredPassage(0, 1, 0.5),), 1)
    made = RankedDocument(*values)
    assert tuple(getattr(made, name) for name in arguments) == values
    assert RankedDocument(**dict(zip(arguments, values, strict=True))) == made
    assert dataclasses.replace(made, index=4) == RankedDocument(4, *values[1:])
    with pytest.raises(TypeError, match="document"):
        RankedDocument(3, 0.5)  # type: ignore[call-arg]


def test_defaults_say_that_nothing_was_taken() -> None:
    ranking = Ranking((), "m")
    assert ranking.usage == Usage()
    assert ranking.request_ids == ()
    assert ranking.degraded is False
    assert ranking.degraded_reason is None
    assert ranking.truncated is None  # not 0: nobody looked


def test_a_repr_tells_what_came_out() -> None:
    assert repr(RANKING) == "<Ranking of 2 by m, best=0.9>"
    unranked = RankedDocument(0, None, Document("zero", "zero"))
    assert repr(Ranking((unranked,), "m", degraded=True)) == "<Ranking of 1 by m, degraded>"

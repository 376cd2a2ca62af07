"""An evaluation written as JSON and read back."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import pytest

from assisters_rerank.evaluate.report.json_report import from_json, to_json
from assisters_rerank.evaluate.results import Evaluation, Figure

from .evaluations import ALL, ONE_MODEL


@pytest.mark.parametrize("name", ALL)
def test_what_was_written_is_read_back(name: str) -> None:
    evaluation = ALL[name]
    assert from_json(to_json(evaluation)) == evaluation


@pytest.mark.parametrize("value", [0.1 + 0.2, 1 / 3, 5e-324, 0.0])
def test_no_digit_is_lost(value: float) -> None:
    written = replace(ONE_MODEL, first={"nDCG@10": Figure(value, -value, -value, value)})
    assert from_json(to_json(written)) == written


def test_keys_are_the_attributes_names_after_format_and_version() -> None:
    content = json.loads(to_json(ONE_MODEL))
    assert list(content) == ["format", "version", *(each.name for each in fields(Evaluation))]
    assert (content["format"], content["version"]) == ("assisters-rerank evaluation", 1)
    assert content["models"][0]["usage"]["cost"] == 0.2406
    assert content["models"][0]["changes"][0]["top_after"][0] == list(
        ONE_MODEL.models[0].changes[0].top_after[0]
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_say_is_refused_by_its_place(value: float) -> None:
    model = replace(ONE_MODEL.models[0], figures={"MAP": Figure(0.5, 0.1, value, 0.2)})
    with pytest.raises(
        ValueError, match=r"evaluation\.models\[0\]\.figures\.MAP\.low is -?(nan|inf)"
    ):
        to_json(replace(ONE_MODEL, models=(model,)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", 'not an evaluation: "format"'),
        ('{"version": 1}', 'not an evaluation: "format"'),
        ('{"format": "assisters-rerank evaluation", "version": 2}', "version 2; this reads 1"),
        ('{"format": "assisters-rerank evaluation", "version": 1}', "collection: Field required"),
        (to_json(ONE_MODEL).replace("93.4", '"long"'), r"seconds: Input should be a valid number"),
    ],
)
def test_what_is_no_evaluation_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(text)

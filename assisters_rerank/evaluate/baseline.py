"""A gate for CI: this run against an earlier one's report, query by query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from ..errors import ConfigurationError
from .measures import figure, known_as
from .report.facts import of_gate
from .report.json_report import from_json, to_json
from .report.wording import labelled, labelled_gates
from .results import MAIN_MEASURE, Evaluation, Figure, Gate, ModelResult
from .significance import holm
from .verdicts import Verdict, verdict

_ANEW = "make the baseline anew (eval --json, or pytest --assisters-update-baseline)"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The report of an earlier run, and the name of its file."""

    name: str
    evaluation: Evaluation

    @classmethod
    def read(cls, file: str | PathLike[str]) -> Baseline:
        """The report that `--json` has written.

        Raises:
            ConfigurationError: there is no such file, or it is no whole report.
        """
        try:
            evaluation = from_json(Path(file).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigurationError(f"{file}: {error.strerror}; {_ANEW}.") from None
        except ValueError as error:
            raise ConfigurationError(f"{file}: {error}; {_ANEW}.") from None
        if evaluation.failed:
            raise ConfigurationError(f"{file}: that run ended early by a failure; {_ANEW}.")
        return cls(Path(file).name, evaluation)

    def check(
        self,
        collection: str,
        queries: Sequence[str],
        models: Sequence[str],
        measure: str = MAIN_MEASURE,
        relevance_level: int = 1,
        asked: Mapping[str, str] | None = None,
    ) -> None:
        """Finds out before any request whether a run can be compared.

        Args:
            collection: its name.
            queries: their ids.
            models: their names.
            measure: what is compared.
            relevance_level: of the run.
            asked: `Collection.asked()`, to see which queries have changed.

        Raises:
            ConfigurationError: it is of another collection, relevance level or models, lacks the
                measure, or has none of the queries as they are now; or there is no such measure.
        """
        earlier = self.evaluation
        if earlier.collection != collection:
            raise self._refused(f"is of {earlier.collection!r} and not of {collection!r}")
        if earlier.relevance_level != relevance_level:
            raise self._refused(f"has the relevance level {earlier.relevance_level}")
        for model in self._earlier(models):
            values = _values(model, measure, relevance_level)
            if not values:
                raise self._refused(f"has no {measure} of single queries for {model.model}")
            if not all(map(math.isfinite, values.values())):
                raise self._refused(f"has a {measure} for {model.model} that is no number")
            if values.keys().isdisjoint(queries):
                raise self._refused(f"has none of the queries of {collection!r}")
            if values.keys() & set(queries) <= self._changed(asked or {}):
                raise self._refused("has another text or other judgements for every query")

    def compare(self, evaluation: Evaluation, measure: str = MAIN_MEASURE) -> Evaluation:
        """The evaluation with a gate for each model.

        Each model is compared with the baseline's of the same name, and a single one with a single
        one. The test is that of all verdicts. Queries whose text or judgements have changed since
        are left aside.

        Raises:
            ConfigurationError: the baseline lacks a model.
        """
        models, level = evaluation.models, evaluation.relevance_level
        changed = self._changed(evaluation.asked)
        compared = [
            self._gate(model, earlier, measure, level, changed)
            for model, earlier in zip(models, self._earlier([m.model for m in models]), strict=True)
        ]
        tested = holm([gate.difference.p for gate in compared])
        return replace(evaluation, gates=tuple(map(_decided, compared, tested)))

    def _gate(
        self,
        model: ModelResult,
        earlier: ModelResult,
        measure: str,
        relevance_level: int,
        changed: AbstractSet[str],
    ) -> Gate:
        now = _values(model, measure, relevance_level)
        before = _values(earlier, measure, relevance_level)
        there = [query for query in now if query in before]
        both = [query for query in there if query not in changed]
        found = Figure(0.0, 0.0, 0.0, 0.0)
        if both:
            found = figure({q: now[q] for q in both}, {q: before[q] for q in both})
        labels = [label for each, label in labelled(self.evaluation.models) if each is earlier]
        name = f"{labels[0]} in {self.name}"
        aside = len(there) - len(both)
        return Gate(model.model, name, measure, found, len(both), bool(both), len(before), aside)

    def _changed(self, asked: Mapping[str, str]) -> AbstractSet[str]:
        earlier = self.evaluation.asked  # a report of an older version has none
        return {query for query, told in asked.items() if earlier.get(query, told) != told}

    def _earlier(self, models: Sequence[str]) -> list[ModelResult]:
        earlier = self.evaluation.models
        if len(models) == len(earlier) == 1:
            return list(earlier)
        left, found = list(earlier), []
        for name in models:  # one may be there twice, with other settings
            same = next((model for model in left if model.model == name), None)
            if same is None:
                raise self._refused(f"has no further model {name}")
            left.remove(same)
            found.append(same)
        return found

    def _refused(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.name}: the baseline {problem}; {_ANEW}.")


def write_baseline(file: str | PathLike[str], evaluation: Evaluation) -> None:
    """Writes the report that later runs are compared with.

    Raises:
        ConfigurationError: a failure ended the evaluation early.
    """
    if evaluation.failed:
        raise ConfigurationError(f"{file}: not written, the run ended early: {evaluation.stopped}.")
    Path(file).write_text(to_json(evaluation), encoding="utf-8")


def held(
    file: str | PathLike[str], evaluation: Evaluation, measure: str
) -> tuple[Evaluation, list[str], list[str]]:
    """The evaluation against a baseline, why it is not passed, and what is too few to tell.

    Raises:
        ConfigurationError: they cannot be compared.
    """
    baseline = Baseline.read(file)
    models = [model.model for model in evaluation.models]
    level = evaluation.relevance_level
    queries = [q for model in evaluation.models for q in _values(model, measure, level)]
    if not queries:
        raise ConfigurationError(
            f"measure: the evaluation has no {measure}; give evaluate measures=[{measure!r}]."
        )
    baseline.check(evaluation.collection, queries, models, measure, level, evaluation.asked)
    compared = baseline.compare(evaluation, measure)
    gates = labelled_gates(compared)
    problems = [of_gate(label, gate) for label, gate in gates if not gate.passed]
    if evaluation.failed:
        problems.append(f"The evaluation ended early: {evaluation.stopped}")
    doubts = [
        of_gate(label, gate)
        for label, gate in gates
        if gate.passed and verdict(gate.difference) is Verdict.TOO_FEW
    ]
    return compared, problems, doubts


def _values(model: ModelResult, measure: str, relevance_level: int) -> Mapping[str, float]:
    return model.values.get(known_as(measure, model.values, relevance_level), {})


def _decided(gate: Gate, p: float) -> Gate:
    difference = replace(gate.difference, p_corrected=p)
    passed = gate.passed and verdict(difference) is not Verdict.WORSE
    return replace(gate, difference=difference, passed=passed)

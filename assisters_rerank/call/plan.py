"""Pure: which texts to send for a list of documents, and where their scores go.

Equal texts are sent once, blank texts not at all. Of a document in passages the best one counts
(MaxP: Dai and Callan, "Deeper Text Understanding for IR with Contextual Neural Language Modeling",
SIGIR 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from ..ranking import ScoredPassage
from ..text.passages import Passage


@dataclass(slots=True)
class Plan:
    """`texts` are to be scored; part i has the score of `texts[source[i]]`, or is blank.

    A part is a document, or where `parts` is given the passage of the document that it names.
    """

    texts: tuple[str, ...]
    source: tuple[int | None, ...]
    parts: tuple[tuple[int, Passage | None], ...] | None = None

    @classmethod
    def of(cls, documents: Sequence[str]) -> Plan:
        """The plan for these documents' texts."""
        return cls(*_once(documents))

    def split(self, passages: Mapping[int, Sequence[Passage]]) -> Plan:
        """The plan with some texts, by their position in `texts`, in passages."""
        parts: list[tuple[int, Passage | None]] = []
        texts: list[str] = []
        for document, source in enumerate(self.source):
            whole = "" if source is None else self.texts[source]
            cuts = None if source is None else passages.get(source)
            parts += [(document, cut) for cut in cuts] if cuts else [(document, None)]
            texts += [whole[cut.start : cut.end] for cut in cuts] if cuts else [whole]
        return Plan(*_once(texts), tuple(parts))

    def cut(self, ends: Mapping[int, int]) -> Plan:
        """The plan with some texts, by their position in `texts`, cut off at an end."""
        texts = [text[: ends.get(place)] for place, text in enumerate(self.texts)]
        once, places = _once(texts)
        source = (None if place is None else places[place] for place in self.source)
        return Plan(once, tuple(source))

    def document_of(self, place: int) -> int:
        """The first document that has the text at this position, or a passage of it."""
        part = self.source.index(place)
        return part if self.parts is None else self.parts[part][0]

    @property
    def duplicates(self) -> int:
        """Parts that are like another one."""
        return len(self.source) - self.source.count(None) - len(self.texts)

    def rank(
        self,
        scores: Mapping[int, float],
        top_n: int | None,
        score_threshold: float | None,
        activation: Callable[[float], float] | None = None,
    ) -> list[tuple[int, float, Passage | None]]:
        """(document, score, passage) in falling order, cut by threshold and then by `top_n`.

        The order is that of the raw scores; `activation` makes of them what is returned and what
        the threshold is compared with. `scores` maps positions in `texts` to scores. The server's
        own `top_n` left out a text that has no score, and it stays out. Ties keep the documents'
        order; blank documents come last.
        """
        parts = [(i, scores[s]) for i, s in enumerate(self.source) if s is not None and s in scores]
        parts.sort(key=itemgetter(1), reverse=True)  # stable, so ties keep their order
        ranked = self._documents(parts)
        if activation is not None:
            ranked = [(document, activation(score), passage) for document, score, passage in ranked]
        blank_score = min(0.0, ranked[-1][1]) if ranked else 0.0
        blank = [(i, blank_score) for i, s in enumerate(self.source) if s is None]
        ranked += self._documents(blank)
        if score_threshold is not None:
            ranked = [entry for entry in ranked if entry[1] >= score_threshold]
        return ranked[:top_n]

    def passages(
        self, scores: Mapping[int, float], activation: Callable[[float], float] | None = None
    ) -> dict[int, tuple[ScoredPassage, ...]]:
        """Every passage of the documents that were split, with its score, in their own order."""
        found: dict[int, list[ScoredPassage]] = {}
        for (document, passage), source in zip(self.parts or (), self.source, strict=False):
            if passage is not None and source is not None:
                score = scores[source] if activation is None else activation(scores[source])
                found.setdefault(document, []).append(ScoredPassage(*passage, score))
        return {document: tuple(scored) for document, scored in found.items()}

    def _documents(
        self, scored: list[tuple[int, float]]
    ) -> list[tuple[int, float, Passage | None]]:
        """The documents of these parts, each at the place of its first one."""
        if self.parts is None:
            return [(document, score, None) for document, score in scored]
        first: dict[int, tuple[int, float, Passage | None]] = {}
        for part, score in scored:
            document, passage = self.parts[part]
            first.setdefault(document, (document, score, passage))
        return list(first.values())


def _once(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
    """Each text once, and for every given one its position among these, or None if it is blank."""
    places: dict[str, int] = {}
    source = tuple(
        places.setdefault(text, len(places)) if text and not text.isspace() else None
        for text in texts
    )
    return tuple(places), source

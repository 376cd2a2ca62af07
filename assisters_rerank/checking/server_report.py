"""What a check found out about a server, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

Key = Literal["needed", "not needed", "missing", "wrong", "not told"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A dialect that was tried at an address, and what came of it."""

    dialect: str
    base_url: str
    answered: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class RankingFound:
    """How many of the questions have the document that answers them first.

    Of the easy ones the words decide, of the hard ones only the meaning.
    """

    easy_right: int
    easy: int
    hard_right: int
    hard: int
    easy_last: int
    """Easy questions whose right document comes last."""
    alike: bool
    """Whether all documents of every question have one score."""

    @property
    def verdict(self) -> Literal["right", "wrong", "reversed", "alike"]:
        """Drawn by lot, six of eight right ones come up once in 240 checks."""
        if self.alike:
            return "alike"
        if self.easy_right >= 0.75 * self.easy:
            return "right"
        return "reversed" if self.easy_last >= 0.75 * self.easy else "wrong"


@dataclass(frozen=True, slots=True)
class ScoresFound:
    """The lowest and the highest score of the questions' documents."""

    lowest: float
    highest: float

    @property
    def spread(self) -> float:
        """Between the two."""
        return self.highest - self.lowest

    @property
    def kind(self) -> Literal["0…1", "-1…1", "logits"]:
        """Where they lie; cosines and small logits cannot be told apart."""
        if self.lowest >= 0 and self.highest <= 1:
            return "0…1"
        return "-1…1" if self.lowest >= -1 and self.highest <= 1 else "logits"


@dataclass(frozen=True, slots=True)
class CompanyFound:
    """The largest differences of one document's scores, as shares of the spread of all scores."""

    repeated: float
    """In the same request, sent several times."""
    in_company: float
    """By itself and with others."""
    reordered: float
    """With the same others in another order."""
    tolerance: float

    @property
    def deterministic(self) -> bool:
        """Whether the same request gets the same scores, but for a batch's noise."""
        return self.repeated <= self.tolerance

    @property
    def noise(self) -> float:
        """What rounding in a batch makes of one score; of a list-wise model's, only chance."""
        if self.listwise is False:
            return max(self.repeated, self.in_company, self.reordered)
        return self.repeated

    @property
    def listwise(self) -> bool | None:
        """Whether the others of a request change a score; None where chance does."""
        if not self.deterministic:
            return None
        return max(self.in_company, self.reordered) > max(self.tolerance, 3 * self.repeated)


@dataclass(frozen=True, slots=True)
class SizesFound:
    """How many documents the server takes in a request."""

    most: int
    """The most that were answered."""
    refused: int | None = None
    """The fewest that were not; None: none was tried."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LengthsFound:
    """What becomes of a long document, and from which length on.

    Tokens are those of query and document together, by this package's estimate.
    """

    outcome: Literal["read", "cut", "refused", "not told"]
    tokens: int
    """The longest that was read to its end."""
    status: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TimingsFound:
    """Medians by the number of documents, and the first answer of all."""

    first_ms: float
    median_ms: dict[int, float]
    times: int


@dataclass(frozen=True, slots=True)
class ReportedFound:
    """What the server reports about use and limits; None is not reported."""

    tokens: int | None
    token_ratio: float | None
    """Reported tokens for each that this package estimates."""
    search_units: int | None
    cost: float | None
    requests_per_minute: int | None
    tokens_per_minute: int | None


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What `check_server` found out; what was not asked is None.

    `problems` says what would give wrong rankings or none, `notes` what else to know. `options` are
    those of a `Reranker` for this server, as one writes them in Python, with dots for secrets.
    """

    base_url: str
    model: str
    dialect: str | None
    """None: the server answered in none of the dialects that were tried."""
    attempts: tuple[Attempt, ...]
    reachable: bool
    key: Key
    answered_by: str | None = None
    ranking: RankingFound | None = None
    scores: ScoresFound | None = None
    company: CompanyFound | None = None
    sizes: SizesFound | None = None
    lengths: LengthsFound | None = None
    timings: TimingsFound | None = None
    reported: ReportedFound | None = None
    requests: int = 0
    total_tokens: int = 0
    cost: float | None = None
    stopped: str | None = None
    """The bound that ended the check early."""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)

    @property
    def is_right(self) -> bool:
        """Whether an ordinary call would get an answer and a right ranking of it."""
        return not self.problems

    @property
    def line(self) -> str | None:
        """The `Reranker(…)` to copy; None where the server gave no answer."""
        given = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"Reranker({given})" if given else None

    def to_dict(self) -> dict[str, object]:
        """All of it as JSON takes it, with the verdicts that are drawn from the figures."""
        found: dict[str, object] = {
            "is_right": self.is_right,
            **asdict(self),
            "line": self.line,
        }
        for part, name in (
            ("ranking", "verdict"), ("scores", "kind"),
            ("company", "deterministic"), ("company", "listwise"),
        ):  # fmt: skip
            value = getattr(self, part)
            if value is not None:
                found[part] = {**asdict(value), **_of(found[part]), name: getattr(value, name)}
        return found


def _of(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}

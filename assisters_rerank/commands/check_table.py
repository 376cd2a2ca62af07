"""How the report on a server is shown: a row for each finding, then what follows, then the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..checking import ServerReport
from ..checking.suggested_options import window_near
from ..text.foreign_text import for_terminal, on_one_line
from ..usage import count, dollars

_STYLES = {"ok": "green", "wrong": "bold red", "note": "yellow", "?": "dim"}
_WIDEST = 100
_LONGEST_REASON = 120
_LONGEST_NAME = 80
_STATUS = re.compile(r"^Status (\d+) from \S+(?=[ .:])")
_ASCII = str.maketrans({"…": "..."})


class Row(NamedTuple):
    """One finding: its verdict, what it is about, what was found."""

    verdict: str
    about: str
    found: str


def show(report: ServerReport, console: Console) -> None:
    """Writes the report to the console."""
    width = min(console.width, _WIDEST)
    plain = _plain(console)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold", ratio=1)
    for row in rows(report):
        verdict = Text(row.verdict, style=_STYLES[row.verdict])
        table.add_row(verdict, row.about, Text(plain(row.found)))
    console.print(table, width=width)
    for style, heading, sentences in (
        ("bold red", "Wrong", report.problems),
        ("yellow", "Note", report.notes),
    ):
        for sentence in sentences:
            console.print()
            said = Text.assemble((f"{heading}: ", style), plain(sentence))
            console.print(said, width=width, overflow="fold")
    if report.options:
        console.print()
        _print_line(report.options, console, width)


def rows(report: ServerReport) -> Iterator[Row]:
    """The findings, those that were asked for."""
    address = _name(report.base_url)
    if not report.reachable:
        yield Row("wrong", "reachable", f"no answer from {address}")
    else:
        yield Row("ok", "reachable", address)
        yield _key(report)
        yield from _dialect(report)
    yield from _ranking(report)
    yield from _company(report)
    yield from _limits(report)
    yield from _reported(report)
    if report.timings is not None:
        each = ", ".join(
            f"{milliseconds:,.0f} ms for {count(number, 'document')}"
            for number, milliseconds in report.timings.median_ms.items()
        )
        first = f"first answer {report.timings.first_ms:,.0f} ms"
        yield Row("ok", "latency", f"{each} (medians of {report.timings.times}); {first}")
    facts = [count(report.requests, "request"), count(report.total_tokens, "token")]
    cost = "price unknown" if report.cost is None else dollars(report.cost)
    yield Row("ok", "this check", ", ".join([*facts, cost]))


def _key(report: ServerReport) -> Row:
    if report.key == "wrong":
        return Row("wrong", "key", "refused")
    if report.key == "missing":
        return Row("wrong", "key", "needed, and none was sent")
    found = {"needed": "needed, and right", "not needed": "none is needed"}
    return Row("ok" if report.key in found else "?", "key", found.get(report.key, "not known"))


def _dialect(report: ServerReport) -> Iterator[Row]:
    if report.dialect is None:
        for base_url, attempts in groupby(report.attempts, lambda each: each.base_url):
            yield Row("wrong", "dialect", f"no answer in any at {_name(base_url)}:")
            for each in attempts:
                yield Row("wrong", f"  {each.dialect}", _reason(each.outcome))
        return
    yield Row("ok", "dialect", report.dialect)
    answered = report.answered_by
    if answered is not None and answered != report.model:
        yield Row("note", "model", f"{_name(report.model)}, answered by {_name(answered)}")
    else:
        yield Row("ok", "model", _name(report.model))


def _ranking(report: ServerReport) -> Iterator[Row]:
    ranking, scores = report.ranking, report.scores
    if ranking is None or scores is None:
        return
    found = (
        f"right for {ranking.easy_right} of {ranking.easy} easy questions, "
        f"{ranking.hard_right} of {ranking.hard} hard ones"
    )
    yield Row("ok" if ranking.verdict == "right" else "wrong", "ranking", found)
    kinds = {"-1…1": ", cosines or small logits", "logits": ", logits"}
    within = f"{scores.lowest:.3g} to {scores.highest:.3g}{kinds.get(scores.kind, '')}"
    yield Row("ok" if scores.kind == "0…1" else "note", "scores", within)


def _company(report: ServerReport) -> Iterator[Row]:
    company = report.company
    if company is None:
        return
    if company.repeated == 0:
        yield Row("ok", "repeated", "the same scores each time")
    else:
        verdict = "ok" if company.deterministic else "wrong"
        yield Row(verdict, "repeated", f"scores differ by up to {_share(company.repeated)}")
    if company.listwise is None:
        yield Row("?", "in company", "not known, since scores are not repeated")
    elif company.listwise:
        differs = _share(max(company.in_company, company.reordered))
        yield Row("wrong", "in company", f"list-wise: scores differ by up to {differs}")
    else:
        yield Row("ok", "in company", "point-wise: a score is the document's own")


def _limits(report: ServerReport) -> Iterator[Row]:
    sizes, lengths = report.sizes, report.lengths
    if sizes is not None:
        found = f"{sizes.most:,} in a request"
        if sizes.refused is not None:
            found += f"; {sizes.refused:,} are refused: {_reason(sizes.reason)}"
        else:
            found += ", and perhaps more"
        yield Row("ok", "documents", found)
    if lengths is None:
        return
    about = f"about {lengths.tokens:,} tokens, the query included"
    if lengths.outcome in ("cut", "refused"):
        window = window_near(lengths.tokens)
        if window != lengths.tokens:
            about = f"some {window:,} tokens, the query included ({lengths.tokens:,} estimated)"
    if lengths.outcome == "cut":
        yield Row("note", "long texts", f"cut after {about}")
    elif lengths.outcome == "refused":
        yield Row("note", "long texts", f"refused beyond {about}: {_reason(lengths.reason)}")
    elif lengths.outcome == "read":
        yield Row("ok", "long texts", f"read to the end, up to {about}, and perhaps more")
    else:
        yield Row("?", "long texts", f"not known: {_reason(lengths.reason)}")


def _reported(report: ServerReport) -> Iterator[Row]:
    found = report.reported
    if found is None:
        return
    facts = []
    if found.token_ratio is not None:
        facts.append(f"tokens ({found.token_ratio:.2f} times the estimate)")
    if found.search_units is not None:
        facts.append("search units")
    if found.cost is not None:
        facts.append("cost")
    if found.requests_per_minute is not None:
        facts.append(f"{found.requests_per_minute:,} requests a minute")
    if found.tokens_per_minute is not None:
        facts.append(f"{found.tokens_per_minute:,} tokens a minute")
    yield Row("ok", "reported", ", ".join(facts) or "no tokens, cost or limits")


def _share(part: float) -> str:
    shown = f"{part:.1%}" if part >= 0.001 else f"{part:.0e}"
    return f"{shown} of the spread of all scores"


def _name(text: str) -> str:
    return on_one_line(text, _LONGEST_NAME)


def _reason(text: str | None) -> str:
    """The server's words, without the address, which stands above already."""
    return on_one_line(_STATUS.sub(r"\1", text or ""), _LONGEST_REASON)


def _plain(console: Console) -> Callable[[str], str]:
    """A function for foreign texts: what the terminal obeys is marked, what it lacks replaced."""
    encoding = console.encoding

    def plain(text: str) -> str:
        shown = for_terminal(text)
        shown = shown.translate(_ASCII) if console.options.ascii_only else shown
        return shown.encode(encoding, "replace").decode(encoding)

    return plain


def _print_line(options: Mapping[str, str], console: Console, width: int) -> None:
    given = [f"{name}={value}" for name, value in options.items()]
    lines = [f"Reranker({', '.join(given)})"]
    if len(lines[0]) > width:
        lines = ["Reranker(", *(f"    {each}," for each in given), ")"]
    plain = _plain(console)
    for line in lines:  # to be copied, so none is broken where the terminal ends
        console.print(Text(plain(line), style="bold"), soft_wrap=True)

"""One run of `rerank`: its scores are kept until it is complete, so that it can go on."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..cache.sqlite_cache import SqliteCache
from ..call.fitting import fit
from ..call.plan import Plan
from ..ranking import Ranking
from ..usage import count, dollars, in_words
from .called import same_command
from .kept_scores import in_users_folder, name_for, remove
from .key import check_key
from .progress import ReportingReranker, progress_bar
from .reading.inputs import STANDARD_INPUT
from .reading.records import Input


class Run:
    """The documents and the query of one command, and what is kept of their scores.

    One request is kept nowhere: there is nothing to go on with.
    """

    def __init__(
        self, reranker: ReportingReranker, query: str, inputs: Sequence[Input], *, keep: bool
    ) -> None:
        self._reranker = reranker
        self._query = query
        self._texts = [source.text for source in inputs]
        self._piped = any(source.file == STANDARD_INPUT for source in inputs)
        self._to_score = len(fit(reranker, query, Plan.of(self._texts)).plan.texts)
        if self._to_score and reranker.top_n != 0 and reranker.cache is None:
            check_key(reranker)
        self._is_long = self._to_score > reranker.max_documents_per_request
        self._file: SqliteCache | None = None
        if keep and self._is_long and reranker.top_n != 0:
            about = reranker.base_url, reranker.model, query
            self._file = in_users_folder(name_for(*about, self._texts))
        if self._file is not None:
            self._reranker = reranker.with_options(cache=self._file)
        self._is_complete = False

    @contextmanager
    def kept(self, *, paid: bool) -> Iterator[None]:
        """Keeps the scores if what happens here fails; then the error says how to go on."""
        try:
            yield
        except BaseException as error:
            if paid and not isinstance(error, BrokenPipeError) and (note := self._note()):
                error.add_note(note)
            raise
        else:
            if self._is_complete and self._file is not None:
                remove(self._file)
            elif not self._is_complete and paid and (note := self._note()):
                sys.stderr.write(f"assisters-rerank: {note}\n")
        finally:
            if self._file is not None:
                self._file.close()

    def ranking(self, *, quiet: bool) -> Ranking:
        """Scores the documents, with a bar if that takes several requests."""
        wanted = not quiet and self._is_long
        known = 0 if self._file is None else len(self._file)
        bar = progress_bar(self._to_score, "documents", wanted=wanted, done=known)
        with bar as answered:
            ranking = self._reranker.rerank_watched(self._query, self._texts, answered)
        self._is_complete = not ranking.degraded
        return ranking

    def _note(self) -> str | None:
        """What was paid for, and how to go on; None where nothing was."""
        usage = self._reranker.total_usage
        if not usage.requests:
            return None
        facts = [*in_words(usage), *([dollars(usage.cost)] if usage.cost else [])]
        scored = count(usage.documents_sent, "document was", "documents were")
        paid = f"{scored} scored and paid for, of {self._to_score:,} ({', '.join(facts)}); "
        cache = self._reranker.cache
        if cache is None:
            return f"{paid}their scores are lost"
        where = getattr(cache, "path", "the cache")
        return (
            f"{paid}their scores are kept in {where}. To go on, and pay only for the rest: "
            f"{same_command(piped=self._piped)}"
        )

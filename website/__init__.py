"""The documentation as a site, from the same Markdown that is read in the repository.

`python -m website` (extra `docs`) builds it into `build/site`, and fails at the first warning or
dead link.

- `pages` finds the pages and what they link to, `page` makes one ready: its links, its `tabs`;
- `api_pages` and `option_tables` write an entry for each public name, `error_index` one for each
  message, `notebooks` shows a notebook's cells and outputs;
- `navigation` orders them, in the menu and in `llms.txt`;
- `building` runs Zensical, `link_check` reads what it has made.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]

PACKAGES = (
    "assisters_rerank",
    "assisters_rerank.bulk",
    "assisters_rerank.bulk.ray",
    "assisters_rerank.evaluate",
    "assisters_rerank.local",
    "langchain_assisters",
    "llama_index_assisters",
)
"""Whose public names have an entry; a new one is a line here."""

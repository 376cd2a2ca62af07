"""A small collection in BEIR's layout, for the command `eval`."""

from __future__ import annotations

import json
from pathlib import Path

QUERIES = 12
DOCUMENTS = 15


def write_collection(folder: Path, queries: int = QUERIES) -> Path:
    """Each query shares a word with every document; one document, among the last, is relevant."""
    folder.mkdir()
    documents = [{"_id": f"d{n}", "text": f"text 0.{n:02}"} for n in range(DOCUMENTS)]
    asked = [{"_id": f"q{n}", "text": f"text number {n}"} for n in range(queries)]
    for name, lines in (("corpus", documents), ("queries", asked)):
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text)
    judged = "".join(f"q{n}\td{DOCUMENTS - 1 - n % 3}\t1\n" for n in range(queries))
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    return folder

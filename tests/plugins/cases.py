"""What the tests rerank, and the answers of a server that refuses or talks nonsense."""

from __future__ import annotations

KEY = "ask_hush_0123456789"
QUERY = "How do I run a command and read what it prints?"
TEXTS = (
    "Return the square root of a number.",
    "Parse a date written as year, month and day.",
    "Run a command with arguments, wait for it, and return what it prints.",
    "Write rows to a file of comma-separated values.",
    "Capture the output that a command prints, instead of letting it go to the terminal.",
    "Open a web browser at an address.",
    "Start a command in a new process and read its output line by line.",
    "Sort a list in place.",
)

REFUSED = (401, {"error": {"message": "Bad key", "code": "invalid_api_key"}})
BROKEN = (200, {"results": [{"index": 99, "relevance_score": 0.5}]})

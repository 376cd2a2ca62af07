"""Runs a script whose printing lines say in a comment what they print, and holds them to it.

`print(1 + 1)  # 2` is fine; `print(1 + 1)  # 3` ends the script with an error. A line that prints
several times, in a loop, shows them with `; ` between. Lines without a comment print freely.
"""

from __future__ import annotations

import builtins
import io
import sys
import tokenize
from collections import defaultdict
from pathlib import Path
from typing import Any


def shown_comments(source: str) -> dict[int, str]:
    """The comments behind code that prints, by line."""
    lines = source.splitlines()
    return {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and lines[token.start[0] - 1].lstrip()[:6] == "print("
    }


def main(path: Path) -> int:
    """Runs the script; the exit code says whether it printed what it shows."""
    source = path.read_text(encoding="utf-8")
    printed: dict[int, list[str]] = defaultdict(list)
    ours = builtins.print

    def print_and_note(*values: object, **options: Any) -> None:
        caller = sys._getframe(1)
        if caller.f_code.co_filename == str(path):
            printed[caller.f_lineno].append(" ".join(map(str, values)))
        ours(*values, **options)

    builtins.print = print_and_note
    # As `__main__`, so that what it defines can be pickled.
    names = sys.modules["__main__"].__dict__
    exec(compile(source, str(path), "exec", dont_inherit=True), names)
    wrong = {
        line: (shown, "; ".join(printed[line]))
        for line, shown in shown_comments(source).items()
        if shown != "; ".join(printed[line])
    }
    for line, (shown, real) in wrong.items():
        ours(f"line {line} shows {shown!r} and prints {real!r}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

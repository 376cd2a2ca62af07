"""`python -m assisters_rerank` is the command line, too."""

from __future__ import annotations

from .commands.main import main

if __name__ == "__main__":
    main()

"""Builds the site: `python -m website [--out build/site] [--url https://…/]`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from . import ROOT
from .building import build


def main() -> None:
    """Builds it, and says what it took."""
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="where to put it")
    parser.add_argument("--url", default="", help="where it will be read, if that is known")
    given = parser.parse_args()
    url = f"{given.url.rstrip('/')}/" if given.url else ""
    began = time.monotonic()
    count = build(given.out, url)
    took = time.monotonic() - began
    print(f"{count} pages in {took:.0f} s, without a warning or a dead link: {given.out}")


if __name__ == "__main__":
    main()

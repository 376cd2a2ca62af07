"""Responses in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A response in JSON."""
    return Response(as_json(content), status, headers, media_type="application/json")


def as_json(content: object) -> bytes:
    """The content as JSON; raises `ValueError` for what JSON does not have."""
    # ASCII, because a document may hold an unpaired surrogate, which has no UTF-8 form.
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii")

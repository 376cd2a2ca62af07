"""Keeps the key out of what is shown: whatever a server says, it may repeat the key."""

from __future__ import annotations

import re

from pydantic import SecretStr

_SHOWN = 200
_READ = 4000  # much of it may be white space

BYTES_READ = 4 * (_READ + 1)
"""So many bytes of UTF-8 have more characters than are read here."""

# A shorter key may be a part of any word.
_LONG_ENOUGH = 8

_ESCAPED = re.compile(r"\\u00([0-9a-fA-F]{2})")


def redacted(text: str, *keys: SecretStr | None) -> str:
    """One printable line of `text`, cut to 200 characters, without the keys."""
    start, is_cut = text[:_READ], len(text) > _READ
    for key in keys:
        if key is not None:
            start = _without(key.get_secret_value(), start, is_cut=is_cut)
    line = " ".join(start.split())[:_SHOWN]
    if line.isprintable():
        return line
    return "".join(character if character.isprintable() else "?" for character in line)


def _without(key: str, text: str, *, is_cut: bool) -> str:
    # What is no JSON is shown as it is, with the escape sequences that JSON may write.
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if key in text:
        pattern = re.escape(key)
        if len(key) < _LONG_ENOUGH:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        text = re.sub(pattern, "[api key]", text)
    if is_cut:  # perhaps inside the key
        lengths = range(min(len(key), len(text)), 0, -1)
        begun = next((length for length in lengths if text.endswith(key[:length])), 0)
        text = text[: len(text) - begun]
    return text

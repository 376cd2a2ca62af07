"""From the files that a user names to documents, in their order."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .decoding import decoded
from .formats import InputFormat, format_of
from .records import TEXT_FIELD, Input, InputError, from_jsonl, from_table, lines_of

STANDARD_INPUT = "-"


def read_documents(
    files: Sequence[str],
    form: InputFormat = InputFormat.AUTO,
    text_field: str | None = None,
    encoding: str | None = None,
) -> list[Input]:
    """The documents of all files; `-` is standard input. Blank lines are skipped, but counted.

    Args:
        files: as they were named.
        form: how all of them are read; `AUTO`: each as its name or its beginning says.
        text_field: the field of a record that holds the text, with dots into objects; by default
            `text`. Refused where no file has fields.
        encoding: of all of them; by default a byte order mark's, else UTF-8.

    Raises:
        InputError: a file cannot be read, is no text, or is not in its format; or no file has a
            document.
    """
    found: list[Input] = []
    has_fields = False
    for file in files:
        text = decoded(_bytes(file), file, encoding)
        chosen = format_of(file, text, form)
        has_fields |= chosen is not InputFormat.TEXT
        found += _documents(file, text, chosen, text_field or TEXT_FIELD)
    if text_field is not None and not has_fields and found:
        raise InputError(
            f"--text-field {text_field}: lines of plain text have no fields; leave it out, or give "
            "--input-format jsonl, csv or tsv"
        )
    if not found:
        raise InputError(
            f"{', '.join(files)}: there are no documents, only blank lines or nothing at all"
        )
    return found


def _documents(file: str, text: str, form: InputFormat, field: str) -> Iterator[Input]:
    if form is InputFormat.JSONL:
        return from_jsonl(text, file, field)
    if form in (InputFormat.CSV, InputFormat.TSV):
        return from_table(text, file, field, tabs=form is InputFormat.TSV)
    return (Input(line, file, number) for number, line in lines_of(text))


def _bytes(file: str) -> bytes:
    if file == STANDARD_INPUT and sys.stdin is None:
        raise InputError(f"{file}: standard input is closed")
    try:
        return sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except IsADirectoryError:
        raise InputError(f"{file}: this is a folder; name the files in it") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from error
    except ValueError as error:  # a null character in the name
        raise InputError(f"{file!r}: {error}") from None

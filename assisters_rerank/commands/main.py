"""The command line, `assisters-rerank`: a thin layer; each command is a module of its own.

Whatever a command raises is turned here, once, into one line on stderr and an exit code: 1 for an
error, 2 for a wrong command line or a missing extra, 130 after Ctrl-C. When nobody reads the output
any more, that is silent (code 1, as click has it). Warnings become one line each, too.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import NoReturn

from ..errors import AssistersError
from .interruption import CODE, end_at_once, is_behind, none_lost, raise_again

# What the extras bring in, by the name one imports.
_EXTRAS = {
    "typer": "cli",
    "rich": "cli",
    "numpy": "local",
    "pyarrow": "bulk",
    "starlette": "local",
    "uvicorn": "local",
    "wordllama": "local",
    "bm25s": "demo",
    "Stemmer": "eval",
    "ir_measures": "eval",
    "jinja2": "eval",
    "scipy": "eval",
    "tomli_w": "eval",
    "langchain_core": "demo",
    "llama_index": "demo",
}


def main() -> None:
    """Run the command line on `sys.argv` and exit; the entry point of the installed script."""
    end_at_once()
    # Closed from outside (`>&-`), they would be None, and printing to None goes to stdout.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open until the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A question mark for an arrow is better than a crash on a terminal without Unicode.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with _warnings_as_lines(), none_lost():
            from .application import application  # needs the extra `cli`

            command_line = application()
            raise_again()
            code = command_line(standalone_mode=False)
            sys.stdout.flush()
    except ModuleNotFoundError as error:
        if is_behind(error):
            _end(error, code=CODE)
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRAS or find_spec(missing) is not None:
            raise
        extras = ",".join(sorted(_extras_wanted(missing)))
        _fail(f'{missing} is not installed; run: pip install "assisters-rerank[{extras}]"', code=2)
    except AssistersError as error:
        _say(str(error))
        _end(error, code=1)
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)
    except OSError as error:
        _discard_output()
        named = f"{error.filename}: " if error.filename else ""
        _say(f"{named}{error.strerror or error}")
        _end(error, code=1)
    except KeyboardInterrupt as error:
        _end(error, code=CODE)
    except Exception as error:
        if is_behind(error):
            _end(error, code=CODE)
        _fail_as_usage(error)
        raise
    sys.exit(code or 0)


def _extras_wanted(missing: str) -> set[str]:
    """What the command needs, better said once than one after the other."""
    command = "".join(sys.argv[1:2])
    if command == "demo":
        return {"demo"}
    for_local = missing in ("starlette", "uvicorn", "wordllama")  # `eval` has them not
    extras = {"eval" if command == "eval" and not for_local else _EXTRAS[missing]}
    return extras | {"local"} if command == "serve" or "--local" in sys.argv else extras


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Writes the package's log (warnings and worse) and Python's warnings like errors."""
    logger = logging.getLogger("assisters_rerank")
    handler = _Lines()
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _say(str(message))
            # As Python does where nobody asks for them: they are for the authors of packages.
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.removeHandler(handler)


class _Lines(logging.Handler):
    """Says each line once: what fails with every request fails for one reason."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        reason = "" if error is None else f": {type(error).__name__}: {error}"
        line = record.getMessage() + reason
        if line not in self._said:
            self._said.add(line)
            _say(line)


def _fail_as_usage(error: Exception) -> None:
    # Click's own errors are known by their method: typer brings a copy of click, or did not yet.
    format_message = getattr(error, "format_message", None)
    if format_message is not None:
        context = getattr(error, "ctx", None)
        # An option without its value has no context, but behind a command it is the command's.
        command = [word for word in sys.argv[1:2] if not word.startswith("-")]
        path = context.command_path if context else " ".join(["assisters-rerank", *command])
        said = format_message().rstrip(".")
        _fail(f"{said}{' See' if said.endswith('?') else '; see'} {path} --help", code=2)


def _fail(message: str, *, code: int) -> NoReturn:
    _say(message)
    sys.exit(code)


def _end(error: BaseException, *, code: int) -> NoReturn:
    """Ends with what the command has noted on the error; a command in it is to be copied whole."""
    for note in getattr(error, "__notes__", ()):
        print("assisters-rerank:", note, file=sys.stderr)
    sys.exit(code)


def _say(message: str) -> None:
    # One line, whatever the message held: scripts and logs read stderr line by line.
    print("assisters-rerank:", " ".join(message.split()), file=sys.stderr)


def _discard_output() -> None:
    # What is still in the buffer would fail again, and loudly, when the interpreter ends.
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()

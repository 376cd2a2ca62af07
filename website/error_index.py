"""The index of errors by what they say, read from the code that raises them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import assisters_rerank.errors
from assisters_rerank.wire import error_bodies
from assisters_rerank.wire.error_classes import error_class

from . import ROOT

_CLASSES = {
    name: value
    for name, value in vars(assisters_rerank.errors).items()
    if isinstance(value, type) and issubclass(value, assisters_rerank.errors.AssistersError)
}
# A validator's ValueError comes out as a ConfigurationError that begins with the option's name.
_RAISED = {**dict.fromkeys(_CLASSES), "ValueError": None, "ModuleNotFoundError": None}
_FOLDERS = ("assisters_rerank", "langchain_assisters", "llama_index_assisters")
_DOTS = "…"


# What is said of the errors that are not classes of ours, under a heading of its own.
_OTHERS = {
    "ValueError": (
        "Behind an option's name",
        "They come as a `ConfigurationError` that begins with the name of the option.",
    ),
    "ModuleNotFoundError": ("At an import", "A package is missing."),
}


def error_page() -> str:
    """Each message under the class of its error, in alphabetical order."""
    parts = [
        "# Errors by their message",
        f"What stands in a message at {_DOTS} differs from case to case. To find yours, search "
        "this page for some of its words. Each message says what to change; "
        "[the classes](../reference.md#errors) say what to catch.",
    ]
    for kind, said in sorted(messages().items()):
        link = f"Class: [{kind}](assisters_rerank.md#assisters_rerank.{kind})."
        title, about = _OTHERS.get(kind, (kind, link))
        listed = "\n".join(f"- {_shown(message)}" for message in sorted(said, key=_order))
        parts += [f"## {title}", about, listed]
    return "\n\n".join(parts) + "\n"


@cache
def messages() -> dict[str, set[str]]:
    """The messages of each class of error, as far as the code holds them as text."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for kind, message in _Module(path).messages():
                found[kind].add(message)
    for status, advice in error_bodies.ADVICE.items():
        name = error_class(status, None, ()).__name__
        found[name].add(f"Status {status} from {_DOTS}: {_DOTS}. {advice}")
    return {
        kind: {each for each in said if sum(map(str.isalpha, each)) > 12}
        for kind, said in found.items()
    }


class _Module:
    """What one file raises."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.constants = {
            target.id: node.value
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self.functions = {
            node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)
        }

    def messages(self) -> Iterator[tuple[str, str]]:
        for call in ast.walk(self.tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute):
                name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
                if name in _RAISED and call.args:
                    for text in self.texts(call.args[0]):
                        yield name, text

    def texts(self, node: ast.expr) -> list[str]:
        """The texts that an expression may be, with dots for what is only known later."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=values):
                joined = [
                    each.value if isinstance(each, ast.Constant) else _DOTS for each in values
                ]
                return ["".join(map(str, joined))]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return [a + b for a in self.texts(left) for b in self.texts(right)]
            case ast.IfExp(body=body, orelse=other):
                return [*self.texts(body), *self.texts(other)]
            case ast.Name(id=name) if name in self.constants:
                return self.texts(self.constants[name])
            case ast.Call(func=ast.Name(id=name)) if name in self.functions:
                returns = [
                    each for each in ast.walk(self.functions[name]) if isinstance(each, ast.Return)
                ]
                return [text for each in returns if each.value for text in self.texts(each.value)]
        return [_DOTS]


def _order(message: str) -> str:
    return message.lower().lstrip(f"{_DOTS} '\"`")


def _shown(message: str) -> str:
    """As text, whatever Markdown would read into it."""
    return "".join(
        f"&#{ord(letter)};" if letter in "\\`*_{}[]<>#|&~" else letter
        for letter in " ".join(message.split())
    )

"""Imports one package in an environment that holds nothing but it, and shows that it works.

Usage: python alone.py core|langchain|llama-index
"""

import importlib.util
import sys

PACKAGES = {
    "core": ("assisters_rerank", ("langchain_core", "llama_index", "starlette", "typer", "rich")),
    "langchain": ("langchain_assisters", ("llama_index", "langchain_classic", "starlette")),
    "llama-index": ("llama_index_assisters", ("langchain_core", "starlette")),
}


def main(name: str) -> None:
    """Checks that the others are absent, and that a call gets as far as asking for a key."""
    package, absent = PACKAGES[name]
    present = [other for other in absent if importlib.util.find_spec(other)]
    if present:
        sys.exit(f"{name}: the environment is not alone, it has {present}")
    module = __import__(package)
    reranker = getattr(module, "AssistersRerank", None) or module.Reranker
    try:
        reranker().rerank("a question", ["a document"])
    except ValueError as error:
        print(f"{name}: {package} imports alone; without a key it says: {error}")
    else:
        sys.exit(f"{name}: a call without a key went through")


main(sys.argv[1])

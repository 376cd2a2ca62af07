"""Classes of settings, which all options are.

- `model` checks them when given and when assigned, in errors that never show a value;
- `near_names` finds what an unknown name may have meant;
- `readable_class` is what `inspect.signature` and `help` show of them.
"""

from __future__ import annotations

from .model import (
    FROZEN,
    STRICT,
    STRICT_BASE,
    Settings,
    check_names,
    checked,
    given_list,
    given_text,
    named_kind,
    no_bool,
)
from .near_names import near_name

__all__ = [
    "FROZEN",
    "STRICT",
    "STRICT_BASE",
    "Settings",
    "check_names",
    "checked",
    "given_list",
    "given_text",
    "named_kind",
    "near_name",
    "no_bool",
]

"""What a pickle or a deep copy keeps of the options: no key, and nothing that is alive."""

from __future__ import annotations

import logging
from typing import Any, Self

from pydantic import BaseModel, PrivateAttr

from ..settings import STRICT_BASE, Settings

logger = logging.getLogger("assisters_rerank")

_TOLD: set[tuple[type, frozenset[str]]] = set()


class Pickled(Settings):
    """Settings of which a pickle leaves out what dumps leave out, and says so at the first use."""

    model_config = STRICT_BASE

    # What a pickle has left out of this object on its way here.
    _left_out: frozenset[str] = PrivateAttr(default=frozenset())

    def refuse_keys_in_dumps(self) -> None:
        """Raises `ConfigurationError` if a dump of the options would hold a key."""

    def __getstate__(self) -> dict[Any, Any]:
        self.refuse_keys_in_dumps()
        # Fields marked `exclude` (the key, live clients) stay out of pickles as out of dumps.
        # Pydantic's own state, not the one of a framework's base class: a subclass may have
        # private attributes and its own constructor.
        state = BaseModel.__getstate__(self)
        excluded = {name for name, field in type(self).model_fields.items() if field.exclude}
        left_out = {name for name in excluded if not self._is_pickled(name)}
        kept = {name: value for name, value in vars(self).items() if name not in left_out}
        given = state["__pydantic_fields_set__"] - left_out
        lost = self._lost() | {name for name in left_out if self._is_given(name)}
        private = {**(state["__pydantic_private__"] or {}), "_left_out": lost}
        own = {"__dict__": kept, "__pydantic_fields_set__": given, "__pydantic_private__": private}
        return {**state, **own}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        BaseModel.__setstate__(self, state)
        for name, field in type(self).model_fields.items():
            if name not in vars(self):
                vars(self)[name] = field.get_default(call_default_factory=True)

    def _is_pickled(self, name: str) -> bool:
        """Whether a pickle keeps this field, although dumps leave it out."""
        return False

    def _is_given(self, name: str) -> bool:
        value = getattr(self, name)
        default = type(self).model_fields[name].get_default(call_default_factory=True)
        return value is not default and value != default

    def _lost(self) -> frozenset[str]:
        """What was left out by a pickle and has not been given again."""
        if not (left_out := self._left_out):  # mostly; each call asks
            return left_out
        return frozenset(name for name in left_out if not self._is_given(name))

    def _tell_what_was_left_out(self) -> None:
        """Warns once in a process of what a pickle left out; a missing key is an error instead."""
        lost = self._lost() - {"api_key"}
        if lost and (type(self), lost) not in _TOLD:
            _TOLD.add((type(self), lost))
            names = sorted(lost)
            logger.warning(
                "This %s was pickled, which leaves out %s: calls in this process go without. Give "
                "what they need again here: with_options(%s).",
                type(self).__name__,
                " and ".join(names),
                ", ".join(f"{name}=…" for name in names),
            )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # The key, functions and the user's own clients are shared, not copied: a client holds
        # sockets, and a function may be bound to an object that cannot be copied.
        memo = {} if memo is None else memo
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.exclude or callable(value):
                memo[id(value)] = value
        return super().__deepcopy__(memo)

"""LlamaIndex's components held to what they are given, and made from what they dump."""

from __future__ import annotations

from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import BaseComponent
from pydantic import field_validator, model_validator


class Component(BaseComponent):
    """A LlamaIndex component that can be made from its own dump, by any of pydantic's ways."""

    @model_validator(mode="before")
    @classmethod
    def _without_class_name(cls, data: object) -> object:
        # LlamaIndex's own from_dict takes it out, pydantic's ways don't.
        if isinstance(data, dict) and data.get("class_name") == cls.class_name():
            return {name: value for name, value in data.items() if name != "class_name"}
        return data

    @field_validator("callback_manager", mode="before", check_fields=False)
    @classmethod
    def _a_callback_manager(cls, given: object) -> CallbackManager:
        # To pydantic LlamaIndex declares it as anything at all, which then fails at every call.
        if given is None:
            return CallbackManager()  # as LlamaIndex's own constructors do
        if not isinstance(given, CallbackManager):
            raise ValueError(f"give a CallbackManager, not {type(given).__name__}")
        return given


def has_handlers(manager: CallbackManager) -> bool:
    """Whether somebody listens to it who does not listen to every new one."""
    return manager.handlers != CallbackManager().handlers

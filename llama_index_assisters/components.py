"""What LlamaIndex's serialiser adds to an object's settings, and pydantic must not stumble over."""

from __future__ import annotations

from llama_index.core.schema import BaseComponent
from pydantic import model_validator


class Component(BaseComponent):
    """A LlamaIndex component that can be made from its own dump, by any of pydantic's ways."""

    @model_validator(mode="before")
    @classmethod
    def _without_class_name(cls, data: object) -> object:
        # LlamaIndex's own from_dict takes it out, pydantic's ways don't.
        if isinstance(data, dict) and data.get("class_name") == cls.class_name():
            return {name: value for name, value in data.items() if name != "class_name"}
        return data

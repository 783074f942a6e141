"""pydantic models that are dumped in each of its ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic


class Aliased(pydantic.BaseModel, serialize_by_alias=True, extra="allow"):
    x: Any = pydantic.Field(alias="ex")

    @pydantic.computed_field
    def of_x(self) -> Any:
        return [self.x]


class Rooted(pydantic.RootModel[Any]):
    pass


class Serialized(pydantic.BaseModel):
    x: Any

    @pydantic.model_serializer
    def serialized(self) -> Any:
        return (self.x, "own")


class Dumped(pydantic.BaseModel):
    x: Any

    def model_dump(self, **options: Any) -> Any:
        return {"dumped": self.x, **options}


class WithAnyNames(pydantic.BaseModel, extra="allow"):
    @pydantic.model_serializer
    def serialized(self) -> Any:
        return {1: 2, None: self.model_extra}


MODELS: list[Callable[[Any], Any]] = [
    lambda value: Aliased.model_validate({"ex": value, "more": 1}),
    Rooted,
    lambda value: Serialized(x=value),
    lambda value: Dumped(x=value),
    lambda value: WithAnyNames.model_validate({"more": value}),
]

"""Models of pydantic whose `model_dump` is not the library's: by a class of theirs, or by a patch of BaseModel."""

from __future__ import annotations

import functools
import json
from typing import Any

import pydantic
import pytest

from mixpress import Encoder

NEEDED = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}


def written(value: Any) -> Any:
    """Return what a new encoder, which knows no class yet, writes of a value; by the third time it knows it."""
    encoder = Encoder(compression=None)
    for _ in range(3):
        [batch] = encoder.encode([{"event": "e", "properties": {**NEEDED, "a": value}}]).batches
    [line] = batch.events()
    return json.loads(line)["properties"]["a"]


def masked(original: Any) -> Any:
    @functools.wraps(original)
    def model_dump(self: Any, *, by_alias: bool | None = None, **options: Any) -> Any:
        return dict.fromkeys(original(self, by_alias=by_alias, **options), "***")

    return model_dump


def test_a_patch_of_base_model_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pydantic.BaseModel, "model_dump", masked(pydantic.BaseModel.model_dump))

    class Account(pydantic.BaseModel):
        password: str

    assert written(Account(password="secret")) == {"password": "***"}


def test_an_override_of_a_class_is_asked() -> None:
    class Account(pydantic.BaseModel):
        password: str
        model_dump = masked(pydantic.BaseModel.model_dump)

    class Below(Account):
        name: str = "n"

    assert written(Account(password="secret")) == {"password": "***"}
    assert written(Below(password="secret")) == {"password": "***", "name": "***"}


def test_a_model_that_overrides_nothing_is_dumped() -> None:
    class Account(pydantic.BaseModel):
        name: str

    assert written(Account(name="n")) == {"name": "n"}

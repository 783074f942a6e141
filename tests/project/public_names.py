"""List the public surface, which versions make promises about: names with their arguments, commands and rules.

    python tests/project/public_names.py     writes tests/project/public_names.txt

A module is public if it has `__all__` or is in `PLAIN`. Annotations are left out, since mypy checks them.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click

import mixpress

STORED = Path(__file__).with_suffix(".txt")

# Public modules without `__all__`: every public name defined in them counts.
PLAIN = {
    "mixpress.emulator.replies",
    "mixpress.errors",
    "mixpress.otel",
    *(f"mixpress.adapters.{name}" for name in ("asgi", "django", "kafka", "logging", "structlog", "wsgi")),
    *(f"mixpress.compat.{name}" for name in ("amplitude", "posthog", "segment")),
}

# Packages whose modules import an engine, which this environment has not. Only their names are listed.
ENGINES = ("mixpress.ray", "mixpress.spark")


def lines() -> list[str]:
    modules = [line for module in public_modules() for line in of_module(module)]
    return sorted({*modules, *commands(), *(f"rule {rule.id}" for rule in mixpress.rules())})


def public_modules() -> Iterator[ModuleType]:
    yield mixpress
    for found in pkgutil.walk_packages(mixpress.__path__, "mixpress."):
        needs_engine = found.name.startswith(tuple(f"{name}." for name in ENGINES))
        if found.name != "mixpress._core" and not found.name.endswith("__main__") and not needs_engine:
            module = importlib.import_module(found.name)
            if hasattr(module, "__all__") or found.name in PLAIN:
                yield module


def of_module(module: ModuleType) -> Iterator[str]:
    if module.__name__ in ENGINES:
        yield from (f"{module.__name__}.{name}" for name in names_of(module))
        return
    for name in names_of(module):
        yield from of_value(f"{module.__name__}.{name}", getattr(module, name))


def names_of(module: ModuleType) -> list[str]:
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__
    ]


def of_value(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, type):
        yield name + ("" if issubclass(value, enum.Enum) else arguments(value))
        for member in members_of(value):
            attribute = inspect.getattr_static(value, member)
            callable_ = getattr(value, member)
            yield f"{name}.{member}" + (arguments(callable_) if is_method(attribute) else "")
    else:
        yield name + (arguments(value) if callable(value) else "")


def is_method(attribute: object) -> bool:
    return inspect.isroutine(attribute) and not inspect.isdatadescriptor(attribute)


def members_of(cls: type) -> list[str]:
    found = {name for base in ours(cls) for name in (*vars(base), *getattr(base, "__annotations__", ()))}
    return sorted(name for name in found if not name.startswith("_") and hasattr(cls, name))


def ours(cls: type) -> list[type]:
    return [base for base in cls.__mro__ if base.__module__.startswith("mixpress")]


def arguments(value: Any) -> str:
    """Return the arguments in parentheses, with their defaults, or "" for a class without its own constructor."""
    if getattr(value, "_is_protocol", False):
        return ""
    if isinstance(value, type) and not {"__new__", "__init__"} & {name for base in ours(value) for name in vars(base)}:
        return ""
    signature = inspect.signature(value)
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def commands() -> Iterator[str]:
    from mixpress.cli.group import group

    yield from of_command("mixpress", group, click.Context(group))


def of_command(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        spelled = "/".join([*parameter.opts, *parameter.secondary_opts])
        yield f"command {name} {spelled if isinstance(parameter, click.Option) else parameter.human_readable_name}"
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            inner = command.get_command(context, word)
            assert inner is not None, word
            yield f"command {name} {word}"
            yield from of_command(f"{name} {word}", inner, context)


if __name__ == "__main__":
    STORED.write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")

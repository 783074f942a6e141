"""Check the types of columns on the driver: those that JSON has no form for would reject each of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql.types import StructType

    from mixpress.files.mapping import Mapping

AS_TEXT = "cast({} as string)"
REMEDIES = {
    "BinaryType": "base64({}) or hex({})",
    "CalendarIntervalType": AS_TEXT,
    "DayTimeIntervalType": AS_TEXT,
    "GeographyType": "hex(st_asbinary({}))",
    "GeometryType": "hex(st_asbinary({}))",
    "TimeType": AS_TEXT,
    "VariantType": "to_json({})",
    "YearMonthIntervalType": AS_TEXT,
}
"""Types of Spark without a form in JSON, and an expression that has one. By name: PySpark 4.0 has not all of them."""
TEXTS = ("StringType", "CharType", "VarcharType")


def check_types(mapping: Mapping, schema: StructType) -> None:
    """Raise `ValueError` for a column, or a field within one, whose values can't be sent.

    The type of a column that is not sent does not matter. The rows of a vendor's export are checked in the tasks.
    """
    if mapping.source is not None:
        return
    of_api = {"event", "properties"} <= {*schema.names}
    for path, kind in _leaves("", schema):
        name = type(kind).__name__
        named = path.removeprefix("properties.") if of_api else path
        if (name in REMEDIES or name == "MapType") and _is_sent(mapping, named):
            raise ValueError(
                f"the column {path!r} is {kind.simpleString()}, which JSON has no form for: {_remedy(path, name)}"
            )


def _leaves(path: str, kind: Any) -> Iterator[tuple[str, Any]]:
    """Return the types within a type, and where they are. Of a map whose keys are not texts, the map itself."""
    name = type(kind).__name__
    if name == "StructType":
        for field in kind.fields:
            yield from _leaves(f"{path}.{field.name}" if path else field.name, field.dataType)
    elif name == "ArrayType":
        yield from _leaves(path, kind.elementType)
    elif name == "MapType" and type(kind.keyType).__name__ in TEXTS:
        yield from _leaves(path, kind.valueType)
    elif hasattr(kind, "sqlType"):  # a type of the user
        yield from _leaves(path, kind.sqlType())
    else:
        yield path, kind


def _is_sent(mapping: Mapping, path: str) -> bool:
    names = [path[:end] for end, letter in enumerate(path) if letter == "."] + [path]
    if any(name in mapping.drop for name in names):
        return False
    return not mapping.keep or any(name in (*mapping.keep, *mapping.rename) for name in names)


def _remedy(path: str, name: str) -> str:
    if name == "MapType":
        return f"write transform_keys({path}, (k, v) -> string(k)), or leave it out by drop"
    return f"write {REMEDIES[name].format(*[path] * 2)} instead, or leave it out by drop"

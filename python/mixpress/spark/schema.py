"""Check the schema of a frame on the driver: the names of columns and fields, and types that JSON has no form for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mixpress.files.names import path_of

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
NAMING = (
    *("event_column", "time_column", "distinct_id_column", "insert_id_column", "group_id_column"),
    *("insert_id_from", "rename", "drop", "keep"),
)
"""Fields of a mapping that name columns."""


def check_schema(mapping: Mapping, schema: StructType) -> None:
    """Raise `ValueError` for two columns of one name, for a name in the options that a struct does not have, and for a
    column, or a field within one, whose values can't be sent.

    The type of a column that is not sent does not matter. The rows of a vendor's export are checked in the tasks.
    """
    _check_duplicates("", schema)
    if mapping.source is not None:
        return
    _check_names(mapping, schema)
    of_api = _is_of_api(schema)
    for path, kind in _leaves("", schema):
        name = type(kind).__name__
        named = path.removeprefix("properties.") if of_api else path
        if (name in REMEDIES or name == "MapType") and _is_sent(mapping, named):
            raise ValueError(
                f"the column {path!r} is {kind.simpleString()}, which JSON has no form for: {_remedy(path, name)}"
            )


def _check_duplicates(path: str, kind: Any) -> None:
    """Check that no two columns or fields have one name: Spark passes none of them to Python."""
    name = type(kind).__name__
    if name == "StructType":
        twice = [one for one, count in Counter(kind.names).items() if count > 1]
        if twice:
            where = f"the struct {path!r} has the field" if path else "the frame has the column"
            raise ValueError(
                f"{where} {twice[0]!r} more than once: give each a name of its own, or leave out all but one"
            )
        for field in kind.fields:
            _check_duplicates(f"{path}.{field.name}" if path else field.name, field.dataType)
    elif name == "ArrayType":
        _check_duplicates(path, kind.elementType)
    elif name == "MapType":
        _check_duplicates(path, kind.keyType)
        _check_duplicates(path, kind.valueType)


def _check_names(mapping: Mapping, schema: StructType) -> None:
    """Check the names that reach into structs: `check_columns` checks the columns alone."""
    root = schema["properties"].dataType if _is_of_api(schema) else schema
    for option in NAMING:
        for name in _names_of(mapping, option):
            _check_path(option, name, root)


def _check_path(option: str, name: str, kind: Any) -> None:
    for part in path_of(name, getattr(kind, "names", ())) or ():
        fields = getattr(kind, "names", [])
        if part not in fields:
            found = f"the fields are {', '.join(fields)}" if fields else f"it is {kind.simpleString()}, not a struct"
            raise ValueError(f"there is no field {part!r} for {name!r}, which {option} names; {found}")
        kind = kind[part].dataType


def _names_of(mapping: Mapping, option: str) -> list[str]:
    value = getattr(mapping, option)
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _is_of_api(schema: StructType) -> bool:
    return {"event", "properties"} <= {*schema.names}


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

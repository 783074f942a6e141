"""The columns of a frame, and a check of their types on the driver: JSON has no form for some."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql.types import StructType

    from mixpress.cluster.columns import Columns
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


def columns_of(schema: StructType) -> Columns:
    """Return the columns of a frame, with the fields of structs. Names reach into no other type, but for `properties`,
    which may be a map.
    """
    columns = _fields_of(schema)
    if "properties" in columns and type(schema["properties"].dataType).__name__ == "MapType":
        return {**columns, "properties": None}
    return columns


def _fields_of(kind: Any) -> dict[str, Columns | None]:
    is_struct = type(kind).__name__ == "StructType"
    return {field.name: _fields_of(field.dataType) for field in kind.fields} if is_struct else {}


def check_schema(mapping: Mapping, schema: StructType) -> None:
    """Raise `ValueError` for two columns of one name, and for a column, or a field within one, whose values can't be
    sent.

    The type of a column that is not sent does not matter. The rows of a vendor's export are checked in the tasks.
    """
    _check_duplicates("", schema)
    if mapping.source is not None:
        return
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
            raise ValueError(f"{where} {twice[0]!r} more than once: give each another name, or leave out all but one")
        for field in kind.fields:
            _check_duplicates(f"{path}.{field.name}" if path else field.name, field.dataType)
    elif name == "ArrayType":
        _check_duplicates(path, kind.elementType)
    elif name == "MapType":
        _check_duplicates(path, kind.keyType)
        _check_duplicates(path, kind.valueType)


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

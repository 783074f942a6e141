"""Blocks of Ray as record batches of Arrow, in whose types there is nothing of Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpress.ray.engine import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow

    from mixpress.cluster.columns import Columns
    from mixpress.files.mapping import Mapping

PICKLED = "ray.data.arrow_pickled_object"
"""The type of a column that Ray can't convert to a type of Arrow: it holds pickles."""
RAGGED = "ray.data.arrow_variable_shaped_tensor"
TENSORS = ("arrow.fixed_shape_tensor", "ray.data.arrow_tensor", "ray.data.arrow_tensor_v2", RAGGED)


def record_batches(blocks: Iterable[Any], mapping: Mapping) -> Iterator[pyarrow.RecordBatch]:
    """Return the rows of blocks. Raises `ValueError` for a column of Python objects that would be sent and that Arrow
    has no type for.
    """
    for block in blocks:
        yield from _plain(table_of(block), mapping).to_batches()


def columns_of(schema: Any) -> Columns:
    """Return the columns of a schema, with those within structs; pandas has no types of columns within one."""
    return {name: _members(kind) for name, kind in zip(schema.names, schema.types, strict=True)}


def _members(kind: Any) -> Columns | None:
    import pyarrow  # noqa: PLC0415 - an extra

    return {field.name: _members(field.type) for field in kind} if isinstance(kind, pyarrow.StructType) else None


def _plain(table: pyarrow.Table, mapping: Mapping) -> pyarrow.Table:
    """Return a table without types of Ray."""
    for field in table.schema:
        place = table.schema.get_field_index(field.name)
        kind = getattr(field.type, "extension_name", None)
        if kind in TENSORS:
            table = table.set_column(place, field.name, _lists(table.column(place)))
        elif kind == PICKLED:
            try:
                table = table.set_column(place, field.name, _of_objects(field.name, table.column(place)))
            except ValueError:
                if _is_sent(field.name, mapping):
                    raise
                table = table.remove_column(place)
    return table


def _is_sent(name: str, mapping: Mapping) -> bool:
    kept = {path.partition(".")[0] for path in (*mapping.keep, *mapping.rename)}
    return name not in mapping.drop and (not mapping.keep or name in kept)


def _of_objects(name: str, column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Return Python objects as a column of Arrow. Ray leaves lists of dicts so, if a stage had them as NumPy arrays."""
    import pyarrow  # noqa: PLC0415 - an extra

    values = [_without_arrays(value) for value in column.to_pylist()]
    try:
        return pyarrow.chunked_array([pyarrow.array(values)])
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise ValueError(
            f"the column {name!r} has values of different types, or objects that Arrow has no type for ({error}): "
            "convert them to texts, numbers, lists or dicts in a stage before, or leave the column out by drop="
        ) from None


def _without_arrays(value: Any) -> Any:
    """Return a value with lists instead of NumPy's arrays."""
    if isinstance(value, dict):
        return {name: _without_arrays(inner) for name, inner in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [_without_arrays(inner) for inner in value] if isinstance(value, list) else value


def _lists(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Return tensors as lists, nested by their dimensions. One dimension is what Arrow stores, and is not copied."""
    import pyarrow  # noqa: PLC0415 - an extra
    import pyarrow.compute  # noqa: PLC0415 - as above

    dimensions = column.type.ndim if hasattr(column.type, "ndim") else len(column.type.shape)
    if dimensions == 1:
        stored = [chunk.storage for chunk in column.chunks]
        if column.type.extension_name == RAGGED:
            stored = [pyarrow.compute.struct_field(chunk, "data") for chunk in stored]
        return pyarrow.chunked_array(stored)
    values = [None if value is None else value.tolist() for chunk in column.chunks for value in _tensors(chunk)]
    return pyarrow.chunked_array([pyarrow.array(values)])


def _tensors(chunk: Any) -> Iterable[Any]:
    """Return the tensors of an array as those of NumPy."""
    if hasattr(chunk, "to_numpy_ndarray"):  # of Arrow's own type
        found: Iterable[Any] = chunk.to_numpy_ndarray()
        return found
    return (value for value in chunk.to_numpy(zero_copy_only=False))

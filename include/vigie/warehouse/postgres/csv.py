"""What COPY TO writes as CSV, read into Arrow."""

from __future__ import annotations

import pyarrow as pa
from pyarrow import csv


def from_csv(text: memoryview, schema: pa.Schema) -> pa.Table:
    """The rows, without a header; null is an empty field without quotes, bytes are in hex."""
    if not text.nbytes:
        return schema.empty_table()
    as_text = [
        field.with_type(pa.string()) if pa.types.is_binary(field.type) else field
        for field in schema
    ]
    found = csv.read_csv(
        pa.py_buffer(text),
        csv.ReadOptions(column_names=schema.names, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=pa.schema(as_text),
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    for number, field in enumerate(schema):
        if pa.types.is_binary(field.type):
            found = found.set_column(number, field, _from_hex(found[field.name]))
    return found.combine_chunks()


def _from_hex(texts: pa.ChunkedArray) -> pa.Array:
    found = (None if one is None else bytes.fromhex(one[2:]) for one in texts.to_pylist())
    return pa.array(found, pa.binary())

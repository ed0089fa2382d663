"""Reads tables of the lake with one reader and writes what it saw, for the Go test to compare.

    read.py READER OUT NAME=DIR...
    read.py views OUT NAME=FILE:VIEW

For each table OUT/NAME.jsonl gets a first line {column: type} and then a line {column: value} for each row, in any order. The types
are those of lake.yaml; json and string are the same. Values that JSON has no type for are text (decimal, binary as base64, date) or
a number (timestamp: milliseconds since 1970).
"""
import base64
import datetime
import glob
import json
import sys

import pyarrow as pa
import pyarrow.parquet

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def files(directory):
    return sorted(glob.glob(directory + "/**/*.parquet", recursive=True))


def hive(directory, text, whole):
    """The partition columns of a table with their types: the calendar's are whole numbers, all others are text."""
    parts = files(directory)[0][len(directory):].split("/")
    names = [p.split("=")[0] for p in parts if "=" in p]
    return {n: whole if n in ("year", "month", "day", "hour") else text for n in names}


def schema_of(directory):
    """The schema of all files together. A catalog tells it to whom reads with one."""
    return pa.unify_schemas([pa.parquet.read_schema(f) for f in files(directory)], promote_options="permissive")


def read_pyarrow(directory):
    import pyarrow.dataset as ds

    # The files of a table may differ in columns added since; a dataset takes one schema for all.
    schema = schema_of(directory)
    partitioning = ds.partitioning(pa.schema(hive(directory, pa.string(), pa.int32())), flavor="hive")
    for field in partitioning.schema:
        schema = schema.append(field)
    return ds.dataset(directory, schema=schema, format="parquet", partitioning=partitioning).to_table()


def read_duckdb(directory):
    import duckdb

    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    types = ", ".join(f"'{n}': {t}" for n, t in hive(directory, "varchar", "int").items())
    return db.sql(
        f"select * from read_parquet('{directory}/**/*.parquet', hive_partitioning = true, hive_types = {{{types}}}, union_by_name = true)"
    ).to_arrow_table()


def read_views(place):
    """DuckDB again, by the views that the catalog writes: FILE:VIEW."""
    import duckdb

    file, view = place.rsplit(":", 1)
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    with open(file, encoding="utf-8") as f:
        db.execute(f.read())
    return db.sql(f"select * from {view}").to_arrow_table()


def read_polars(directory):
    import polars as pl

    return pl.scan_parquet(
        directory + "/**/*.parquet", hive_partitioning=True, hive_schema=hive(directory, pl.String, pl.Int32),
        schema=pl.Schema(schema_of(directory)), missing_columns="insert",
        cast_options=pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast"),
    ).collect().to_arrow()


def read_clickhouse(directory):
    import chdb

    out = chdb.query(
        f"select * from file('{directory}/**/*.parquet', Parquet) "
        "settings use_hive_partitioning = 1, schema_inference_mode = 'union', input_format_parquet_allow_missing_columns = 1, "
        "output_format_arrow_string_as_string = 0, session_timezone = 'UTC'",
        "Arrow",
    )
    return pa.ipc.open_file(pa.py_buffer(out.bytes())).read_all()


spark = None


def read_spark(directory):
    global spark
    if spark is None:
        from pyspark.sql import SparkSession

        spark = (
            SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1").config("spark.sql.session.timeZone", "UTC").config("spark.driver.memory", "1g")
            .config("spark.sql.shuffle.partitions", "2").config("spark.log.level", "ERROR").getOrCreate()
        )
    from pyspark.sql.pandas.types import from_arrow_schema

    return spark.read.schema(from_arrow_schema(schema_of(directory))).parquet(directory).toArrow()


def type_text(t):
    if pa.types.is_dictionary(t):
        return type_text(t.value_type)
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return "string"
    if pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_binary_view(t):
        return "binary"
    if pa.types.is_decimal(t):
        return f"decimal({t.precision},{t.scale})"
    if pa.types.is_timestamp(t):
        return "timestamp" if t.tz in ("UTC", "Etc/UTC", "+00:00") else f"timestamp without zone ({t})"
    if pa.types.is_map(t):
        return f"map<{type_text(t.key_type)},{type_text(t.item_type)}>"
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_list_view(t):
        return f"list<{type_text(t.value_type)}>"
    if pa.types.is_struct(t):
        return "struct<" + ",".join(f"{f.name}:{type_text(f.type)}" for f in t) + ">"
    return {"bool": "boolean", "int32": "int", "int64": "bigint", "float": "float", "double": "double", "date32[day]": "date"}.get(str(t), str(t))


def value(v, t):
    if v is None:
        return None
    if pa.types.is_dictionary(t):
        return value(v, t.value_type)
    if pa.types.is_decimal(t):
        return format(v, "f")
    if pa.types.is_timestamp(t):
        v = v.replace(tzinfo=datetime.timezone.utc) if v.tzinfo is None else v
        return (v - EPOCH) // datetime.timedelta(milliseconds=1)
    if pa.types.is_date(t):
        return v.isoformat()
    if isinstance(v, bytes):
        return base64.b64encode(v).decode()
    if pa.types.is_map(t):
        return {k if isinstance(k, str) else k.decode(): value(x, t.item_type) for k, x in (v.items() if isinstance(v, dict) else v)}
    if pa.types.is_struct(t):
        return {f.name: value(v[f.name], f.type) for f in t}
    if isinstance(v, list):
        return [value(x, t.value_type) for x in v]
    return v


def main():
    read = globals()["read_" + sys.argv[1]]
    for arg in sys.argv[3:]:
        name, directory = arg.split("=", 1)
        table = read(directory)
        with open(f"{sys.argv[2]}/{name}.jsonl", "w", encoding="utf-8") as out:
            print(json.dumps({f.name: type_text(f.type) for f in table.schema}, ensure_ascii=False), file=out)
            for batch in table.to_batches():
                columns = [[value(v, f.type) for v in c.to_pylist()] for f, c in zip(batch.schema, batch.columns)]
                for row in zip(*columns):
                    print(json.dumps(dict(zip(batch.schema.names, row)), ensure_ascii=False), file=out)


main()

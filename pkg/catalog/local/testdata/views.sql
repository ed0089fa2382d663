-- Views of the tables for DuckDB, naming the files that are current. Made by the engine; changes are lost.

CREATE OR REPLACE VIEW "processed_data" AS
SELECT COLUMNS('^(id|price|source|year|hour)$')
FROM read_parquet([
  '/l/processed/source=a/year=2025/e.parquet',
  '/l/processed/source=c/year=2025/g.parquet'
], hive_partitioning = true, hive_types = {'source': VARCHAR, 'year': INTEGER}, union_by_name = true)
UNION ALL BY NAME
SELECT COLUMNS('^(id|price|source|year|hour)$')
FROM read_parquet([
  '/l/processed/source=b/year=2025/hour=7/f.parquet'
], hive_partitioning = true, hive_types = {'source': VARCHAR, 'year': INTEGER, 'hour': INTEGER}, union_by_name = true);

DROP VIEW IF EXISTS "processed_empty";

CREATE OR REPLACE VIEW "processed_web" AS
SELECT COLUMNS('^(id|price|source|year)$')
FROM read_parquet([
  '/srv/my [[]lake]/processed/source=it%27s <web>/year=2025/c.parquet',
  '/srv/my [[]lake]/processed@/id/swap/source=web/year=2026/b.parquet',
  '/srv/my [[]lake]/processed@/id/swap/source=web/year=2026/a.parquet'
], hive_partitioning = true, hive_types = {'source': VARCHAR, 'year': INTEGER}, union_by_name = true);

CREATE OR REPLACE VIEW "quarantine" AS
SELECT COLUMNS('^(payload|offset|at|source|year)$')
FROM read_json([
  '/srv/lake/quarantine/source=web/year=2026/d.ndjson.zst'
], hive_partitioning = true, hive_types = {'source': VARCHAR, 'year': INTEGER}, format = 'newline_delimited', columns = {'payload': VARCHAR, 'offset': BIGINT, 'at': TIMESTAMPTZ});

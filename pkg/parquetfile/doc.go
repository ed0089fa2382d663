// Package parquetfile writes Arrow records to Parquet files and reads them back.
package parquetfile

"""Writes the same 3,000 rows in many ways, and once more for each column with one value changed: write.py FOLDER."""
import datetime as dt
import decimal
import pathlib
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

folder = pathlib.Path(sys.argv[1])
r = random.Random(1)


def maybe(v):
    return None if r.random() < 0.2 else v


N = 3000
data = {
    "id": list(range(N)),
    "flag": [maybe(r.random() < 0.7) for _ in range(N)],
    "runs": [i // 100 % 2 == 0 for i in range(N)],
    "number": [maybe(r.randrange(-(2**31), 2**31)) for _ in range(N)],
    "ratio": [maybe(r.uniform(-1e6, 1e6)) for _ in range(N)],
    "price": [maybe(decimal.Decimal(r.randrange(-10**9, 10**9)).scaleb(-2)) for _ in range(N)],
    "at": [maybe(dt.datetime(2025, 1, 1) + dt.timedelta(milliseconds=r.randrange(-10**13, 10**10))) for _ in range(N)],
    "day": [maybe(dt.date(1960, 1, 1) + dt.timedelta(days=r.randrange(30000))) for _ in range(N)],
    "name": [maybe(r.choice(["", "a", "Zoë", "東京", "x" * 300])) for _ in range(N)],
    "unlike": [maybe("%032x" % r.getrandbits(128)) for _ in range(N)],
    "list": [maybe([maybe(r.randrange(9)) for _ in range(r.randrange(4))]) for _ in range(N)],
    "struct": [maybe({"b": maybe("x"), "a": maybe(r.randrange(9))}) for _ in range(N)],
    "deep": [maybe([maybe({"k": maybe([maybe("q")] * r.randrange(3)), "n": r.randrange(3)}) for _ in range(r.randrange(3))]) for _ in range(N)],
    "map": [maybe([(c, maybe(r.randrange(9))) for c in "abc"[: r.randrange(4)]]) for _ in range(N)],
}
types = {
    "id": pa.int64(), "flag": pa.bool_(), "runs": pa.bool_(), "number": pa.int32(), "ratio": pa.float64(), "price": pa.decimal128(18, 2), "at": pa.timestamp("ms", "UTC"),
    "day": pa.date32(), "name": pa.string(), "unlike": pa.string(), "list": pa.list_(pa.int64()), "struct": pa.struct([("a", pa.int64()), ("b", pa.string())]),
    "deep": pa.list_(pa.struct([("k", pa.list_(pa.string())), ("n", pa.int32())])), "map": pa.map_(pa.string(), pa.int64()),
}
changed = {
    "flag": lambda v: not v, "runs": lambda v: not v, "number": lambda v: (v or 0) ^ 1, "ratio": lambda v: (v or 0) + 0.5, "price": lambda v: (v or decimal.Decimal(0)) + decimal.Decimal("0.01"),
    "at": lambda v: (v or dt.datetime(2025, 1, 1)) + dt.timedelta(milliseconds=1), "day": lambda v: (v or dt.date(2025, 1, 1)) + dt.timedelta(days=1),
    "name": lambda v: (v or "") + "!", "unlike": lambda v: (v or "") + "!", "list": lambda v: (v or []) + [None], "struct": lambda v: {"b": (v or {}).get("b"), "a": 77},
    "deep": lambda v: (v or []) + [{"k": None, "n": 1}], "map": lambda v: (v or []) + [("d", None)],
}


def table(over={}, kinds={}):
    both = {**types, **kinds}
    return pa.table({k: pa.array(over.get(k, v), both[k]) for k, v in data.items()})


def write(name, t, **how):
    pq.write_table(t, folder / (name + ".parquet"), **how)


base = table()
write("base", base)
for codec in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
    write("codec-" + codec, base, compression=codec)
write("format-2", base, data_page_version="2.0")
write("plain", base, use_dictionary=False)
write("pages", base, data_page_size=1000, row_group_size=700, write_page_index=True)
write("int96", base, use_deprecated_int96_timestamps=True)
write("version-1", base, version="1.0")
write("old-lists", base, use_compliant_nested_type=False)
write("decimals", table(kinds={"price": pa.decimal128(38, 6)}))
write("decimals-as-integers", base, store_decimal_as_integer=True)
write("wide", table(kinds={"number": pa.int64(), "list": pa.list_(pa.int32()), "at": pa.timestamp("us")}))
write("large", table(kinds={"name": pa.large_string()}))
write("delta", base, use_dictionary=False, column_encoding={"number": "DELTA_BINARY_PACKED", "id": "DELTA_BINARY_PACKED", "name": "DELTA_BYTE_ARRAY", "unlike": "DELTA_LENGTH_BYTE_ARRAY", "ratio": "BYTE_STREAM_SPLIT"})
shuffled = list(range(N))
r.shuffle(shuffled)
write("shuffled", base.take(shuffled))
for column, change in changed.items():
    over = list(data[column])
    over[1234] = change(over[1234])
    write("other-" + column, table({column: over}))

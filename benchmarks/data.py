"""Synthetic event log for the benchmarks: time-ordered Parquet, about 30 events a customer in
bursts.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

EVENTS = [
    "home",
    "list",
    "search",
    "view",
    "cart",
    "checkout",
    "pay",
    "purchase",
    "help",
    "share",
    "login",
    "exit",
]
STEPS = ["list", "view", "cart", "pay", "purchase"]
SHARES = [0.13, 0.20, 0.08, 0.19, 0.09, 0.03, 0.05, 0.04, 0.05, 0.03, 0.06, 0.05]
CHANNELS = ["direct", "search", "email", "social", "display", "referral", "affiliate"]
PART = 2_000_000
START = 1_735_689_600_000_000  # 2025-01-01 UTC, microseconds
DAYS = 90


def lines(path, rows):
    """Write `rows` order lines to `path`, three an order, in order of time over three years, of
    customers of whom some buy much more than others; returns the path.
    """
    import duckdb

    path = Path(path)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        duckdb.sql(
            f"""COPY (SELECT i // 3 AS order_id, CAST(floor(power(hash(i // 3) /
              18446744073709551616.0, 2) * {rows // 20}) AS BIGINT) AS customer_id,
            TIMESTAMPTZ '2022-01-01 00:00:00+00' + to_microseconds(CAST(i // 3 AS BIGINT) *
              {3 * 94_608_000_000_000 // rows}) AS ordered_at, round(5 + (hash(i * 7) % 10000) /
              100.0, 2) AS amount
            FROM range({rows}) t(i)) TO '{draft}' (FORMAT parquet, COMPRESSION zstd)"""
        )
        draft.rename(path)
    return path


def write(path, rows, seed=1):
    """Write `rows` events to `path` in parts of two million, days in order; returns the path."""
    path = Path(path)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    customers = max(rows // 30, 1)
    schema = pa.schema(
        [
            ("customer_id", pa.int64()),
            ("occurred_at", pa.timestamp("us")),
            ("event", pa.string()),
            ("channel", pa.string()),
            ("value", pa.float64()),
        ]
    )
    draft = path.with_suffix(".tmp")
    parts = -(-rows // PART)
    with pq.ParquetWriter(draft, schema, compression="zstd") as out:
        for part in range(parts):
            n = min(PART, rows - part * PART)
            # A burst: one customer, some fifteen events, seconds to minutes apart.
            bursts = n // 15 + 1
            owner = np.repeat(rng.integers(0, customers, bursts), 15)[:n]
            width = DAYS * 86_400_000_000 // parts
            begin = START + part * width + rng.integers(0, width, bursts)
            gap = rng.exponential(60e6, (bursts, 15)).cumsum(axis=1)
            t = (np.repeat(begin, 15) + gap.ravel().astype("int64"))[:n] // 1000 * 1000
            order = np.argsort(t, kind="stable")
            event = rng.choice(len(EVENTS), n, p=SHARES)
            channel = rng.integers(0, len(CHANNELS), n)
            out.write_table(
                pa.table(
                    {
                        "customer_id": owner[order],
                        "occurred_at": pa.array(t[order], pa.timestamp("us")),
                        "event": (
                            pa.DictionaryArray.from_arrays(event.astype("int8"), EVENTS).cast(
                                pa.string()
                            )
                        ),
                        "channel": (
                            pa.DictionaryArray.from_arrays(channel.astype("int8"), CHANNELS).cast(
                                pa.string()
                            )
                        ),
                        "value": np.where(
                            event == EVENTS.index("purchase"), rng.gamma(2, 20, n).round(2), 0.0
                        ),
                    },
                    schema=schema,
                )
            )
    draft.rename(path)
    return path

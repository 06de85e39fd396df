"""Pairs of items in orders beside one join of a table with itself, written to PAIRS.md.

    python benchmarks/pairs.py [--lines 10000000] [--rounds 3]

The yardstick is the least that any count of pairs needs: each order and item once, joined with
itself in DuckDB, counted by pair. Every measurement is a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
CACHE = HERE / "cache"
ITEMS, PER_ORDER, PER_CUSTOMER = 2000, 8, 5
TASKS = ("one self-join", "interests.related")


def written(lines):
    """Write order lines of items of unequal popularity, and return their path."""
    import duckdb

    path = CACHE / f"pairs_{lines}.parquet"
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        duckdb.sql(f"""
          COPY (
            SELECT CAST(i // {PER_ORDER} AS BIGINT) AS order_id,
              CAST(i // {PER_ORDER * PER_CUSTOMER} AS BIGINT) AS customer_id,
              TIMESTAMP '2024-01-01' + INTERVAL 1 SECOND * (hash(i // {PER_ORDER}) % 31536000)
                AS ordered_at,
              'item ' || CAST(floor({ITEMS} * power((hash(i + 7) % 1000003) / 1000003.0, 2.5))
                AS INTEGER) AS product_id,
              1 AS quantity, 1.0 AS amount
            FROM range({lines}) t(i)) TO '{path}' (FORMAT parquet)""")
    return path


def one_self_join(path):
    """Count pairs in orders in one statement."""
    import duckdb

    return duckdb.sql(f"""
      WITH h AS (SELECT DISTINCT order_id, product_id FROM read_parquet('{path}'))
      SELECT count(*), sum(n) FROM (
        SELECT a.product_id, b.product_id, count(*) AS n FROM h a JOIN h b
        ON a.order_id = b.order_id AND a.product_id < b.product_id GROUP BY 1, 2)""").fetchall()[0]


def related(path):
    """Find the pairs that go together, in full."""
    from workbench import interests

    result = interests.related(str(path), topic="product_id", unit="order_id")
    return [len(result.table), result.n]


def measured(name, path):
    """Time a task in a process of its own: seconds of wall and processor, and megabytes."""
    done = subprocess.run(
        [sys.executable, __file__, "--task", name, "--path", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def run_task(name, path):
    """Run one task and print what it took."""
    import duckdb  # noqa: F401 - loaded before the clock starts

    if name != TASKS[0]:
        from workbench import interests  # noqa: F401
    began, used = time.perf_counter(), time.process_time()
    answer = one_self_join(path) if name == TASKS[0] else related(path)
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - began,
                "cpu": time.process_time() - used,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "answer": [int(v) for v in answer],
            }
        )
    )


def report(lines, rounds):
    """Measure the tasks in turn and write the page."""
    path = written(lines)
    results = {name: [] for name in TASKS}
    for _ in range(rounds):
        for name in TASKS:
            results[name].append(measured(name, path))
    base = median(r["wall"] for r in results[TASKS[0]])
    page = [
        "# Pairs of items in orders",
        "",
        f"Made by `python benchmarks/pairs.py --lines {lines}` on {date.today()}, "
        f"medians of {rounds}, each in a fresh process; {lines:,} order lines, {ITEMS:,} items. "
        "The aim is three times the yardstick. The machine is shared: read the ratio.",
        "",
        "| task | wall s | ratio | CPU s | peak MB | answer |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in results.items():
        wall, cpu, peak = (median(r[k] for r in rows) for k in ("wall", "cpu", "peak"))
        page.append(
            f"| {name} | {wall:.1f} | {wall / base:.2f} | {cpu:.1f} | {peak:.0f} | "
            f"{rows[0]['answer']} |"
        )
    (HERE / "PAIRS.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    print("\n".join(page))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lines", type=int, default=10_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--task")
    options.add_argument("--path")
    given = options.parse_args()
    if given.task:
        run_task(given.task, given.path)
    else:
        report(given.lines, given.rounds)

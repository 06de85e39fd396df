"""Memory and processor time of loading order lines from a CSV, beside DuckDB's own reader.

    python benchmarks/loading.py [--rows 5000000] [--rounds 3] [--rules]

Each task runs in a process of its own; memory is the peak of its whole tree. The yardstick is
DuckDB's `read_csv` with the types given, written to Parquet. Writes LOADING.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
AIMS = {"lines": 2.5, "lines, rules over whole orders": 4.0}
COLUMNS = {
    "order_id": "order_id",
    "product_id": "product_id",
    "customer_id": "customer_id",
    "ordered_at": "ordered_at",
    "quantity": "quantity",
    "amount": {"multiply": ["quantity", "price"]},
}
RULE = {"column": "product_id", "equals": "P7", "reason": "test", "whole": "order_id"}


def make(path, rows):
    """Write order lines, three an order, in 24 months."""
    import duckdb

    duckdb.sql(
        f"""COPY (
          SELECT 100000000 + i // 3 AS order_id, 'P' || (hash(i) % 5000) AS product_id,
            'C' || (hash(i // 3) % 3000000) AS customer_id,
            strftime(TIMESTAMP '2023-01-01' + to_seconds((hash(i // 3 * 7) % 63000000)::BIGINT),
              '%Y-%m-%d %H:%M:%S') AS ordered_at, 1 + hash(i * 5) % 4 AS quantity,
            printf('%.2f', 1 + (hash(i * 11) % 20000) / 100.0) AS price
          FROM range({rows}) t(i)) TO '{path}' (HEADER)"""
    )


def yardstick(path, folder):
    """DuckDB's own reader with given types, written to Parquet."""
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    con.execute(f"SET temp_directory='{folder}'")
    con.execute(
        f"""COPY (
          SELECT * FROM read_csv('{path}', header=true, columns={{'order_id': 'VARCHAR',
            'product_id': 'VARCHAR', 'customer_id': 'VARCHAR', 'ordered_at': 'TIMESTAMP',
            'quantity': 'DOUBLE', 'price': 'DOUBLE'}})) TO '{folder}/typed.parquet'"""
    )


def load(path, rules):
    """The same file through a mapping."""
    from workbench import load as loading

    told = {"table": "order_lines", "zone": "Europe/Amsterdam", "columns": COLUMNS}
    told |= {"reject": [RULE]} if rules else {"incomplete": "keep"}
    report = loading.file(path, told).report
    return report.rows_in, report.rows_kept


def task(name, path, folder):
    """Run one task here and print its figures."""
    os.environ["WORKBENCH_KEPT"] = folder
    began = time.process_time()
    found = yardstick(path, folder) if name == "DuckDB" else load(path, "rules" in name)
    print(json.dumps({"cpu": time.process_time() - began, "rows": found}))


def measure(name, path):
    """Run one task in a process of its own and watch the memory of its tree."""
    import psutil

    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder:
        command = [sys.executable, __file__, "--task", name, str(path), folder]
        began = time.time()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        peak = [0]

        def watch():
            while process.poll() is None:
                try:
                    tree = psutil.Process(process.pid)
                    used = sum(p.memory_info().rss for p in (tree, *tree.children(recursive=True)))
                    peak[0] = max(peak[0], used)
                except psutil.Error:
                    return
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        out, _ = process.communicate()
        watcher.join()
        found = json.loads(out.strip().splitlines()[-1])
        return {**found, "wall": time.time() - began, "peak": peak[0] / 1e6}


def main():
    """Measure, and write what was found beside the aims."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=float, default=5e6)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--task", nargs=3)
    told = options.parse_args()
    if told.task:
        return task(*told.task)
    path = HERE / "cache" / f"lines_{int(told.rows)}.csv"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        make(path, int(told.rows))
    found = {name: [] for name in ("DuckDB", *AIMS)}
    for _ in range(told.rounds):
        for name, figures in found.items():
            figures.append(measure(name, path))
            print(name, figures[-1], file=sys.stderr)
    middle = {
        name: {key: median(f[key] for f in figures) for key in ("cpu", "wall", "peak")}
        for name, figures in found.items()
    }
    report(middle, int(told.rows), path.stat().st_size, told.rounds)
    return None


def report(middle, rows, size, count):
    """Write LOADING.md."""
    base = middle["DuckDB"]["cpu"]
    table = [
        f"| {name} | {f['cpu']:.1f} | {f['cpu'] / base:.2f} | "
        f"{'≤ ' + str(AIMS[name]) if name in AIMS else '–'} | {f['wall']:.1f} | {f['peak']:.0f} |"
        for name, f in middle.items()
    ]
    versions = ", ".join(f"{n} {version(n)}" for n in ("duckdb", "pandas", "pyarrow"))
    made = f"{date.today()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {versions}"
    text = f"""## {rows:,} order lines

Made by `python benchmarks/loading.py --rows {rows}` on {made}.
A CSV of {rows:,} order lines ({size / 1e6:,.0f} MB) to canonical Parquet, medians of {count}
interleaved rounds, each task in a process of its own. The machine is shared: read the ratios.
Memory is the peak of the process tree (aim: at most 2,000 MB at 50 million lines).

| task | CPU s | ratio to DuckDB | aim | wall s | peak MB |
|---|---|---|---|---|---|
{chr(10).join(table)}
"""
    path = HERE / "LOADING.md"
    # What was measured of other sizes stays.
    others = path.read_text(encoding="utf-8").split("\n## ")[1:] if path.exists() else []
    kept = [f"## {part.rstrip()}\n" for part in others if not part.startswith(f"{rows:,} ")]
    path.write_text("# Loading\n\n" + "\n".join([*kept, text]), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

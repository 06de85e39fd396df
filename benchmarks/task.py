"""One benchmark task in a process of its own: `python task.py NAME FILE`. Prints seconds, memory
and the answer as JSON.
"""

import sys

STEPS = ["list", "view", "cart", "pay", "purchase"]


def lower(path, sql):
    """Run plain DuckDB, without the package, as a yardstick."""
    import duckdb

    con = duckdb.connect()
    con.execute("SET preserve_insertion_order=false")
    return con.execute(sql.format(src=f"read_parquet('{path}')"))


def yardstick(path):
    """R: one scan of the needed columns plus one window over all rows."""
    return lower(
        path,
        """SELECT count(*), sum(x) FROM (SELECT sum(epoch_us(occurred_at) % 7) OVER (PARTITION BY
          customer_id
        ORDER BY occurred_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS x, event FROM
          {src})""",
    ).fetchall()[0][0]


def bound(path):
    """B: scan plus ORDER BY into NumPy."""
    return len(
        lower(
            path, "SELECT customer_id, epoch_us(occurred_at) AS t FROM {src} ORDER BY 1, 2"
        ).fetchnumpy()["t"]
    )


def funnel(path, **options):
    """Five steps, every entry."""
    from workbench import funnels

    table = funnels.conversion(path, STEPS, **options).table
    return table.loc[table["basis"] == "entry", "count"].tolist()


def rules(path, **options):
    """A funnel with further rules."""
    return funnel(path, **{"window": "14D", **options})


RULES = {
    "funnel_excluded": {"exclude": ["help"], "step_windows": "7D"},
    "funnel_optional": {"optional": ["cart"]},
    "funnel_removes": {"exclude": ["help"], "exclusion": "removes"},
    "funnel_open": {"enter": "any"},
    "funnel_tolerant": {"ties": "2s"},
    "funnel_by": {"by": "channel"},
}


def definitions(path):
    """Four tools and six rules at once."""
    from workbench import funnels

    return funnels.compare_definitions(path, STEPS).table["count"].tolist()


def lifecycle(path):
    """New, returning, resurrected, dormant by week."""
    from workbench import journeys

    return int(journeys.lifecycle(path).table["count"].sum())


def paths(path):
    """The most frequent starts of visits."""
    from workbench import journeys

    return int(journeys.paths(path).table["count"].sum())


def paths_to(path):
    """The steps before a purchase."""
    from workbench import journeys

    return int(journeys.paths_to(path, "purchase").table["count"].sum())


def pairs(path):
    """Who views and then buys, by days since."""
    from workbench import retention

    return int(retention.event_retention(path, "view", "purchase").table["count"].sum())


def sessions(path):
    """Sessions of 30 minutes."""
    from workbench import journeys

    return int(journeys.sessions(path).table["n"].iloc[1])


def transitions(path):
    """Moves from event to event."""
    from workbench import journeys

    return int(journeys.transitions(path).table["count"].sum())


def cohorts(path):
    """Weekly cohorts of activity."""
    import duckdb

    from workbench import retention

    orders = duckdb.connect().sql(
        "SELECT customer_id, occurred_at AS ordered_at, value AS amount, 0 AS order_id FROM"
        f" read_parquet('{path}')"
    )
    return int(retention.cohorts(orders, period="week").table["count"].sum())


def lines_scan(path):
    """One scan of the columns of order lines."""
    return lower(
        path, "SELECT count(customer_id), sum(amount), epoch_us(max(ordered_at)) FROM {src}"
    ).fetchall()[0][0]


def lines_window(path):
    """R for order lines: one scan of their columns plus one window over all rows."""
    return lower(
        path,
        "SELECT count(*), sum(x) FROM (SELECT sum(amount) OVER (PARTITION BY customer_id ORDER BY"
        " ordered_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS x FROM {src})",
    ).fetchall()[0][0]


def lines_days(path):
    """One scan and one row a customer and day, the least any count of purchase days needs."""
    return lower(
        path,
        "SELECT count(*), sum(a) FROM (SELECT customer_id, epoch_us(ordered_at) // 86400000000 AS"
        " day, sum(amount) AS a FROM {src} GROUP BY 1, 2)",
    ).fetchall()[0][0]


def customers(path):
    """Repeat purchases, the last of them, time watched and value of every customer."""
    from workbench import clv

    return len(clv.customers(path))


def peer(path, what):
    """Retentioneering 5, end to end from the Parquet file; telemetry is off through its environment
    switch.
    """
    import pandas as pd
    import retentioneering as rete

    frame = pd.read_parquet(path, columns=["customer_id", "occurred_at", "event"])
    frame = frame.rename(columns={"customer_id": "user_id", "occurred_at": "timestamp"})
    stream = rete.Eventstream(frame, schema={"path_cols": ["user_id"]})
    del frame
    if what == "funnel":
        return str(stream.funnel_data(steps=STEPS))[:300]
    if what == "sessions":
        return int(stream.split_sessions(timeout="30m").to_dataframe()["session_id"].nunique())
    return str(stream.transition_graph_data())[:120]


def latent(path):
    """Fit hidden stages and give every customer's chances now."""
    from workbench import stages

    model = stages.fit_latent(path)
    return len(stages.posterior(path, model))


TASKS = {
    "definitions": definitions,
    "lifecycle": lifecycle,
    "paths": paths,
    "paths_to": paths_to,
    "pairs": pairs,
    "latent": latent,
    **{n: lambda p, o=o: rules(p, **o) for n, o in RULES.items()},
    "R": yardstick,
    "B": bound,
    "funnel": lambda p: funnel(p, window="14D"),
    "funnel_unwindowed": lambda p: funnel(p, window=None),
    "sessions": sessions,
    "transitions": transitions,
    "cohorts": cohorts,
    "lines_scan": lines_scan,
    "lines_days": lines_days,
    "lines_window": lines_window,
    "customers": customers,
    **{f"peer_{w}": lambda p, w=w: peer(p, w) for w in ("funnel", "sessions", "transitions")},
}

if __name__ == "__main__":
    import json
    import resource

    # What a warm session has loaded already is not part of a task; `whole` below counts it all.
    if not sys.argv[1].startswith("peer"):
        import duckdb  # noqa: F401
        import pandas  # noqa: F401

        import workbench.funnels
        import workbench.journeys
        import workbench.retention
        import workbench.stages  # noqa: F401

    def cpu():
        """Seconds of processor time so far, threads included."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    before = cpu()
    answer = TASKS[sys.argv[1]](sys.argv[2])
    print(
        json.dumps(
            {
                "task": cpu() - before,
                "whole": cpu(),
                "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "answer": str(answer),
            }
        )
    )

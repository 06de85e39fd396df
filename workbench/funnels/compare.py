"""What the rules of a funnel do to its number, who differs from whom, and how long it takes."""

from dataclasses import replace

import numpy as np
from scipy import special

from workbench import intervals, schemas, survival
from workbench.errors import InputError, NotEnoughData
from workbench.funnels.steps import ORDERS, SEMANTICS, conversion, prepare
from workbench.funnels.walks import Definitions, Groups, Times
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis

DAY = 86_400_000_000


@analysis
def compare_entry(events, steps, **options):
    """How much does it matter whether every entry or only the first one counts?

    Takes the arguments of `conversion` but `entry` and `by`; returns a Result with one row per
    entry rule and step: entry, step_number, step, count, n, estimate, conf_low, conf_high,
    immature.
    """
    made, table = _compare(events, steps, "entry", ("every", "first"), options)
    last = table[table["step_number"] == len(list(steps))].set_index("entry")["count"]
    every, first = int(last["entry_every"]), int(last["entry_first"])
    lost = Note(
        "funnels.entry_gap",
        "Counting every entry, {every} customers finish; counting only the first "
        "entry, {first}: {lost:%} of the conversions would go unseen.",
        every=every,
        first=first,
        lost=1 - first / every if every else None,
    )
    return replace(
        made,
        question=Note("funnels.entry_question", "How much does it matter which entries count?"),
        table=table,
        limits=(lost, *made.limits),
    )


@analysis
def compare_orders(events, steps, **options):
    """How much does it matter how strictly the order of the steps is taken?

    Takes the arguments of `conversion` but `order` and `by`; returns a Result with one row per
    order and step: order, step_number, step, count, n, estimate, conf_low, conf_high, immature.
    """
    made, table = _compare(events, steps, "order", ORDERS, options)
    return replace(
        made,
        question=Note(
            "funnels.order_question", "How much does it matter how strictly the order is taken?"
        ),
        table=table,
    )


def _compare(events, steps, option, values, options):
    """Return the last conversion and one table for all values of an option."""
    import pandas as pd

    rows = []
    for value in values:
        made = conversion(events, steps, **{**options, option: value})
        kept = made.table[made.table["basis"] == "entry"].drop(columns="basis")
        kept.insert(0, option, f"{option}_{value}")
        rows.append(kept)
    chart = replace(made.chart, label=(option, "step"), group=option, only={})
    method = Note(
        "funnels.compare_method",
        "Funnels side by side, window {window:span}; Wilson intervals.",
        window=options.get("window", "14D") or Note("funnels.no_window", "none"),
    )
    return replace(made, method=method, chart=chart), pd.concat(rows, ignore_index=True)


@analysis
def compare_definitions(
    events,
    steps,
    *,
    window="14D",
    exclude=(),
    hold=None,
    column="event",
    until=None,
    conf_level=0.95,
):
    """How far apart do well-known tools lie on the same data, and which of their rules makes the
    difference?

    The first row is the workbench's own definition. Below it stand four tools with their documented
    defaults, and one row per rule changed alone. All rows are counted on the same customers in one
    pass, so the differences are paired.

    Parameters are as in `conversion`.

    Returns
    -------
    Result
        kind (reference, tool, one_rule), definition, count (finished), n (entered), estimate,
        conf_low, conf_high, difference (to the first row), difference_low, difference_high.
        Interval of a share: Wilson; of a difference: delta method over paired customers.

    Raises
    ------
    NotEnoughData
        If nobody entered under the workbench's definition.

    Source: tools' documentation as listed in `docs/glossary.md`; Deng, Knoblich & Lu (2018) for the
    difference.
    """
    import pandas as pd

    shared = {"exclude": exclude, "hold": hold, "column": column, "until": until}
    own = {"window": window}
    steps = list(steps)
    plans = [("reference", "workbench", prepare(events, steps, given=own, **shared))]
    plans += [
        ("tool", name, prepare(events, steps, given={}, semantics=name, **shared))
        for name in SEMANTICS
    ]
    single = {
        "rule_first_entry": {"entry": "first"},
        "rule_window_7": {"window": "7D"},
        "rule_window_30": {"window": "30D"},
        "rule_no_window": {"window": None},
        "rule_two_seconds": {"ties": "2s"},
        "rule_young_counted": {"immature": "count"},
    }
    if exclude:
        single["rule_removes"] = {"exclusion": "removes"}
    plans += [
        ("one_rule", name, prepare(events, steps, given={**own, **rule}, **shared))
        for name, rule in single.items()
        if schemas.micros("window", rule.get("window", "1s"), none=True)
        != schemas.micros("window", window, none=True)
    ]
    sums = (
        plans[0][2]
        .run(Definitions([p.rules for _, _, p in plans]))
        .groupby(["definition", "pattern"])["customers"]
        .sum()
    )
    # A pattern holds four bits: entered and finished here, entered and finished under the first
    # definition.
    x, y, x0, y0 = (np.array([(p >> bit) & 1 for p in range(16)]) for bit in (2, 3, 0, 1))
    rows = []
    for i, (kind, name, _) in enumerate(plans):
        m = sums[i].reindex(range(16), fill_value=0).to_numpy().astype(float)
        n, done, n0, done0 = (int((m * bit).sum()) for bit in (x, y, x0, y0))
        if n0 == 0:
            raise NotEnoughData(
                Note(
                    "funnels.none_mature",
                    "conversion: no customer entered at '{step:word}' early enough to be "
                    "watched for the whole window ({window:span}). Shorten the window or bring "
                    "more recent data.",
                    step=plans[0][2].names[0],
                    window=window or "–",
                )
            )
        r, r0 = done / n if n else np.nan, done0 / n0
        pull = ((y - r * x) / n if n else np.nan) - (y0 - r0 * x0) / n0
        se = float(np.sqrt((m * pull**2).sum()))
        low, high = (float(v) for v in intervals.wilson(done, n, conf_level))
        gap = r - r0
        d_low, d_high = (
            (np.nan, np.nan)
            if i == 0
            else (float(v) for v in intervals.normal(gap, se, conf_level))
        )
        rows.append(
            {
                "kind": kind,
                "definition": name,
                "count": done,
                "n": n,
                "estimate": r,
                "conf_low": low,
                "conf_high": high,
                "difference": np.nan if i == 0 else gap,
                "difference_low": d_low,
                "difference_high": d_high,
            }
        )
    table = pd.DataFrame(rows)
    tools = table[table["kind"] == "tool"]
    limits = (
        Note(
            "funnels.tools_apart",
            "The tools' own numbers run from {low:%} to {high:%}; the rows with one "
            "rule changed say which rule does it.",
            low=tools["estimate"].min(),
            high=tools["estimate"].max(),
        ),
        Note(
            "funnels.tools_limit",
            "Documented defaults, not a connection to the tools: sampling, identity "
            "rules and bot filters are not imitated.",
        ),
    )
    return Result(
        question=Note(
            "funnels.definitions_question",
            "How far apart do tools lie on the same data, from {first:word} to {last:word}?",
            first=plans[0][2].names[0],
            last=plans[0][2].names[-1],
        ),
        table=table,
        method=Note(
            "funnels.definitions_method",
            "The same customers under several definitions, own window {window:span}; "
            "Wilson intervals, differences paired by customer.",
            window=window or Note("funnels.no_window", "none"),
        ),
        unit="customers",
        n=int(table["n"].max()),
        conf_level=conf_level,
        limits=limits,
        chart=Points(
            label=["definition"],
            group="kind",
            percent=True,
            xlabel=Note(
                "funnels.axis",
                "Share of customers who entered at {first:word}",
                first=plans[0][2].names[0],
            ),
        ),
    )


@analysis
def compare_groups(events, steps, *, by, conf_level=0.95, **options):
    """Which groups finish more, or less, often than the others, with all comparisons taken into
    account?

    Parameters are as in `conversion`, with `by` the column that makes the groups.

    Returns
    -------
    Result
        [by], count, n, rate (share that finished), rest_rate, estimate (difference from all other
        groups together), conf_low, conf_high, p_value, p_holm. Interval: Newcombe (1998), or from
        customers' pulls where customers stand in several groups; test: score test of two shares;
        correction: Holm (1979). Where the groups are numbers, a sentence in `.limits` gives the
        Cochran–Armitage test for a trend.

    Raises
    ------
    InputError
        For fewer than two groups.
    """
    import pandas as pd

    rules = ("window", "order", "entry", "ties", "exclusion", "immature", "strict_among")
    given = {k: v for k, v in options.items() if k in rules and v is not None}
    ready = prepare(
        events, steps, given=given, by=by, **{k: v for k, v in options.items() if k not in rules}
    )
    made = conversion(events, steps, by=by, conf_level=conf_level, **options)
    last = made.table[
        (made.table["basis"] == "entry")
        & (made.table["step_number"] == len(list(steps)))
        & (made.table["n"] > 0)
    ]
    if len(last) < 2:
        raise InputError(
            "funnels.error_by_at_least_two_groups",
            "by: at least two groups with customers are needed, found {last}",
            last=last[by].tolist(),
        )
    y, n = last["count"].to_numpy(float), last["n"].to_numpy(float)
    ry, rn = y.sum() - y, n.sum() - n
    low, high = intervals.newcombe(y, n, ry, rn, conf_level)
    pooled = y.sum() / n.sum()
    both = ready.run(Groups(ready.rules)).groupby(["a", "b"])[["xx", "xy", "yy"]].sum()
    places = [ready.groups.index(g) for g in last[by]]
    xx, xy, yy = (
        both[k].unstack().reindex(index=places, columns=places, fill_value=0).to_numpy(float)
        for k in ("xx", "xy", "yy")
    )

    def error(i, a, b):
        """Standard error of group i against the rest from customers' pulls, about the shares a and
        b; a customer in several groups counts once.
        """
        own = np.zeros(len(places))
        own[i] = 1
        u, v = own / n[i] - (1 - own) / rn[i], -(own * a / n[i] - (1 - own) * b / rn[i])
        return float(np.sqrt(max(u @ yy @ u + 2 * v @ xy @ u + v @ xx @ v, 0)))

    overlap = (xx - np.diag(np.diag(xx))).sum() > 0
    flat = (
        np.array([error(i, pooled, pooled) for i in range(len(places))])
        if overlap
        else np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / rn))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (y / n - ry / rn) / flat
    p = np.where(np.isfinite(score), 2 * special.ndtr(-np.abs(score)), 1.0)
    if overlap:
        low, high = intervals.normal(
            y / n - ry / rn,
            [error(i, y[i] / n[i], ry[i] / rn[i]) for i in range(len(places))],
            conf_level,
        )
    table = pd.DataFrame(
        {
            by: last[by].to_numpy(),
            "count": y.astype(int),
            "n": n.astype(int),
            "rate": y / n,
            "rest_rate": ry / rn,
            "estimate": y / n - ry / rn,
            "conf_low": low,
            "conf_high": high,
            "p_value": p,
            "p_holm": intervals.each_against_rest(p),
        }
    )
    limits = [
        Note(
            "funnels.groups_limit",
            "Comparisons: {tests}; the corrected p takes their number into account. "
            "Groups differ in more than their name: this is no effect.",
            tests=1 if len(p) == 2 else len(p),
        ),
        *(
            [
                Note(
                    "funnels.groups_overlap",
                    "Some customers stand in several groups; the intervals and tests count "
                    "each of them once.",
                )
            ]
            if overlap
            else []
        ),
        *made.limits,
    ]
    doses = pd.to_numeric(table[by], errors="coerce")
    if doses.notna().all() and len(doses) > 2:
        limits.append(
            Note(
                "funnels.trend",
                "Cochran–Armitage test for a trend over the groups: p: {p:2}.",
                p=intervals.trend(doses.to_numpy(float), y, n),
            )
        )
    return Result(
        question=Note(
            "funnels.groups_question",
            "Which values of {by:header} finish more or less often than the others?",
            by=by,
        ),
        table=table,
        method=Note(
            "funnels.groups_method",
            "Each group against all others together; Newcombe intervals, score test, "
            "Holm's correction.",
        ),
        unit="customers_by_group",
        n=int(n.sum()),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=[by],
            percent=True,
            points=True,
            reference=0.0,
            xlabel=Note(
                "funnels.groups_axis", "Difference from the other groups, percentage points"
            ),
        ),
    )


@analysis
def time_to_convert(
    events,
    steps,
    *,
    window="14D",
    by=None,
    hold=None,
    exclude=(),
    column="event",
    until=None,
    conf_level=0.95,
):
    """How long does it take from the first step to the last, counting those who never get there?

    Every event of the first step is an attempt. Its clock stops when the last step is reached, when
    an event of `exclude` comes first (which then competes), or when the window or the data end
    (censored).

    Parameters are as in `conversion`.

    Returns
    -------
    Result
        [by,] days, n (attempts at risk), count (finished at that time), estimate (share finished by
        then), std_error, conf_low, conf_high.
        Customers are the sampling unit.

    Raises
    ------
    InputError
        For repeated steps.
    NotEnoughData
        If no attempt was made.

    Source: Aalen & Johansen (1978), Scand. J. Statist. 5.
    """
    import pandas as pd

    if len({str(s) for s in steps}) < len(list(steps)):
        raise InputError(
            "funnels.error_steps_time_to_convert_needs",
            "steps: time_to_convert needs different steps",
        )
    made = prepare(
        events,
        steps,
        given={"window": window, "immature": "count"},
        by=by,
        hold=hold,
        exclude=exclude,
        column=column,
        until=until,
    )
    parts = made.run(Times(made.rules, made.end))
    if not len(parts):
        raise NotEnoughData(
            Note(
                "funnels.none_mature",
                "conversion: no customer entered at '{step:word}' early enough to be "
                "watched for the whole window ({window:span}). Shorten the window or bring "
                "more recent data.",
                step=made.names[0],
                window=window or "–",
            )
        )
    curves = []
    for g, rows in parts.groupby("g"):
        curve = survival.incidence(
            rows["micros"] / DAY, rows["cause"], customer=rows["customer"], conf_level=conf_level
        )
        curve = curve.rename(columns={"time": "days", "at_risk": "n"})
        if by:
            curve.insert(0, by, made.groups[int(g)])
        curves.append(curve)
    done = parts[parts["cause"] == 1]
    limits = [
        Note(
            "funnels.time_limit",
            "Attempts that are still running when the data end are censored, not "
            "counted as lost; several attempts of a customer overlap.",
        )
    ]
    if len(done):
        limits.append(
            Note(
                "funnels.time_median",
                "Among the {n} attempts that finished, the median is {days:3} days: biased short.",
                days=(done["micros"] / DAY).median(),
                n=len(done),
            )
        )
    return Result(
        question=Note(
            "funnels.time_question",
            "How long does it take from {first:word} to {last:word}?",
            first=made.names[0],
            last=made.names[-1],
        ),
        table=pd.concat(curves, ignore_index=True),
        method=Note(
            "funnels.time_method",
            "Cumulative incidence of finishing among all attempts within {window:span} "
            "(Aalen–Johansen); the customer is the sampling unit.",
            window=window or Note("funnels.no_window", "none"),
        ),
        unit="attempts",
        n=len(parts),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="days",
            group=by,
            step=True,
            percent=True,
            xlabel=Note("stages.days_axis", "Days"),
            ylabel=Note("funnels.time_axis", "Share of attempts that finished"),
        ),
    )

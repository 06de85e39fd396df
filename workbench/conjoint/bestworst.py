"""Which of many things matter most? Best–worst (MaxDiff) tasks and their analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import discrete_choice, engine, intervals
from workbench.conjoint import findings
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import likelihoods

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from workbench.types import Table


def best_worst_design(
    items: Sequence[str], *, tasks: int = 8, per_task: int = 4, versions: int = 10, seed: int = 1
) -> pd.DataFrame:
    """Spread items over best–worst tasks so that each is shown, and meets every other, about
    equally often.

    Parameters
    ----------
    items : list of str
    tasks, per_task : int
        Tasks a respondent, and items a task.
    versions : int
        Different questionnaires; give respondents one each at random.
    seed : int

    Returns
    -------
    DataFrame
        version, task, position, item.

    Raises InputError where a task would hold fewer than three items or more than there are, or an
    item would be shown fewer than twice a respondent.

    Source: Louviere, Flynn & Marley (2015), Best-Worst Scaling.
    """
    import pandas as pd

    n = len(items)
    if not 3 <= per_task <= n or tasks * per_task < 2 * n or len(set(items)) < n:
        raise InputError(
            "conjoint.error_best_worst_design",
            "best_worst_design: three to {n} different items a task and each shown "
            "twice are needed; found {tasks} tasks of {per_task} for {n} items",
            n=n,
            tasks=tasks,
            per_task=per_task,
        )
    rng = np.random.default_rng(seed)
    shown, met, rows = np.zeros(n), np.zeros((n, n)), []
    for version in range(1, versions + 1):
        own = np.zeros(n)
        for task in range(1, tasks + 1):
            chosen = []
            while len(chosen) < per_task:
                # Least shown to this respondent first, then least often met with what is already
                # here, then luck.
                cost = (
                    own * 1e4 + (met[chosen].sum(axis=0) if chosen else shown) * 10 + rng.random(n)
                )
                cost[chosen] = np.inf
                chosen.append(int(cost.argmin()))
            own[chosen] += 1
            shown[chosen] += 1
            met[np.ix_(chosen, chosen)] += 1
            rows += [
                (version, task, k + 1, items[i]) for k, i in enumerate(rng.permutation(chosen))
            ]
    return pd.DataFrame(rows, columns=["version", "task", "position", "item"])


@engine.frames("answers")
@analysis
def best_worst(answers: Table, *, penalty: str | None = None, conf_level: float = 0.95) -> Result:
    """Which items do people pick as best and as worst, and how much more does one count than
    another?

    Parameters
    ----------
    answers : table with respondent_id, task, item, best, worst
        One row per item shown; exactly one best and one other worst in each task.
    penalty : str, optional
        "firth": the penalised estimate of the shares, which exists for every table; every choice is
        then a unit of its own. None: maximum likelihood.

    Returns
    -------
    Result
        item, measure, count, n, estimate, std_error, conf_low, conf_high. measure "score": (times
        best − times worst) / times shown, n = times shown; "share": exp(u) over the sum of exp(u)
        of all items, u from a logit in which the worst of what is left is chosen like the best with
        all weights reversed, n = tasks. The respondent is the sampling unit. Where an item is
        always or never picked, no share has a finite estimate: they are missing, and `.limits` say
        so.

    Raises
    ------
    InputError
        For missing columns, or a task without exactly one best and one other worst.
    NotEnoughData
        With fewer than two respondents.

    Source: Marley & Louviere (2005), Journal of Mathematical Psychology 49; Louviere, Flynn &
    Marley (2015).
    """
    import pandas as pd

    _check(answers)
    frame = answers.sort_values(["respondent_id", "task"], kind="stable", ignore_index=True)
    best, worst = frame["best"].to_numpy(bool), frame["worst"].to_numpy(bool)
    task = frame.groupby(["respondent_id", "task"], sort=True).ngroup().to_numpy()
    tasks = task.max() + 1 if len(frame) else 0
    wrong = (np.bincount(task, best, tasks) != 1) | (np.bincount(task, worst, tasks) != 1)
    if (best & worst).any() or wrong.any():
        raise InputError(
            "conjoint.error_best_and_worst",
            "answers: {wrong} tasks do not have exactly one best and one other worst item",
            wrong=int(wrong.sum() + (best & worst).sum()),
        )
    items = sorted(frame["item"].unique(), key=str)
    code, j = frame["item"].map({v: i for i, v in enumerate(items)}).to_numpy(), len(items)
    who = np.unique(frame["respondent_id"].to_numpy(), return_inverse=True)[1]
    # Every task is two choices over all items, those not shown being unavailable: the best, and the
    # worst of the rest.
    here = np.zeros((tasks, j), bool)
    here[task, code] = True
    if here.sum() < len(frame):
        raise InputError(
            "conjoint.error_item_twice",
            "answers: an item stands twice in one task",
        )
    best_at, worst_at = np.zeros(tasks, int), np.zeros(tasks, int)
    best_at[task[best]], worst_at[task[worst]] = code[best], code[worst]
    left = here.copy()
    left[np.arange(tasks), best_at] = False
    customer = np.zeros(tasks, int)
    customer[task] = who
    dummies = np.eye(j)[:, 1:]
    x = np.concatenate(
        [np.where(here[:, :, None], dummies, 0.0), np.where(left[:, :, None], -dummies, 0.0)]
    )
    d = discrete_choice.Layout(
        x,
        np.concatenate([here, left]),
        np.concatenate([best_at, worst_at]),
        np.tile(customer, 2),
        tuple(items),
        [str(i) for i in items[1:]],
        None,
        np.zeros(0, int),
        np.zeros(0, int),
    )
    discrete_choice.check(d)
    made = discrete_choice.estimated(d, d.groups()[0], penalty=penalty, conf_level=conf_level)
    share, se = likelihoods.delta(
        lambda b: special.softmax(np.append(0.0, b)), made.params, made.cov
    )
    low, high = intervals.log_odds(share, se, conf_level)
    rows = []
    for i, item in enumerate(items):
        mine = code == i
        seen = np.bincount(who[mine], minlength=who.max() + 1)
        net = np.bincount(who[mine], best[mine].astype(float) - worst[mine], who.max() + 1)
        estimate, error, a, b = intervals.ratio(net, seen, conf_level)
        rows.append(
            {
                "item": str(item),
                "measure": "score",
                "total": net.sum(),
                "n": int(mine.sum()),
                "estimate": estimate,
                "std_error": error,
                "conf_low": max(a, -1),
                "conf_high": min(b, 1),
            }
        )
    rows += [
        {
            "item": str(item),
            "measure": "share",
            "count": np.nan,
            "n": int(tasks),
            "estimate": share[i],
            "std_error": se[i],
            "conf_low": low[i],
            "conf_high": high[i],
        }
        for i, item in enumerate(items)
    ]
    table = tidy(rows).sort_values(
        ["measure", "estimate", "item"], ascending=[True, False, True], ignore_index=True
    )
    few = table.loc[(table["measure"] == "score") & (table["n"] < 500), "item"].tolist()
    limits = [*_withheld(d, made), findings.BEST_LIMIT]
    if few or frame["respondent_id"].nunique() < 200:
        limits.append(
            Note(
                "conjoint.best_few",
                "{g} respondents and {least} views of the rarest item; {people} and {views} are "
                "common minimums.",
                people=200,
                views=500,
                g=frame["respondent_id"].nunique(),
                least=int(np.bincount(code).min()),
            )
        )
    return Result(
        question=findings.BEST_QUESTION,
        table=table,
        answer=findings.best(table),
        method=findings.BEST_METHOD,
        unit="tasks",
        n=int(tasks),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=pd.Series(np.append(0.0, made.params), items),
        chart=Points(
            label=["item"],
            only={"measure": "share"},
            percent=True,
            xlabel=findings.BEST_AXIS,
        ),
    )


def _withheld(d, made):
    """Return the sentence on items without a finite estimate, if there are any."""
    gone = [t for t, fine in zip(d.terms, made.recession.finite(), strict=True) if not fine]
    return [discrete_choice.WITHHELD.having(terms=gone)] if gone else []


def _check(answers):
    """Refuse answers without a column, a row, or the name of who was asked what."""
    need_columns("answers", answers.columns, "respondent_id", "task", "item", "best", "worst")
    nameless = int(answers[["respondent_id", "task", "item"]].isna().any(axis=1).sum())
    if nameless:
        raise InputError(
            "conjoint.error_nameless",
            "answers: {nameless} rows lack a respondent_id, task or item",
            nameless=nameless,
        )
    if not len(answers):
        raise NotEnoughData("conjoint.error_no_answer", "answers: the table is empty")

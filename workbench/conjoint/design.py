"""Which tasks to show: an efficient choice design, what it will tell, and the answers laid out for
analysis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.conjoint import findings
from workbench.errors import InputError, NotEnoughData, need_columns, unknown
from workbench.notes import Note
from workbench.regression import numbers
from workbench.results import Points, Result, analysis
from workbench.stats import choice_designs
from workbench.stats.choice_designs import effects_coding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from workbench.types import Table

PLACES = ("block", "task", "alternative")
NONE = "none"  # the alternative "none of these"


def choice_design(
    attributes: Mapping,
    *,
    tasks: int = 12,
    alternatives: int = 3,
    blocks: int = 1,
    prior: Mapping | None = None,
    fixed: Sequence = (),
    starts: int = 10,
    seed: int = 1,
) -> pd.DataFrame:
    """Find choice tasks that tell as much as possible about what people weigh (smallest D-error).

    From random starts, every cell is set to the level that makes the determinant of the expected
    information largest, until nothing improves; no task shows the same offer twice. With `prior`
    the tasks are also free of offers nobody would weigh.

    Parameters
    ----------
    attributes : dict
        Name → list of levels, at least two.
    tasks : int
        In all, spread evenly over the blocks.
    alternatives : int
        A task, at least two.
    blocks : int
        Groups of respondents that see different tasks.
    prior : dict, optional
        (attribute, level) → expected part-worth; the others count 0.
    fixed : list of dict, optional
        Offers that must not occur (attribute → level), for instance impossible ones.
    starts, seed : int

    Returns
    -------
    DataFrame
        block, task, alternative (1, 2, …) and a column an attribute; `.attrs["d_error"]` and
        `.attrs["attributes"]` say how good it is and what was asked.

    Raises
    ------
    InputError
        For an attribute with one level, an unknown level in `prior` or `fixed`, fewer than two
        alternatives, blocks that do not divide the tasks, too few tasks for the weights, or no
        tasks free of what is fixed.

    Source: Huber & Zwerina (1996), Journal of Marketing Research 33; coordinate exchange Meyer &
    Nachtsheim (1995), Technometrics 37.
    """
    import pandas as pd

    names, sizes = list(attributes), [len(v) for v in attributes.values()]
    short = [n for n, s in zip(names, sizes, strict=True) if s < 2 or len(set(attributes[n])) < s]
    if short:
        raise InputError(
            "conjoint.error_two_levels",
            "attributes: {short:text} needs at least two different levels",
            short=list(short),
        )
    weights = sum(sizes) - len(sizes)
    if alternatives < 2 or tasks % blocks or tasks * (alternatives - 1) < weights:
        raise InputError(
            "conjoint.error_design_size",
            "choice_design: at least two alternatives, blocks that divide the tasks "
            "and {least} tasks are needed for {weights} weights; found "
            "{alternatives} alternatives, {tasks} tasks, {blocks} blocks",
            least=-(-weights // max(alternatives - 1, 1)),
            weights=weights,
            alternatives=alternatives,
            tasks=tasks,
            blocks=blocks,
        )
    beta = np.concatenate([_prior(attributes, n, prior) for n in names])
    forbidden = _forbidden(attributes, fixed)
    rng = np.random.default_rng(seed)
    size = {"tasks": tasks, "alternatives": alternatives, "forbidden": forbidden, "rng": rng}
    best = min(
        (choice_designs.efficient(sizes, beta, **size) for _ in range(starts)),
        key=lambda design: design.d_error,
    )
    if not np.isfinite(best.d_error):
        raise InputError(
            "conjoint.error_design_none",
            "choice_design: no tasks were found without forbidden or repeated offers "
            "that tell all weights; forbid fewer offers, or show fewer a task",
        )
    order = rng.permutation(tasks)
    table = pd.DataFrame(
        {
            "block": np.repeat(np.arange(tasks) % blocks + 1, alternatives),
            "task": np.repeat(np.arange(tasks) // blocks + 1, alternatives),
            "alternative": np.tile(np.arange(alternatives) + 1, tasks),
        }
    )
    for i, name in enumerate(names):
        table[name] = [attributes[name][k] for k in best.cells[order, :, i].ravel()]
    table = table.sort_values(["block", "task", "alternative"], ignore_index=True)
    table.attrs.update(d_error=best.d_error, attributes={n: list(v) for n, v in attributes.items()})
    return table


def _forbidden(attributes, fixed):
    """Return the offers that must not occur by the numbers of attributes and levels; refuse one
    that names none of them.
    """
    names = list(attributes)
    for rule in fixed:
        for a, v in rule.items():
            if a not in attributes or v not in attributes[a]:
                known = [f"{n}: {level}" for n, levels in attributes.items() for level in levels]
                raise unknown("fixed", "level", f"{a}: {v}", known)
    return [{names.index(a): attributes[a].index(v) for a, v in rule.items()} for rule in fixed]


def _prior(attributes, name, prior):
    for key in prior or {}:
        if key[0] not in attributes:
            raise unknown("prior", "attribute", key[0], attributes)
        if key[0] == name and key[1] not in attributes[name]:
            raise unknown(f"prior: {name}", "level", key[1], attributes[name])
    given = np.array([float((prior or {}).get((name, level), 0)) for level in attributes[name]])
    return (given - given.mean())[:-1]


@engine.frames("design")
@analysis
def design_check(
    design: Table, *, respondents: int = 200, prior: Mapping | None = None, conf_level: float = 0.95
) -> Result:
    """How precise will the part-worths be, and how often is every level shown?

    Parameters
    ----------
    design : table of `choice_design`
    respondents : int
        How many will answer one block each.
    prior : dict, optional
        As in `choice_design`.

    Returns
    -------
    Result
        attribute, level, count (times shown in the design), n (offers in the design), estimate
        (expected standard error of the part-worth), and half_width (of the interval). No interval:
        it follows from the design.

    Raises InputError where the design does not carry its attributes.

    Source: as `choice_design`.
    """
    import pandas as pd

    attributes = _asked(design)
    sizes = [len(v) for v in attributes.values()]
    x = np.concatenate(
        [effects_coding(len(v))[[v.index(k) for k in design[n]]] for n, v in attributes.items()],
        axis=1,
    )
    beta = np.concatenate([_prior(attributes, n, prior) for n in attributes])
    m = choice_designs.information(x, beta, design.groupby(["block", "task"]).ngroup().to_numpy())
    if np.linalg.matrix_rank(m) < len(m):
        raise InputError(
            "conjoint.error_design_identified",
            "design_check: these tasks cannot tell all levels apart; ask for more "
            "tasks or fewer levels",
        )
    cov = np.linalg.inv(m * respondents / design["block"].nunique())
    rows = []
    for (name, levels), se in zip(
        attributes.items(), choice_designs.level_errors(cov, sizes), strict=True
    ):
        rows += [
            {
                "attribute": name,
                "level": str(v),
                "count": int((design[name] == v).sum()),
                "n": len(design),
                "estimate": se[i],
                "half_width": intervals.z(conf_level) * se[i],
            }
            for i, v in enumerate(levels)
        ]
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "conjoint.design_question",
            "How precise will the part-worths be with {n} respondents?",
            n=respondents,
        ),
        table=table,
        answer=findings.precision(table, respondents),
        method=findings.DESIGN_METHOD,
        unit="offers",
        n=len(design),
        conf_level=conf_level,
        limits=(
            Note(
                "conjoint.design_error",
                "D-error a task: {error:3}; lower is better, comparable only between "
                "designs of the same attributes.",
                error=design.attrs.get("d_error", np.nan),
            ),
            findings.DESIGN_LIMIT,
        ),
        chart=Points(
            label=["attribute", "level"],
            xlabel=findings.DESIGN_AXIS,
        ),
    )


def _asked(design):
    """Return the attributes of a design with their levels; refuse one that does not carry them."""
    if not len(design):
        raise NotEnoughData("conjoint.error_no_task", "design: the table is empty")
    asked = design.attrs.get("attributes") or {
        c: sorted(design[c].unique(), key=str) for c in _attributes(design)
    }
    need_columns("design", design.columns, *asked)
    for name, levels in asked.items():
        strange = [v for v in design[name].unique() if v not in levels]
        if strange:
            raise InputError(
                "conjoint.error_strange_level",
                "design: '{name}' holds {strange:repr}, which is none of its levels "
                "({levels:text})",
                name=name,
                strange=strange[0],
                levels=list(levels),
            )
    return asked


def _attributes(design):
    return [c for c in design.columns if c not in PLACES]


@engine.frames("design", "answers")
@analysis
def choices(design: Table, answers: Table, *, none: bool = False) -> pd.DataFrame:
    """Lay the answers to a design out as choices.

    Parameters
    ----------
    design : table of `choice_design`
    answers : table
        One row a respondent: respondent_id, block (where there are several) and one column a task,
        "task_1", "task_2", …, with the number of the offer chosen; 0 for none
        of these. Unanswered tasks are missing.
    none : bool
        Whether none of these could be chosen.

    Returns
    -------
    DataFrame
        choice_id, customer_id (the respondent), alternative, chosen, and the attributes;
        `.attrs["rejected"]` holds the answers that name no offer, with their reason.

    Raises InputError for missing columns or a block that is not in the design.
    """
    import pandas as pd

    if not len(design):
        raise NotEnoughData("conjoint.error_no_task", "design: the table is empty")
    numbers(design, "design", "task", "alternative")
    names, tasks = _attributes(design), [f"task_{k:g}" for k in sorted(design["task"].unique())]
    need_columns(
        "answers",
        answers.columns,
        "respondent_id",
        "block" if design["block"].nunique() > 1 else None,
        *tasks,
    )
    made = answers.assign(block=answers["block"] if "block" in answers else design["block"].iloc[0])
    strange = set(made["block"]) - set(design["block"])
    if strange:
        raise unknown(
            "answers", "block", sorted(strange, key=str)[0], sorted(design["block"].unique())
        )
    long = made.melt(["respondent_id", "block"], tasks, "task", "picked").dropna(subset=["picked"])
    long["task"] = long["task"].str[5:].astype(int)
    offers = set(design["alternative"]) | ({0} if none else set())
    bad = ~long["picked"].isin(offers)
    rejected = long[bad].assign(reason="no such offer")
    long = long[~bad].sort_values(["respondent_id", "task"], ignore_index=True)
    long["choice_id"] = np.arange(len(long))
    if none:
        extra = design.drop_duplicates(["block", "task"]).assign(alternative=0)
        extra[names] = None
        design = pd.concat([design, extra], ignore_index=True)
    table = long.merge(design, on=["block", "task"])
    table = table.assign(
        chosen=table["picked"] == table["alternative"],
        customer_id=table["respondent_id"],
        alternative=table["alternative"].map(lambda k: NONE if k == 0 else f"offer {k}"),
    )
    table = table.sort_values(["choice_id", "alternative"], ignore_index=True)[
        ["choice_id", "customer_id", "alternative", "chosen", *names]
    ]
    table.attrs.update(answers.attrs)
    table.attrs["rejected"] = rejected
    return table


@engine.frames("choices")
@analysis
def numeric_attributes(choices: Table, attributes: Sequence[str], *, levels: int = 12) -> list:
    """Return the attributes that are numbers with too many values for a part-worth each.

    Parameters: a table of choices; the names of its attributes; `levels`, the largest number of
    different values that still get a part-worth each. Returns a list of names, for `numeric=` of
    `part_worths`.
    """
    need_columns("choices", choices.columns, *attributes)
    return [
        name
        for name in attributes
        if choices[name].dtype.kind in "fi" and choices[name].nunique() > levels
    ]

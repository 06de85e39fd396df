"""The exercises of 10_buying_stages: the step to improve, and the rule to ask about."""

from workbench import display
from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("10_buying_stages")
check = exercises.check


def _names(code):
    """A code as it stands in the table and as it is shown."""
    return (code, display.word(code))


@exercises.add(
    1,
    first=(
        "*Hint.* Divide each count by the count of the step before. If half of those who are lost "
        "there reach the step after all, by which factor does the share grow, and for which step "
        "is that factor largest?"
    ),
    right=(
        "**Right.** Shares along a path are multiplied, so the weakest link counts most: halving "
        "its loss multiplies the last count by more than the same effort anywhere else. Whether "
        "the loss there *can* be halved at the same cost is another question, and often the harder "
        "one."
    ),
    otherwise=(
        "**Not yet.** Work out for each step the share that reaches it from the step before, and "
        "what becomes of that share when half of the loss is won back."
    ),
    hints={
        "number": (
            "**Not yet.** On the way to that step most customers are lost in number. What matters "
            "is the share that is lost: shares are multiplied along the path."
        ),
    },
)
def weakest_step(entry):
    """The step reached by the smallest share of those at the step before."""
    rows = entry.table[entry.table["entry"] == "entry_every"].reset_index(drop=True)
    before, count = rows["count"].shift(), rows["count"]
    share = (count / before.where(before > 0)).dropna()
    if share.empty or (share == share.min()).sum() > 1:
        return None
    step, most = rows["step"][share.idxmin()], rows["step"][(before - count).idxmax()]
    return Truth(_names(step), mistakes={} if most == step else {"number": _names(most)})


@exercises.add(
    2,
    first=(
        "*Hint.* Rows of the kind *one rule changed* have a `difference` to the first row. Signs "
        "do not matter here, sizes do."
    ),
    right=(
        "**Right.** That rule alone explains most. If the other department uses it, the two "
        "figures may agree after all; if not, the difference has another cause. Defaults of tools "
        "change several rules at once, so their rows cannot tell you which."
    ),
    otherwise=(
        "**Not yet.** Look only at rows in which one rule was changed, and take the largest "
        "`difference`, whatever its sign."
    ),
    hints={
        "tool": (
            "**Not yet.** That is a tool, and a tool changes several rules at once. Which one of "
            "them makes the difference, its row cannot say."
        ),
    },
)
def furthest_rule(tools):
    """The rule that, changed alone, moves the share furthest."""
    size = tools.table.set_index("definition")["difference"].abs()
    kind = tools.table.set_index("definition")["kind"]
    rules = size[(kind == "one_rule").to_numpy()].dropna()
    if rules.empty or not rules.max() > 0 or (rules == rules.max()).sum() > 1:
        return None
    other = size[(kind == "tool").to_numpy()].idxmax()
    return Truth(_names(rules.idxmax()), mistakes={"tool": _names(other)})

"""What tracking shows beside what was planted."""

from dataclasses import replace

from workbench.notes import Note
from workbench.results import analysis


@analysis
def beside_truth(seen, true):
    """Set the shares read from tracked events beside those by the true stages.

    Takes two Results with one row a stage, such as those of `stages.reach`; returns the first with
    a column truth, the estimate of the second.
    """
    planted = true.table.set_index("stage")["estimate"]
    table = seen.table.assign(truth=seen.table["stage"].map(planted))
    gaps = (table["estimate"] - table["truth"]).abs()
    return replace(
        seen,
        question=Note(
            "simulate.truth_question", "How far is what tracking shows from what took place?"
        ),
        table=table,
        simulated=False,  # the mark is set anew, with the question
        answer=_largest_gap(table.loc[gaps.idxmax()]) if gaps.notna().any() else seen.answer,
        chart=replace(seen.chart, beside="truth"),
    )


def _largest_gap(row):
    return Note(
        "simulate.truth_answer",
        "The gap is largest at {stage:word}: {share:%} of occasions reached it by the tracked "
        "events ({low:%} to {high:%}; {count} of {n}), {truth:%} in truth.",
        stage=row["stage"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
        truth=row["truth"],
    )

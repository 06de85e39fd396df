"""Exercises on coded interviews: right in several notations, mistakes recognised."""

from test_exercises import FOLDER, verdict

from workbench import interviews
from workbench.reports import exercises
from workbench.simulate import coding

SAID = exercises.module(FOLDER, "coded").exercises
CODES = coding.interviews(24, seed=2).codes


def test_agreement_in_per_cent_is_no_alpha():
    alike = interviews.agreement(CODES, draws=60)
    rows = alike.table.set_index(["measure", "code"])["estimate"]
    code = rows["alpha"].drop("all").idxmin()
    assert verdict(SAID, 1, rows["alpha", code], alike) == "right"
    assert verdict(SAID, 1, rows["percent_agreement", code], alike) == "percent"
    assert verdict(SAID, 1, rows["alpha", "all"], alike) == "all"


def test_the_lower_end_is_what_few_people_allow():
    mentioned = interviews.frequency(CODES, agreed="most")
    row = mentioned.table.iloc[0]
    assert verdict(SAID, 2, f"{100 * row['conf_low']:.1f} %", mentioned) == "right"
    assert verdict(SAID, 2, row["estimate"], mentioned) == "estimate"

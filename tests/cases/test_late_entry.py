"""Durations that came under observation after their beginning: by hand, beside an independent
library, by law and by recovery.
"""

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from workbench import retention, survival
from workbench.errors import InputError, NotEnoughData

STAYS = pd.DataFrame({"days": [3, 5, 6, 6, 4], "ended": [1, 1, 1, 0, 1], "entry": [0, 2, 4, 0, 1]})


def late(seed, n=400):
    """Durations in months, entered at random ages, two groups alike."""
    rng = np.random.default_rng(seed)
    entry = rng.exponential(5, n).round()
    time = entry + rng.exponential(10, n).round() + 1
    return time, rng.integers(0, 2, n), entry, rng.integers(0, 2, n)


def test_risk_sets_hold_who_has_entered():
    """Folder late-entry: at 3 four are at risk, then 3, 3, 2."""
    made = retention.survival_curves(STAYS, entry="entry").table
    assert made["n"].tolist() == [4, 3, 3, 2]
    assert made["estimate"].tolist() == pytest.approx([3 / 4, 1 / 2, 1 / 3, 1 / 6])
    plain = retention.survival_curves(STAYS).table
    assert plain["estimate"].tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2])


def test_curves_and_log_rank_are_those_of_another_library():
    """Curve, Greenwood's error and the log-rank test as statsmodels has them."""
    time, ended, entry, group = late(1)
    theirs = SurvfuncRight(time, ended, entry=entry)
    ours = survival.kaplan_meier(time, ended, entry=entry)
    ours = ours[ours["count"] > 0]
    assert ours["estimate"].to_numpy() == pytest.approx(theirs.surv_prob, abs=1e-12)
    errors = theirs.surv_prob_se[theirs.surv_prob > 0]
    assert ours["std_error"].to_numpy()[: len(errors)] == pytest.approx(errors, abs=1e-12)
    statistic, p = survdiff(time, ended, group, entry=entry)
    mine = survival.log_rank(time, ended, group, entry=entry)
    assert (mine[0], mine[2]) == pytest.approx((statistic, p))


def test_customers_of_one_duration_and_entry_at_nought_change_little():
    """With one duration a customer the error over customers is Greenwood's; entry at 0 is none."""
    time, ended, entry, group = late(2)
    who = np.arange(len(time))
    rows = survival.kaplan_meier(time, ended, entry=entry)
    mine = survival.kaplan_meier(time, ended, entry=entry, customer=who)
    few = rows["at_risk"] > 20
    assert mine["std_error"][few].to_numpy() == pytest.approx(
        rows["std_error"][few].to_numpy(), rel=0.05, nan_ok=True
    )
    none = survival.kaplan_meier(time, ended, entry=np.zeros(len(time)))
    pd.testing.assert_frame_equal(none, survival.kaplan_meier(time, ended))
    both = [
        survival.log_rank(time, ended, group, entry=e, customer=np.r_[who[:-1], 0])
        for e in (None, np.zeros(len(time)))
    ]
    assert both[0] == pytest.approx(both[1])


def test_who_ended_before_entry_is_left_out_and_said():
    """Never under observation: no risk set holds it."""
    more = pd.concat([STAYS, pd.DataFrame({"days": [2], "ended": [1], "entry": [2]})])
    made = retention.survival_curves(more, entry="entry")
    assert made.table["n"].tolist() == [4, 3, 3, 2]
    assert {"retention.entry_after_end", "retention.late_entry"} <= {n.id for n in made.limits}
    with pytest.raises(InputError, match="or more"):
        retention.survival_curves(STAYS.assign(entry=-1), entry="entry")
    with pytest.raises(NotEnoughData):
        retention.survival_curves(STAYS.assign(entry=9), entry="entry")


def test_the_planted_curve_is_found_though_the_early_ended_are_missing():
    """Half of all lives last beyond 7 (exponential, mean 10); without entry it looks longer."""
    rng = np.random.default_rng(3)
    life, entry = rng.exponential(10, 6000), rng.uniform(0, 15, 6000)
    seen = entry < life
    time, begun = life[seen], entry[seen]
    ended = np.ones(len(time))
    known = survival.quantile(survival.kaplan_meier(time, ended, entry=begun), 0.5)
    assert known[1] < 10 * np.log(2) < known[2]
    naive = survival.quantile(survival.kaplan_meier(time, ended), 0.5)
    assert naive[1] > 10 * np.log(2)


def test_start_stop_rows_in_a_cox_regression():
    """Durations cut in two are the durations; the folder's table counts who has entered."""
    rng = np.random.default_rng(8)
    time, ended, entry, group = late(8)
    table = pd.DataFrame({"days": time, "ended": ended, "entry": entry, "x": group, "who": "c"})
    table["who"] += np.arange(len(table)).astype(str)
    whole = retention.cox(table, ["x"], time=("entry", "days"), cluster="who")
    cut = entry + np.maximum(1, np.floor((time - entry) * rng.uniform(size=len(time))))
    two = cut < time
    first = table.assign(days=np.where(two, cut, time), ended=np.where(two, 0, ended))
    rest = table[two].assign(entry=cut[two])
    rows = pd.concat([first, rest]).sample(frac=1, random_state=1)
    made = retention.cox(rows, ["x"], time=("entry", "days"), cluster="who")
    for name in ("estimate", "std_error", "p_value"):
        assert made.table[name].iloc[0] == pytest.approx(whole.table[name].iloc[0], rel=1e-6)
    assert any(note.id == "retention.late_entry" for note in made.limits)
    plain = retention.cox(table, ["x"]).table["estimate"].iloc[0]
    zero = table.assign(entry=0.0)
    assert retention.cox(zero, ["x"], time=("entry", "days")).table["estimate"].iloc[
        0
    ] == pytest.approx(plain)
    firth = retention.cox(table, ["x"], time=("entry", "days"), penalty="firth")
    assert firth.table["estimate"].iloc[0] == pytest.approx(
        whole.table["estimate"].iloc[0], abs=0.02
    )

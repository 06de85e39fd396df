"""Exercises on service: right in several notations, mistakes recognised."""

from test_exercises import FOLDER, verdict

from workbench import service
from workbench.reports import exercises
from workbench.simulate import desk

SAID = exercises.module(FOLDER, "service").exercises


def test_a_level_without_the_convention():
    failed = service.defects(desk.desk(800, seed=2).tickets, by="channel")
    level = failed.table.loc[failed.table["chance"] == "all", "sigma"].min()
    assert verdict(SAID, 1, level - 1.5, failed, 1.5) == "right"
    assert verdict(SAID, 1, f"{level - 1.5:.2f}".replace(".", ","), failed, 1.5) == "right"
    assert verdict(SAID, 1, level, failed, 1.5) == "convention"
    assert verdict(SAID, 1, 9, failed, 1.5) == "other"


def test_a_rise_is_not_a_gain():
    made = desk.desk(800, seed=2)
    loop = service.closed_loop(made.surveys, made.followups)
    rows = loop.table.set_index(["measure", "group"])["estimate"]
    assert verdict(SAID, 2, rows["gain_of_contact", "contacted_less_not"], loop) == "right"
    assert verdict(SAID, 2, rows["change", "contacted"], loop) == "rise"

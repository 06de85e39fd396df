"""The stages' names, the frameworks, and which stage an event belongs to."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import log, same

from workbench import simulate, stages
from workbench.display import languages, speaking, word
from workbench.errors import InputError


def test_fine_to_coarse_works_and_coarse_to_fine_refuses():
    """Intent joins purchase in three stages; a consideration cannot be split again."""
    assert stages.relabel(["need", "intent", None, "post_purchase"], "three_stages") == [
        "first_awareness",
        "decision",
        None,
        None,
    ]
    assert stages.relabel(["intention", "purchase"], "three_stages", of="intent_stages") == [
        "decision",
        "decision",
    ]
    for values, to, of in (
        (["consideration"], "five_stages", "three_stages"),
        (["decision"], "canonical", "customer_journey"),
        (["loyalty_stage"], "path_to_purchase", "customer_journey"),
    ):
        with pytest.raises(InputError, match="invent detail"):
            stages.relabel(values, to, of=of)
    with pytest.raises(InputError, match="stage of 'canonical'"):
        stages.relabel(["lurking"], "verbs")
    with pytest.raises(InputError, match="framework"):
        stages.relabel(["need"], "funnel")


def test_ids_are_the_same_in_both_languages():
    """A stage has one id; how it is shown is the business of the language."""
    with speaking("nl"):
        assert stages.relabel(["need", "search"], "five_stages") == [
            "problem_recognition",
            "information_search",
        ]
        assert stages.crosswalk().set_index("stage").loc["purchase", "verbs"] == "buy"
        assert [word(s) for s in ("buy", "post_purchase")] == ["kopen", "evaluatie na aankoop"]


def test_every_stage_has_a_name_in_both_languages():
    """Canonical stages, the stages of frameworks and the frameworks themselves."""
    tax = stages.taxonomy()
    ids = {id for name in tax.frameworks for id, _ in tax.framework(name)} | set(tax.stages)
    for language in ("en", "nl"):
        for id in ids | set(tax.frameworks):
            assert languages.entry(language, "word", id), (language, id)


def test_the_crosswalk_holds_every_framework_of_the_sources():
    """Nine canonical stages, seven frameworks; search and evaluation are one in four of them."""
    table = stages.crosswalk().set_index("stage")
    assert table.shape == (9, 7)
    joined = (table.loc["search"] == table.loc["evaluation"]).sum()
    assert joined == 4 and (table.loc["intent"] == table.loc["purchase"]).sum() == 5
    tax = stages.taxonomy()
    assert [s for s in tax.stages if tax.ranks[s] is None] == [
        "post_purchase",
        "retention",
        "advocacy",
    ], "a loop, no later ranks"


def assigned(rows, **options):
    """Stage by row of a small log with pages."""
    events = pd.DataFrame(rows, columns=["customer_id", "minute", "event", "page"])
    events["occurred_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        events.pop("minute"), unit="min"
    )
    return stages.assign(events, **options)


def test_rules_by_event_page_and_place():
    """The second product view is evaluation, a long look too; pages speak where events do not; a
    buyer's newsletter is retention.
    """
    out = assigned(
        [
            ("a", 0, "home_view", "/"),
            ("a", 1, "product_view", "/p/1"),
            ("a", 1.1, "product_view", "/p/2"),
            ("a", 2, "page_view", "/guides/x"),
            ("a", 3, "newsletter_click", "/news"),
            ("a", 4, "order", "/checkout/thanks"),
            ("a", 5, "product_view", "/p/1"),
            ("a", 5.1, "page_view", "/unknown"),
            ("a", 6, "newsletter_click", "/news"),
            ("a", 100, "home_view", "/"),
            ("b", 0, "product_view", "/p/1"),
            ("b", 1, "page_view", "/cart"),
        ]
    )
    mine = out[out["customer_id"] == "a"]["stage"].tolist()
    assert mine[:5] == ["need", "search", "evaluation", "search", "awareness"]
    assert mine[5] == "purchase" and mine[6] == "search", "a new episode counts views anew"
    assert mine[7] is None or pd.isna(mine[7])
    assert mine[8:] == ["retention", "search"]
    assert out[out["customer_id"] == "b"]["stage"].tolist() == [
        "evaluation",
        "intent",
    ], "60 seconds on the product"
    assert (
        out.loc[
            (out["customer_id"] == "a") & (out["event"] == "home_view"), "alternative"
        ].tolist()[0]
        == "search"
    )


def test_broken_rules_are_named(tmp_path):
    """An unknown stage, an unknown condition, a rule that fits everything."""
    head = "stages:\n  - {id: need, rank: 1}\nrules:\n"
    for i, (rule, said) in enumerate(
        (
            ("{stage: ned, events: [a]}", "Did you mean 'need'"),
            ("{stage: need, evnts: [a]}", "condition"),
            ("{stage: need}", "fit everything"),
        )
    ):
        file = tmp_path / f"r{i}.yml"
        file.write_text(head + f"  - {rule}\n")
        with pytest.raises(InputError, match=said):
            stages.taxonomy(file)


def test_quality_against_labels_by_hand():
    """Ten events, eight right: kappa as Cohen's formula has it; a stage's sensitivity is its own
    share.
    """
    labels = ["need"] * 5 + ["search"] * 5
    said = ["need"] * 4 + ["search"] * 5 + ["need"]
    table = pd.DataFrame({"customer_id": range(10), "stage": said, "label": labels})
    found = stages.mapping_quality(table, label="label").table.set_index(["measure", "stage"])[
        "estimate"
    ]
    assert found["agreement", "all_stages"] == pytest.approx(0.8)
    assert found["kappa", "all_stages"] == pytest.approx((0.8 - 0.5) / 0.5)
    assert found["sensitivity", "need"] == pytest.approx(0.8)
    assert found["specificity", "need"] == pytest.approx(0.8)
    made = stages.mapping_quality(table.assign(stage=[None] * 3 + said[3:]))
    assert made.table["estimate"][0] == pytest.approx(0.7)
    assert any("under 80" in str(s) for s in made.limits)


def test_the_rules_know_the_simulated_market():
    """Against the true stage of 30,000 events: agreement above three quarters, and checkout never
    mistaken.
    """
    market = simulate.market(1000, seed=8)
    truth = market.truth["events"]
    truth = truth[truth["tracked"]].reset_index(drop=True)
    out = stages.assign(market["events"])
    pd.testing.assert_series_equal(out["occurred_at"], truth["occurred_at"], check_names=False)
    found = stages.mapping_quality(out.assign(label=truth["stage"]), label="label").table.set_index(
        ["measure", "stage"]
    )["estimate"]
    assert found["agreement", "all_stages"] > 0.75
    assert found["sensitivity", "intent"] == 1
    assert found["specificity", "purchase"] == 1


def test_both_engines_agree(to_spark):
    """The same stages from DuckDB and Spark."""
    events = log(
        [("a", h, e) for h, e in enumerate("pqprpp")] + [("b", h, e) for h, e in enumerate("pppr")]
    ).assign(page="/x")
    rules = str(Path(__file__).parent / "data" / "rules.yml")
    same(
        stages.assign(to_spark(events), rules=rules, order="r"),
        stages.assign(events, rules=rules, order="r"),
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "stages, rules"),
        ("- need\n- search", "stages, rules"),
        ("stages: {need: 1}\nrules: []", "stages must"),
        ("stages: [need, search]\nrules: []", "stages must"),
        ("stages: [{id: need, en: Need, nl: Behoefte}]\nrules: []", "stages must"),
        ("stages: [{id: need, rank: 1}]\nframeworks: {short: {all: [need]}}\nrules: []", "frame"),
        ("stages: [{id: need, rank: 1}]\nframeworks: {short: [need]}\nrules: []", "frameworks"),
        (
            "stages: [{id: need, rank: 1}]\nframeworks: {a: [{id: b, of: need}]}\nrules: []",
            "frameworks",
        ),
        ("stages: [{id: need, rank: 1}]\nrules: {need: [site_search]}", "rules must"),
        ("stages: [{id: need, rank: 1}]\nrules: [site_search]", "rules must"),
        ("stages: [: {", "YAML"),
    ],
)
def test_a_taxonomy_of_another_shape_is_named(tmp_path, text, part):
    """An old form, or anything else that is none: one sentence, in both languages."""
    path = tmp_path / "mine.yml"
    path.write_text(text)
    with pytest.raises(InputError, match=part) as caught:
        stages.taxonomy(path)
    assert str(path) in str(caught.value)
    with speaking("nl"):
        assert "taxonomie" in str(caught.value)


def test_a_taxonomy_without_frameworks_is_whole(tmp_path):
    """Frameworks may be left out, or empty."""
    path = tmp_path / "mine.yml"
    path.write_text("stages: [{id: need, rank: 1}]\nframeworks:\nrules: []")
    assert stages.taxonomy(path).stages == ("need",)

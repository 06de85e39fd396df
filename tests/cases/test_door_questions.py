"""What was asked stands beside what was answered: labels, and rows below the header."""

import pandas as pd
import pytest
from door_helpers import accounted, loaded, noticed, reasons, written

from workbench import load
from workbench.errors import InputError
from workbench.load.guessing import guess
from workbench.load.yaml_text import parse

COLUMNS = {"response_id": "ResponseId", "respondent_id": "ResponseId", "answered_at": "EndDate"}
QUALTRICS = """ResponseId,EndDate,Q1,Q2_1,Q3_TEXT
Response ID,End Date,"How likely, from 0 to 10?",The shop – Price,"Why?
In your own words"
"{""ImportId"":""_recordId""}","{""ImportId"":""endDate"",""timeZone"":""Z""}",{},{},{}
R_1,2025-02-03 09:15:00,10,4,because the people were so friendly
R_2,2025-02-04 09:15:00,3,2,
"""
UNPIVOT = {"columns": ["Q1", "Q2_1", "Q3_TEXT"], "texts": True, "question_row": 1}


def told(**unpivot):
    """The mapping of a survey whose third row is no answer either."""
    rule = {"column": "ResponseId", "starts_with": "{", "reason": "header row"}
    return {
        "table": "surveys",
        "zone": "UTC",
        "unpivot": {**UNPIVOT, **unpivot},
        "columns": COLUMNS,
        "reject": [rule],
    }


def asked(table):
    """The text of the question of each item."""
    return table.set_index("item")["question_text"].to_dict()


def test_a_row_below_the_header_holds_the_questions(tmp_path):
    """It is no answer, and open answers have their question too."""
    found = loaded(tmp_path, QUALTRICS, told())
    assert asked(found["surveys"]) == {
        "Q1": "How likely, from 0 to 10?",
        "Q2_1": "The shop – Price",
    }
    assert found["texts"]["question_text"].tolist() == ["Why?\nIn your own words"]
    assert len(found["surveys"]) == 4 and accounted(found)
    assert "question_row" in noticed(found)
    assert reasons(found) == {"header row": 2}


def test_every_file_of_a_folder_has_its_own_row(tmp_path):
    """Two waves of one survey."""
    written(tmp_path, QUALTRICS, "a.csv")
    written(tmp_path, QUALTRICS.replace("R_", "S_"), "b.csv")
    found = load.file(tmp_path, told())
    assert len(found["surveys"]) == 8 and len(found["texts"]) == 2
    assert found["surveys"]["question_text"].notna().all()


def test_a_row_that_is_not_there_is_said(tmp_path):
    """And a mapping that asks for texts no file knows gets none, not an error."""
    with pytest.raises(InputError, match="no row 9 below the header"):
        loaded(tmp_path, QUALTRICS, told(question_row=9))
    plain = told()
    del plain["unpivot"]["question_row"], plain["unpivot"]["texts"]
    text = "".join(QUALTRICS.splitlines(keepends=True)[:1]) + "R_1,2025-02-03 09:15:00,10,4,\n"
    found = loaded(tmp_path, text, plain, name="b.csv")
    assert "question_text" not in found["surveys"]
    plain["columns"] = {**COLUMNS, "question_text": "question_text"}
    found = loaded(tmp_path, text, plain, name="b.csv")
    assert found["surveys"]["question_text"].isna().all()


def test_labels_of_statistics_programs_are_questions(tmp_path):
    """Those of a variable; one without has no text."""
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = pd.DataFrame({"ResponseId": ["a", "b"], "Q1": [1.0, 2.0], "Q2_1": [3.0, 4.0]})
    frame.insert(1, "EndDate", pd.to_datetime(["2025-02-03", "2025-02-04"]))
    labels = ["", "", "How was the price?", ""]
    for name, write in (("f.sav", pyreadstat.write_sav), ("f.dta", pyreadstat.write_dta)):
        write(frame, str(tmp_path / name), column_labels=labels)
        mapping = {**told(), "unpivot": {"columns": ["Q1", "Q2_1"]}, "reject": []}
        found = load.file(tmp_path / name, mapping)["surveys"]
        texts = found.drop_duplicates("item").set_index("item")["question_text"]
        assert texts["Q1"] == "How was the price?" and pd.isna(texts["Q2_1"])


MONKEY = [
    ["Respondent ID", "Collector ID", "Date Modified", "Email Address"]
    + ["How satisfied are you with us?", "Please rate the following:", "", "", "Anything else?"],
    ["", "", "", "", "Response", "Price", "Service", "Range", "Open-Ended Response"],
    *(
        [1000 + i, 77, f"02/{i + 10}/2025 10:15:00 AM", f"p{i}@example.org", i % 5 + 1]
        + [5 - i % 5, i % 3 + 1, i % 4 + 1, f"word {i} and some more of them" if i % 2 else ""]
        for i in range(12)
    ),
]


@pytest.mark.parametrize("way", ["a.csv", "a.xlsx", "last.xlsx"])
def test_parts_of_a_question_have_columns_without_a_name(tmp_path, way):
    """As SurveyMonkey writes them; none is lost, the last neither."""
    rows = [row[:8] for row in MONKEY] if way == "last.xlsx" else MONKEY
    frame = pd.DataFrame(rows)
    if way == "a.csv":
        frame.to_csv(tmp_path / way, header=False, index=False)
    else:
        frame.to_excel(tmp_path / way, header=False, index=False)
    (draft,) = guess(tmp_path / way)
    draft.answer(zone="UTC")
    found = load.file(tmp_path / way, parse(draft.text()))
    texts = found["surveys"].drop_duplicates("item").set_index("item")["question_text"].to_dict()
    assert texts == {
        "How satisfied are you with us?": "How satisfied are you with us?",
        "Please rate the following:": "Please rate the following: – Price",
        "unnamed_7": "Please rate the following: – Service",
        "unnamed_8": "Please rate the following: – Range",
    }
    assert len(found["surveys"]) == 48 and draft.questions == 0
    if way != "last.xlsx":
        assert found["texts"]["question_text"].unique().tolist() == ["Anything else?"]


def test_a_mapping_is_read_as_people_write_it(tmp_path):
    """The row by its number; anything else is said on a line."""
    for wrong in (0, "first", True):
        with pytest.raises(InputError, match="question_row"):
            loaded(tmp_path, QUALTRICS, told(question_row=wrong))

"""Every canonical table has a worked mapping, and the file it describes loads through it."""

import pytest

from workbench import load, project, schemas

FILES = {
    "usage": (
        "account,month,logins,module,gigabytes\n"
        "A1,2024-01-01,12,reports,1.5\n"
        "A1,2024-02-01,9,reports,1.25\n"
        "A2,2024-01-01,0,export,0\n"
    ),
    "tickets": (
        "nr,customer,opened,first_reply,closed,via,topic,messages,escalated\n"
        "1,A1,2024-01-03 09:00,2024-01-03 10:30,2024-01-04 12:00,mail,delivery,3,no\n"
        "2,A2,2024-01-05 14:00,2024-01-05 14:05,,phone,invoice,1,yes\n"
    ),
    "referrals": (
        "sent_by,sent_on,friend,joined_on,first_order,reward\n"
        "A1,2024-01-03,B1,2024-01-10,o77,10\n"
        "A1,2024-01-04,B2,,,\n"
    ),
    "codes": (
        "interview,line,coder,code,phase\n"
        "i1,1,ann,price,evaluation\n"
        "i1,1,bob,price,evaluation\n"
        "i1,2,ann,trust,\n"
    ),
    "tracker": (
        "person,quarter,brand,question,answer,weight\n"
        "p1,2024Q1,Alfa,aided awareness,1,0.9\n"
        "p1,2024Q1,Beta,aided awareness,0,0.9\n"
        "p2,2024Q1,Alfa,consideration,1,1.1\n"
    ),
    "programme": (
        "customer,card,since,level,earned,spent\n"
        "A1,plus,2023-05-01,gold,1200,300\n"
        "A2,plus,2024-01-15,,80,0\n"
    ),
    "invitations": (
        "customer,mailed,survey,answer,answered,via,about\n"
        "A1,2024-02-01 08:00,nps,r1,2024-02-02 20:15,mail,delivery\n"
        "A2,2024-02-01 08:00,nps,,,mail,delivery\n"
        "A3,2024-02-03 08:00,nps,r2,2024-02-03 08:20,phone,invoice\n"
    ),
    "costs": (
        "campaign,day,spend,ad,network,impressions,clicks\n"
        "spring,2024-03-01,120.50,a1,search,9000,310\n"
        "spring,2024-03-02,98,a1,search,7600,255\n"
    ),
    "panels": (
        "household,trip,category,brand,units,paid,shop,weight\n"
        "h1,2024-01-02 17:20,coffee,Alfa,2,9.98,north,1.1\n"
        "h1,2024-01-09 18:05,coffee,Beta,1,4.49,south,1.1\n"
        "h2,2024-01-03 11:00,coffee,Alfa,1,4.99,north,0.8\n"
    ),
}
EXAMPLES = project.root() / "data" / "mappings"


@pytest.mark.parametrize("table", FILES)
def test_the_example_of_a_table_loads_a_file(table, tmp_path):
    """Every row is kept, every column has the kind its schema says, and the header is the one that
    the example shows.
    """
    path = tmp_path / "file.csv"
    path.write_text(FILES[table])
    example = EXAMPLES / f"{table}.yml"
    assert FILES[table].splitlines()[0] in example.read_text()
    loaded = load.file(path, example)
    rows = loaded[table]
    assert loaded.report.rows_in == loaded.report.rows_kept == len(rows)
    known = schemas.columns(table)
    kinds = {"key": "str", "word": "str", "number": "float64", "flag": "boolean"}
    for name in rows:
        kind = known[name].kind
        found = str(rows[name].dtype)
        assert found.startswith("datetime64") if kind == "time" else found == kinds[kind], name
    assert {n for n, c in known.items() if c.required} <= set(rows)


@pytest.mark.parametrize("table", FILES)
def test_a_row_without_what_is_needed_is_refused(table, tmp_path):
    """Each required column emptied in the first row: that row, and no other, is refused by name."""
    header, first, *rest = FILES[table].splitlines()
    mapping = load.read_mapping(EXAMPLES / f"{table}.yml")
    for column in [n for n, c in schemas.columns(table).items() if c.required]:
        place = header.split(",").index(str(mapping["columns"][column]))
        cells = first.split(",")
        cells[place] = ""
        path = tmp_path / f"{column}.csv"
        path.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
        report = load.file(path, mapping).report
        assert report.rows_in - report.rows_kept == 1, column

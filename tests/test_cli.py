"""The command: what it prints and how it ends."""

import pytest

from workbench import project
from workbench.cli import ACTS, main


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    """Run in the project's folder."""
    monkeypatch.chdir(project.root())


def test_check_prints_the_report_and_both_rates(tmp_path, capsys):
    """Rows in, kept, refused by reason; the ever-repeat share with R-01 beside it; refused rows
    written aside.
    """
    aside = tmp_path / "aside.csv"
    code = main(
        [
            "check",
            "data/samples/sample_shop.csv",
            "--mapping",
            "data/mappings/sample_shop.yml",
            "--rejected",
            str(aside),
        ]
    )
    out = capsys.readouterr().out
    assert code == 0
    assert "Rows read: 369. Kept: 333. Refused: 36." in out
    assert "20  no customer" in out
    assert "ever repeat" in out
    assert "first to second" in out
    assert len(aside.read_text().splitlines()) == 37


def test_check_speaks_dutch_and_drops_duplicates(tmp_path, capsys):
    """Options overrule the mapping."""
    code = main(
        [
            "check",
            "data/samples/sample_shop.csv",
            "--mapping",
            "data/mappings/sample_shop.yml",
            "--language",
            "nl",
            "--duplicates",
            "drop",
            "--rejected",
            str(tmp_path / "a.csv"),
        ]
    )
    assert code == 0 and "Exact dubbele regels: 4, geweigerd." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "nowhere.csv", "--mapping", "data/mappings/sample_shop.yml"], "no such file"),
        (["check", "data", "--mapping", "data/mappings/sample_shop.yml"], "directory"),
        (["check", "data/samples/sample_shop.csv", "--mapping", "nowhere.yml"], "no such mapping"),
        (["run", "31_retention", "--quiet"], "Did you mean '30_retention'"),
        (["run", "30_retention", "--quiet", "-p", "seed"], "NAME=VALUE"),
        (["run", "30_retention", "--quiet", "-p", "sead=3"], "Did you mean 'seed'"),
        (["params", "nothing"], "no notebook"),
    ],
)
def test_mistakes_end_with_two_and_one_line(words, message, capsys):
    """A clear line on the error channel, no traceback."""
    assert main(words) == 2
    err = capsys.readouterr().err
    assert message in err and err.startswith("workbench: ") and "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "nowhere.csv", "--mapping", "nowhere.yml"], "dit mappingbestand bestaat niet"),
        (["check", "data", "--mapping", "data/mappings/sample_shop.yml"], "dit is een map"),
        (["open", "99_nothing"], "geen notebook met de naam"),
    ],
)
def test_mistakes_are_told_in_dutch(words, message, capsys):
    """`--language nl` holds for what goes wrong too, and only for this one command."""
    assert main([*words, "--language", "nl"]) == 2
    assert message in capsys.readouterr().err
    assert main(words) == 2
    assert message not in capsys.readouterr().err


def test_a_dutch_report_is_asked_for_in_dutch(capsys):
    """The language of a report is that of the messages about it."""
    assert main(["run", "30_retention", "--quiet", "-p", "language=nl", "-p", "sead=3"]) == 2
    assert "geen parameter met de naam 'sead'. Bedoel je 'seed'?" in capsys.readouterr().err


def test_list_and_params(capsys):
    """Every notebook, every parameter with its type, default and comment."""
    assert main(["list"]) == 0 and main(["params", "30_retention"]) == 0
    out = capsys.readouterr().out
    assert "10_buying_stages" in out
    assert "one of 'en', 'nl'" in out
    assert "time zone in which days are cut" in out


@pytest.mark.parametrize(
    ("words", "english", "dutch"),
    [
        (["run"], "arguments are required", "verplicht en niet opgegeven"),
        (["check", "x", "--mapping"], "expected one argument", "hoort één waarde bij"),
        (["bogus"], "invalid choice: 'bogus'", "ongeldige keuze: 'bogus'"),
        (["list", "--bogus"], "unrecognized arguments", "onbekende argumenten"),
        (["run", "x", "--jobs", "two"], "a whole number of at least", "een geheel getal van"),
        (["run", "x", "--as-of", "noon"], "a date such as 2026-11-23", "een datum zoals"),
        (["schedule", "--as-of", "x"], "a moment such as", "een moment zoals"),
    ],
)
def test_a_wrong_command_is_told_in_the_language_asked_for(words, english, dutch, capsys):
    """Before or after the verb, what argparse says of itself too; for this command only."""
    for asked in ([], ["--language", "nl"], ["--language=nl"]):
        for line in ([*asked, *words], [*words, *asked] if words[-1] != "--mapping" else words):
            with pytest.raises(SystemExit) as ended:
                main(line)
            err = capsys.readouterr().err
            spoken = dutch if asked and (line[0] == asked[0] or line[-1] == asked[-1]) else english
            assert ended.value.code == 2 and spoken in err, (line, err)
            assert ("fout:" in err) == (spoken == dutch) and "Traceback" not in err


@pytest.mark.parametrize("verb", [None, *ACTS])
def test_help_is_dutch_when_dutch_is_asked_for(verb, capsys):
    """Every explanation of every verb; nothing of it is English."""
    line = [verb] if verb else []
    shown = {}
    for language in ("en", "nl"):
        with pytest.raises(SystemExit) as ended:
            main([*line, "--language", language, "--help"])
        assert ended.value.code == 0
        shown[language] = capsys.readouterr().out
    dutch, english = shown["nl"], shown["en"]
    assert dutch.startswith("gebruik: workbench") and english.startswith("usage: workbench")
    assert "deze hulp tonen" in dutch and "{languages" not in dutch
    for word in ("show ", "options:", "positional", " the ", "default", "how many"):
        assert word not in dutch, (word, dutch)


def test_a_language_that_is_not_known_is_refused(capsys):
    """In the language in use."""
    with pytest.raises(SystemExit):
        main(["list", "--language", "de"])
    assert "invalid choice: 'de'" in capsys.readouterr().err

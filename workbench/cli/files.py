"""`workbench guess` and `check`: a mapping for a file of one's own, and what it holds."""

import os
from pathlib import Path

from workbench.cli import insights
from workbench.cli.notebooks import given_parameters
from workbench.cli.says import BAD_INPUT, DONE, say
from workbench.errors import InputError
from workbench.notes import Note

ASK = "# ? "
_WRITTEN = Note("cli.written", "{path:text}: {layout}", path="", layout="")
_OPEN = Note("cli.open_question", "  line {line}: {question:text}", line=0, question="")
_NEXT = Note(
    "cli.next", "Look at it: workbench check {file:text} --mapping {path:text}", file="", path=""
)


def _check(options):
    from workbench import load, project
    from workbench.load.preflight import Look
    from workbench.reports import readiness
    from workbench.reports.run import find

    mapping = load.read_mapping(options.mapping)
    if options.duplicates:
        mapping["duplicates"] = options.duplicates
    given = given_parameters(options.parameter)
    notebook = find(options.notebook) if options.notebook else None
    paths = [project.path(file) for file in options.file]
    # The files of a mapping that names several are one table.
    paths = paths[:1] if mapping.get("files") else paths
    for path in paths:
        look = Look(path, mapping)
        look.check_columns()
        if notebook:
            readiness.at_once(notebook, mapping, given, look.values)
    done = DONE
    for path in paths:
        loaded = load.file(path, mapping)
        loaded.report.write_rejected(options.rejected)
        say(loaded.report)
        for line in insights.first(loaded):
            say(line)
        if notebook:
            told = readiness.readiness(notebook, loaded, given, str(path), options.mapping)
            say()
            for line in told.said():
                say(line)
            done = DONE if told.runs else BAD_INPUT
    return done


def _guess(options):
    from workbench import project
    from workbench.load.guessing import guess

    drafts = guess(*(project.path(file) for file in options.file))
    if len(drafts) > 1 and options.out not in (None, "-"):
        raise InputError(
            "cli.error_one_out",
            "--out: these files become {n} mappings; leave it away, or name one file at a time",
            n=len(drafts),
        )
    for draft in drafts:
        draft.answer(zone=options.zone, currency=options.currency)
        if options.out == "-":
            say(draft.text())
            continue
        path = Path(options.out) if options.out else _beside_others(draft)
        if path.exists():
            raise InputError(
                "cli.error_mapping_exists",
                "{path}: exists already and is not overwritten; name another with --out",
                path=path,
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        text = draft.text(path)
        path.write_text(text, encoding="utf-8")
        say(_WRITTEN.having(path=_said(path), layout=draft.layout))
        for number, line in enumerate(text.splitlines(), 1):
            if ASK in line:
                say(_OPEN.having(line=number, question=line.split(ASK, 1)[1]))
        say(_NEXT.having(file=options.file[0], path=_said(path)))
    return DONE


def _said(path):
    """Return a path as it is shortest from here."""
    return min(str(path), os.path.relpath(path), key=len)


def _beside_others(draft):
    """Return where a mapping is written: with the other mappings, else beside its file."""
    from workbench import project

    first = draft.peeks[0].path
    try:
        return project.root() / "data" / "mappings" / f"{first.stem}.yml"
    except InputError:
        return first.with_name(f"{first.stem}.yml")


def _clean(options):
    from workbench.load import kept

    loads, size = kept.clean()
    say(
        Note(
            "cli.cleaned",
            "{n} kept load removed ({megabytes} MB)",
            "{n} kept loads removed ({megabytes} MB)",
            n=loads,
            megabytes=round(size / 1e6, 1),
        )
    )
    return DONE


ACTS = {"check": _check, "guess": _guess, "clean": _clean}

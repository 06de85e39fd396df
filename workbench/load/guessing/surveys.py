"""Exports of surveys: Qualtrics, SurveyMonkey, and any with one column a question."""

import json
import re
from dataclasses import replace

from workbench.load.guessing import seen
from workbench.load.guessing.draft import Draft
from workbench.load.guessing.names import folded, role_of
from workbench.load.raw import UNNAMED
from workbench.notes import Note

QUALTRICS = Note("guess.qualtrics", "a Qualtrics export with several header rows")
QUALTRICS_ONE = Note("guess.qualtrics_one", "a Qualtrics export with one header row")
MONKEY = Note("guess.survey_monkey", "a SurveyMonkey export with two header rows")
TWO = Note("guess.two_headers", "a survey with one column a question and a second row of headers")
WIDE = Note("guess.wide_survey", "a survey with one column a question")
ITEMS = Note(
    "guess.items",
    "{scales} with numbers, {texts} with open answers; others are left out",
    scales=0,
    texts=0,
)
LABELS = Note("guess.labels", "the number at the beginning of a label")
WORDS_ONLY = Note(
    "guess.words_only",
    "the answers are words; export numeric values, or name the questions: {columns:text}",
    columns="",
)
NO_PERSON = Note(
    "guess.no_person", "no column tells people apart; each answer counts as one person"
)
_LEGACY = re.compile(r"V\d{1,2}$")
PREVIEW = {
    "survey preview", "survey test", "spam", "1", "2", "8", "9", "12", "17",
}  # fmt: skip
ABOUT_THE_ANSWER = {
    "startdate", "enddate", "status", "ipaddress", "progress", "durationinseconds", "finished",
    "recordeddate", "responseid", "recipientlastname", "recipientfirstname", "recipientemail",
    "externalreference", "externaldatareference", "locationlatitude", "locationlongitude",
    "distributionchannel", "userlanguage", "qrecaptchascore", "respondentid", "collectorid",
    "datecreated", "datemodified", "emailaddress", "firstname", "lastname", "customdata1",
    "duration", "duur", "taal", "language", "naam", "name", "phone", "telefoon",
}  # fmt: skip
ABOUT_THE_PERSON = {"response", "respondent", "customer", "session", "order", "when", "since"}
LEAST_QUESTIONS = 2
OPEN_ANSWER = 25  # characters of the longest answer of an open question, at least
MANY = 12  # different answers beyond which words are an open answer


def qualtrics(peek):
    """Qualtrics: names, question texts and import ids stand above the answers."""
    if not peek.has("ResponseId", "EndDate") or peek.first("StartDate", "RecordedDate") is None:
        return None
    heads = _heads(peek, "EndDate")
    answers = peek.below(heads)
    draft = Draft("surveys", QUALTRICS if heads else QUALTRICS_ONE, peek)
    draft.column("response_id", "ResponseId")
    people = ("ExternalReference", "ExternalDataReference", "RecipientEmail")
    person = next((p for p in people if len(answers.values(p)) > answers.rows / 2), None)
    draft.column("respondent_id", person or "ResponseId", None if person else NO_PERSON)
    draft.moment("answered_at", answers, "EndDate")
    _items(draft, answers, heads=heads > 0)
    if heads:
        _below_the_heads(draft, peek, heads)
    _no_previews(draft, answers)
    return draft


def qualtrics_legacy(peek):
    """Qualtrics as it wrote files before 2017: what is about the answer is called V1, V2 …, and the
    row below the header says what each of them is.
    """
    if not peek.has("V1", "V8", "V9") or peek.columns["V1"][:1] != ["ResponseID"]:
        return None
    about = {values[0]: name for name, values in peek.columns.items() if _LEGACY.match(name)}
    if not {"ResponseID", "EndDate"} <= set(about):
        return None
    answers = peek.below(1)
    draft = Draft("surveys", QUALTRICS, peek)
    draft.column("response_id", about["ResponseID"])
    people = (about.get(name, "") for name in ("ExternalDataReference", "EmailAddress"))
    person = next((p for p in people if len(answers.values(p)) > answers.rows / 2), None)
    draft.column("respondent_id", person or about["ResponseID"], None if person else NO_PERSON)
    draft.moment("answered_at", answers, about["EndDate"])
    questions = {n: v for n, v in answers.columns.items() if not _LEGACY.match(n)}
    _items(draft, replace(answers, columns=questions), heads=True)
    draft.reject({"column": about["ResponseID"], "equals": "ResponseID", "reason": "header row"})
    return draft


def _heads(peek, when):
    """Return how many rows below the header are no answers: what stands there is no time."""
    values = peek.columns[when][:3]
    times = [value is not None and seen.times([value]) is not None for value in values]
    return times.index(True) if True in times else 0


def _no_previews(draft, answers):
    tests = {v for v in answers.values("Status") if v.casefold() in PREVIEW}
    if tests:
        rule = {"column": "Status", "one_of": sorted(tests), "reason": "preview, test or spam"}
        draft.reject(rule)


def _below_the_heads(draft, peek, rows):
    """Take the zone from the header rows and refuse them as answers."""
    zone = _zone_of(peek.columns["EndDate"][:rows])
    if zone:
        draft.set("zone", zone)
    heads = [v for v in peek.columns["ResponseId"][:rows] if v]
    draft.reject({"column": "ResponseId", "one_of": heads, "reason": "header row"})


def _zone_of(heads):
    """Return the time zone a header row names: {"ImportId":"endDate","timeZone":"Z"}."""
    for head in heads:
        try:
            zone = json.loads(head or "")["timeZone"]
        except (ValueError, KeyError, TypeError):
            continue
        return "UTC" if zone == "Z" else zone
    return None


def survey_monkey(peek):
    """SurveyMonkey: the options of a question stand in a second header row, without an id."""
    names = {folded(name): name for name in reversed(peek.names)}
    person = names.get("respondentid")
    dates = ("datemodified", "enddate", "einddatum", "datecreated", "startdate", "begindatum")
    when = next((names[date] for date in dates if date in names), None)
    if person is None or when is None or "collectorid" not in names:
        return None
    two = peek.columns[person][0] is None
    answers = peek.below(1) if two else peek
    draft = Draft("surveys", MONKEY, peek)
    draft.column("response_id", person)
    mail = names.get("emailaddress", names.get("emailadres"))
    known = mail if mail and len(answers.values(mail)) > answers.rows / 2 else None
    draft.column("respondent_id", known or person, None if known else NO_PERSON)
    draft.moment("answered_at", answers, when)
    _items(draft, answers, heads=two, nameless=True)
    if two:
        draft.reject({"column": person, "missing": True, "reason": "header row"})
    return draft


def two_headers(peek):
    """Return a survey whose second header row has the parts of questions, but no id and no time."""
    first = peek.names[0]
    below = peek.below(1)
    whole = below.values(first)
    if peek.columns[first][0] is not None or len(set(whole)) < max(below.rows, 1):
        return None
    scales, texts, _ = _questions(below, nameless=True)
    moments = [n for n in peek.names if peek.columns[n][0] is None and _is_time(below, n)]
    parts = [n for n in (*scales, *texts) if peek.columns[n][0] is not None]
    if len(parts) < LEAST_QUESTIONS or not moments:
        return None
    draft = Draft("surveys", TWO, peek)
    draft.column("response_id", first)
    draft.column("respondent_id", first, NO_PERSON)
    draft.moment("answered_at", below, moments[-1])
    _items(draft, below, heads=True, nameless=True)
    draft.reject({"column": first, "missing": True, "reason": "header row"})
    return draft


def wide(peek):
    """Return a survey by its shape: an id of the answer and columns with points of a scale."""
    scales, _, _ = _questions(peek)
    response, person = _playing(peek, "response"), _playing(peek, "customer", "respondent")
    moments = [n for n in peek.columns if role_of(n) == "when" and _is_time(peek, n)]
    if len(scales) < LEAST_QUESTIONS or not moments or not (response or person):
        return None
    if _about_orders(peek, scales):
        return None
    draft = Draft("surveys", WIDE, peek)
    draft.column("response_id", response or person)
    draft.column("respondent_id", person or response, None if person else NO_PERSON)
    draft.moment("answered_at", peek, moments[0])
    _items(draft, peek)
    return draft


def _playing(peek, *roles):
    """Return the first column that plays one of these parts, or None."""
    return next((n for n in peek.columns if role_of(n) in roles), None)


def _is_time(peek, name):
    return seen.times(peek.values(name), peek.typed.get(name)) is not None


def _about_orders(peek, scales):
    """Say whether a file is about orders or acts; a question may be called price, though."""
    others = {role_of(name) for name in peek.columns if name not in scales}
    return bool(others & {"order", "amount", "price", "event"})


def _questions(peek, nameless=False):
    """Return the columns with points of a scale, with open answers, and with other words."""
    scales, texts, others = [], [], []
    for name in peek.columns:
        if UNNAMED.fullmatch(name) and not nameless:
            continue
        if folded(name) in ABOUT_THE_ANSWER or role_of(name) in ABOUT_THE_PERSON:
            continue
        values = peek.values(name)
        if not values:
            continue
        if seen.is_scale(values) or (re.match(r"Q\d", name) and seen.is_number(values, 1)):
            scales.append(name)
        elif _open(name, values):
            texts.append(name)
        else:
            others.append(name)
    return scales, texts, others


def _open(name, values):
    named = re.search(
        r"_text$|opmerking|toelichting|comment|remark|suggest|feedback|waarom|why", name, re.I
    )
    sentences = any(len(v) >= OPEN_ANSWER and " " in v for v in values)
    return bool(named) or (sentences and len(set(values)) > min(MANY, len(values) / 3))


def _items(draft, peek, heads=False, nameless=False):
    """Write which columns are questions: one row an answer. `heads` says that the row below the
    header holds their texts.
    """
    scales, texts, others = _questions(peek, nameless)
    if not scales:
        draft.ask("unpivot", WORDS_ONLY.having(columns=others[:20]))
        draft.column("item", "item")
        draft.column("value", "value")
        return
    labelled = any(seen.labelled(peek.values(name)) for name in scales)
    block = {"columns": [*scales, *texts], "item": "item", "value": "value"}
    if texts:
        block["texts"] = True
    if heads:
        block["question_row"] = 1
    draft.set("unpivot", block, ITEMS.having(scales=len(scales), texts=len(texts)))
    draft.column("item", "item")
    draft.column(
        "value", {"first_number": "value"} if labelled else "value", LABELS if labelled else None
    )

"""Every public name says what it does; every command is in the README; every example runs."""

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import workbench
from workbench import project

NAMES = [m.name for m in pkgutil.walk_packages(workbench.__path__, "workbench.")]
ANALYSES = (
    "funnels.steps",
    "funnels.rules",
    "funnels.compare",
    "funnels.groups",
    "funnels.times",
    "funnels.correlation",
    "stages.episodes",
    "stages.taxonomy",
    "stages.mapping",
    "stages.buying_time",
    "stages.exit_hazards",
    "stages.reach",
    "stages.durations",
    "stages.profile",
    "stages.search",
    "stages.paths",
    "stages.skipping",
    "stages.carts",
    "stages.checkout",
    "stages.barriers",
    "stages.checkpoints",
    "stages.latent",
    "stages.stage_distribution",
    "stages.validation",
    "stages.buying",
    "journeys.visits",
    "journeys.paths",
    "journeys.around",
    "journeys.active",
    "journeys.chains",
    "journeys.lifecycle",
    "journeys.channels",
    "journeys.identity",
    "retention.repeat_purchase",
    "retention.rates",
    "retention.events",
    "retention.survival_analysis",
    "prediction.propensity",
    "prediction.forecasting",
    "choice.logit",
    "choice.nested",
    "choice.mixed",
    "choice.latent_classes",
    "choice.postestimation",
    "choice.samples",
    "choice.validation",
    "voice.aspects",
    "voice.emotions",
    "voice.labels",
    "voice.masks",
    "voice.quotes",
    "voice.sentiments",
    "voice.star_ratings",
    "voice.topics",
    "conjoint.design",
    "conjoint.analysis",
    "conjoint.bestworst",
    "conjoint.prices",
    "interests.acts",
    "interests.bestsellers",
    "interests.changing",
    "interests.crossing",
    "interests.graph",
    "interests.profiles",
    "interests.recommending",
    "interviews.intercoder",
    "interviews.frequencies",
    "interviews.quotations",
    "interviews.thematic_saturation",
    "experience.curves",
    "experience.expected",
    "experience.hidden",
    "experience.latent",
    "experience.maps",
    "experience.represented",
    "service.loop",
    "service.quality",
    "service.times",
    "drivers.regress",
    "drivers.importance",
    "drivers.conditional_process",
    "drivers.psychometrics",
    "influence.price",
    "influence.social",
    "influence.spatial",
    "influence.need_triggers",
    "influence.buying_centres",
    "attribution.paths",
    "attribution.heuristic_models",
    "attribution.markov_chain",
    "attribution.shapley_values",
    "attribution.agreement",
    "attribution.calibrate",
    "attribution.channels",
    "attribution.campaigns",
    "attribution.emails",
    "attribution.marketing_mix",
    "attribution.mailing",
    "attribution.truth",
    "experiments.randomised",
    "experiments.groups",
    "experiments.planning",
    "experiments.over_time",
    "experiments.designs",
    "experiments.checks",
    "experiments.overlap",
    "experiments.power",
    "experiments.sensitivity",
    "experiments.uplift",
    "experiments.stage_transitions",
    "experiments.planted",
    "loyalty.brands",
    "loyalty.buyers",
    "loyalty.norms",
    "loyalty.advocates",
    "loyalty.segmentation",
    "loyalty.repertoire",
    "loyalty.referral_and_winback",
    "loyalty.programmes",
    "loyalty.repeat_buying_theory",
    "clv.btyd",
    "clv.customer_value",
    "clv.validation",
    "clv.renewals",
    "clv.summary",
    "load.source",
    "load.studies",
    "survival",
    "intervals",
    "load.mapping",
    "load.report",
    "load.tables",
    "load.values",
    "load.panels",
    "load.choices",
)


def public(module):
    """Public functions and classes defined in a module."""
    return [
        (n, o)
        for n, o in inspect.getmembers(
            module, lambda x: inspect.isfunction(x) or inspect.isclass(x)
        )
        if not n.startswith("_") and o.__module__ == module.__name__
    ]


@pytest.mark.parametrize("name", NAMES)
def test_everything_public_has_a_docstring(name):
    """Modules, functions, classes: one plain sentence first, ended."""
    module = importlib.import_module(name)
    assert module.__doc__
    for n, o in public(module):
        first = (o.__doc__ or "").strip().split("\n\n")[0]
        assert (
            first.rstrip(" `'\"").endswith((".", "?", "…", "::"))
            or "\n" in first
            or first.endswith(")")
        ), f"{name}.{n}: {first!r}"


@pytest.mark.parametrize("area", ANALYSES)
def test_analyses_say_what_goes_in_and_out(area):
    """Every public function of an analysis names its returns, and its source where it computes a
    statistic.
    """
    module = importlib.import_module(f"workbench.{area}")
    for name, function in public(module):
        if not inspect.isfunction(function):
            continue
        doc = function.__doc__
        assert re.search(r"(?i)\breturns?\b|\bgive", doc), (
            f"{area}.{name} does not say what it returns"
        )
        if "return Result(" in inspect.getsource(function):
            assert "conf_low" in doc or "estimate" in doc or "compare" in name, (
                f"{area}.{name} does not name its columns"
            )


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name):
    """Doctests."""
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_every_command_is_in_the_readme():
    """Each verb and option of `workbench`, and each target of make."""
    readme = (project.root() / "README.md").read_text()
    folder = project.root() / "workbench" / "cli"
    source = "".join(path.read_text() for path in sorted(folder.glob("*.py")))
    for verb in re.findall(r'add_parser\("(\w+)"', source):
        assert f"workbench {verb}" in readme, verb
    for option in set(re.findall(r'"(--[a-z-]+)"', source)) - {"--version"}:
        assert option in readme, option
    for target in re.findall(r'@echo "make (\w+)', (project.root() / "Makefile").read_text()):
        assert f"make {target}" in readme, target


def test_the_architecture_page_names_every_room():
    """ARCHITECTURE.md lists the modules there are, and none that is not."""
    text = (project.root() / "ARCHITECTURE.md").read_text()
    rooms = {
        p.stem if p.suffix else p.name
        for p in (project.root() / "workbench").iterdir()
        if (p.suffix == ".py" or (p / "__init__.py").exists()) and p.stem != "__init__"
    }
    for room in rooms:
        assert f"`{room}`" in text, room


def test_the_mapping_page_is_complete():
    """docs/mapping.md names every key, table and column; every example mapping can be read."""
    from workbench import load, schemas
    from workbench.load import model

    text = (project.root() / "docs" / "mapping.md").read_text()
    for block in (model.Mapping, model.Read):
        assert all(f"`{field.alias or key}`" in text for key, field in block.model_fields.items())
    assert all(f"`{name}" in text for name in model.EXPRESSIONS)
    for name, columns in schemas.TABLES.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        assert all(c in row for c in columns)
    for example in (project.root() / "data" / "mappings").glob("*.yml"):
        assert load.read_mapping(example)["table"] in schemas.TABLES


def test_decisions_are_numbered():
    """docs/decisions/NNNN-title.md without gaps, each with context, decision and consequences."""
    files = sorted((project.root() / "docs" / "decisions").glob("*.md"))
    assert [f.name[:4] for f in files] == [f"{i:04d}" for i in range(1, len(files) + 1)]
    for file in files:
        text = file.read_text()
        assert all(f"## {part}" in text for part in ("Context", "Decision", "Consequences")), (
            file.name
        )


def _examples():
    """Every worked example of docs/mapping.md: its title, files, mapping and what it says."""
    text = (project.root() / "docs" / "mapping.md").read_text(encoding="utf-8")
    body = text.split("## Worked examples", 1)[1].split("\n## ", 1)[0]
    for part in body.split("\n### ")[1:]:
        blocks = re.findall(r"```(\w+) ?(\S*)\n(.*?)```", part, re.DOTALL)
        files = {name: content for kind, name, content in blocks if kind in ("csv", "json")}
        told = {kind: content for kind, _, content in blocks if kind in ("yaml", "text")}
        yield part.splitlines()[0], files, told["yaml"], told["text"].strip().splitlines()


@pytest.mark.parametrize(("title", "files", "mapping", "says"), list(_examples()))
def test_worked_examples_of_mappings_run(tmp_path, title, files, mapping, says):
    """The files load by the mapping, and give what the page says."""
    from workbench import load

    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "mapping.yml").write_text(mapping, encoding="utf-8")
    first = next(iter(files)).split("/")[0]
    loaded = load.file(tmp_path / first, tmp_path / "mapping.yml")
    found = [f"{name}: {len(loaded[name])} rows" for name in loaded.tables]
    table = loaded[next(iter(loaded.tables))]
    if "customer_id" in table:
        found.append(f"customers: {table['customer_id'].nunique()}")
    if "amount" in table:
        found.append(f"amount: {table['amount'].sum():.2f}")
    if "question_text" in table:
        found.append(f"questions: {table['question_text'].nunique()}")
    found += [f"refused: {r.rows} {r.reason}" for r in loaded.report.table.itertuples()]
    assert set(says) <= set(found), (title, found, str(loaded.report))


ROOMS = sorted(p.parent.name for p in (project.root() / "workbench").glob("*/__init__.py"))
UNTYPED = {
    "cli",
    "display",
    "engine",
    "load",
    "locale",
    "reports",
    "results",
    "schemas",
    "simulate",
}


def public_functions():
    """Every public function of the rooms of analyses, and of a few that stand alone."""
    for room in ROOMS:
        if room in UNTYPED or room == "stats":
            continue
        module = importlib.import_module(f"workbench.{room}")
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield pytest.param(thing, id=f"{room}.{name}")


@pytest.mark.parametrize("function", list(public_functions()))
def test_a_signature_says_what_it_takes_and_gives(function):
    """Every parameter of a public analysis, and what comes back, has a type an editor can show."""
    signature = inspect.signature(function)
    lacking = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
    assert not lacking
    assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("function", list(public_functions()))
def test_a_default_is_of_its_type(function):
    """None is allowed where it is the default; a word is no number."""
    for parameter in inspect.signature(function).parameters.values():
        given, said = parameter.default, str(parameter.annotation)
        if given is None:
            assert "None" in said or said in {"Any", "object"}, parameter
        if isinstance(given, str):
            assert re.search(r"str|Moment|Grouping|Table|Any|object", said), parameter
        if isinstance(given, float):
            assert re.search(r"float|Any|object", said), parameter

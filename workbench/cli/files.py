"""`workbench check`: what a file of one's own holds, before anything runs."""

from workbench.cli.says import DONE, say
from workbench.display import LANGUAGES
from workbench.notes import Note


def add(verbs):
    """Add the verbs on files."""
    verb = verbs.add_parser(
        "check", help="show what of a file would be kept and refused, without running anything"
    )
    verb.add_argument("file")
    verb.add_argument(
        "--mapping", required=True, help="YAML file that maps the columns; see data/mappings/"
    )
    verb.add_argument("--duplicates", choices=("keep", "drop"), help="overrule the mapping's rule")
    verb.add_argument(
        "--rejected", help="where to write the refused rows (default: in data/rejected)"
    )
    verb.add_argument("--language", choices=LANGUAGES, default="en")
    verb.set_defaults(act=_check)


def _check(options):
    from workbench import load, retention

    mapping = load.read_mapping(options.mapping)
    if options.duplicates:
        mapping["duplicates"] = options.duplicates
    loaded = load.file(options.file, mapping)
    loaded.report.write_rejected(options.rejected)
    say(loaded.report)
    if "orders" in loaded.tables:
        orders = loaded["orders"]
        buyers = orders["customer_id"].nunique()
        say(
            Note(
                "load.orders",
                "Orders: {orders}, buyers: {buyers}",
                orders=len(orders),
                buyers=buyers,
            )
        )
        zone = mapping.get("zone") or "UTC"
        for result in (retention.ever_repeat(orders), retention.repeat_rate(orders, zone=zone)):
            say()
            say(result)
    return DONE

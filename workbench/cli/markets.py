"""`workbench simulate`: a market whose truth is known."""

import sys

from workbench.cli.says import DONE, say
from workbench.display import number
from workbench.notes import Note

_ROWS = Note("cli.rows", "rows")


def add(verbs):
    """Add the verb."""
    verb = verbs.add_parser("simulate", help="make a market whose truth is known, as Parquet files")
    verb.add_argument("folder", help="an empty folder, or one that holds an earlier market")
    verb.add_argument("--customers", type=int, default=5000)
    verb.add_argument("--days", type=int, default=180)
    verb.add_argument(
        "--seed", type=int, default=1, help="the same seed makes the same market, bit for bit"
    )
    verb.add_argument(
        "--no-effect",
        action="append",
        default=[],
        metavar="NAME",
        help="switch a planted effect off, such as loyalty",
    )
    verb.add_argument(
        "--channel-off",
        action="append",
        default=[],
        metavar="NAME",
        help="a market without this channel, all other luck the same",
    )
    verb.add_argument(
        "--world", default="markov", help="markov, semi_markov, mislabelled or unseen_channel"
    )
    verb.add_argument("--quiet", action="store_true", help="no progress bar")
    verb.set_defaults(act=_simulate)


def _simulate(options):
    from tqdm import tqdm

    from workbench import simulate

    with tqdm(
        total=options.customers, unit=" customers", disable=options.quiet, file=sys.stderr
    ) as bar:
        rows = simulate.write(
            options.folder,
            options.customers,
            days=options.days,
            seed=options.seed,
            no_effect=tuple(options.no_effect),
            channels_off=tuple(options.channel_off),
            world=options.world,
            progress=lambda done, _: bar.update(done - bar.n),
        )
    say(Note("cli.simulated", "SIMULATED market in {folder}:", folder=options.folder))
    for name, count in rows.items():
        say(f"  {name + '.parquet':<26} {number(count):>12} {_ROWS}")
    return DONE

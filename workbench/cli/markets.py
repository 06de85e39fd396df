"""`workbench simulate`: a market whose truth is known."""

import sys

from workbench.cli.says import DONE, say
from workbench.display import number
from workbench.notes import Note

_ROWS = Note("cli.rows", "rows")


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


ACTS = {"simulate": _simulate}

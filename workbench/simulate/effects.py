"""What channels and mails bring about in a market: the same people with them and without."""

from dataclasses import replace

import numpy as np

from workbench.simulate.world import CHANNELS, WOKEN


def channel_effects(settings):
    """Return what each channel brings about: the market with it, the same market without it, and
    the difference.

    Takes a Settings (as in `Market.settings`); runs the market once more for every channel, all
    other luck unchanged. Returns a DataFrame: channel, orders, orders_without, incremental_orders,
    touched_orders (orders whose journey touched the channel). "direct" is the name of a visit that
    no channel brought, and nothing that could be taken away: it brings about 0, by definition.
    """
    import pandas as pd

    from workbench.simulate import _lives, _marked

    def orders(s):
        made = list(_lives(s))
        return sum(len(k["orders"]["row"]) for k, _ in made), made

    total, made = orders(settings)
    touched = np.zeros(len(CHANNELS), int)
    for kept, _ in made:
        bought = kept["orders"]["row"] * 100_000 + kept["orders"]["need"]
        e = kept["events"]
        key = e["row"] * 100_000 + e["need"]
        mine = np.isin(key, bought) & (e["visit"] < 90)
        pairs = np.unique(key[mine] * 10 + e["channel"][mine])
        touched += np.bincount(pairs % 10, minlength=len(CHANNELS))
    rows = []
    for i, channel in enumerate(CHANNELS):
        without = total
        if channel != "direct":
            off = replace(settings, channels_off=(*settings.channels_off, channel))
            without, _ = orders(off)
        rows.append(
            {
                "channel": channel,
                "orders": total,
                "orders_without": without,
                "incremental_orders": total - without,
                "touched_orders": int(touched[i]),
            }
        )
    return _marked(pd.DataFrame(rows))


def mail_effects(settings):
    """Return what mails bring about over the whole time: the same people with them and without, all
    other luck unchanged.

    Takes a Settings (as in `Market.settings`). Returns a DataFrame: quantity, orders,
    orders_without, incremental_orders, std_error (how far another run of the same people's luck
    would move it). The quantities are mailing (mails that wake a need, against mails that wake
    none), channel (e-mail against none at all) and links (the second less the first: visits of
    people who were coming anyway, through a link that would be missing).
    """
    import pandas as pd

    from workbench.simulate import _lives, _marked

    def orders(changed):
        return np.concatenate([life.bought for _, life in _lives(changed)])

    now = orders(settings)
    idle = orders(replace(settings, no_effect=(*settings.no_effect, "email")))
    none = orders(replace(settings, channels_off=(*settings.channels_off, "email")))
    pairs = (("mailing", now, idle), ("channel", now, none), ("links", idle, none))
    return _marked(
        pd.DataFrame(
            {
                "quantity": name,
                "orders": int(with_it.sum()),
                "orders_without": int(without.sum()),
                "incremental_orders": int(with_it.sum() - without.sum()),
                "std_error": float(np.sqrt(len(now)) * (with_it - without).std(ddof=1)),
            }
            for name, with_it, without in pairs
        )
    )


def trigger_effects(settings):
    """Return what became of needs by what woke them, with and without what is planted on adverts
    and mails: whoever these woke leaves more easily at every step.

    Takes a Settings (as in `Market.settings`); the same people are run twice, all other luck
    unchanged. Returns a DataFrame: variant (as `views.woken` names them), needs, bought (share of
    those that ended), bought_without (the same, had nothing been planted) and planted (the first
    less the second).
    """
    import pandas as pd

    from workbench.simulate import _lives, _marked

    def shares(changed):
        ended = pd.concat(
            pd.DataFrame({k: kept["episodes"][k] for k in ("trigger", "outcome")})
            for kept, _ in _lives(changed)
        ).query("outcome != 0")
        named = ended["trigger"].map(lambda k: WOKEN.get(CHANNELS[k]) if k >= 0 else "from_within")
        return (ended["outcome"] == 1).groupby(named).agg(["size", "mean"])

    now = shares(settings)
    without = shares(replace(settings, no_effect=(*settings.no_effect, "idle_touch")))
    table = pd.DataFrame(
        {"needs": now["size"], "bought": now["mean"], "bought_without": without["mean"]}
    )
    table["planted"] = table["bought"] - table["bought_without"]
    return _marked(table.rename_axis("variant").reset_index())

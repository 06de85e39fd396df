"""Invented exports of known layouts, as their public documentation describes them: small, with
columns in any order and optional ones left out.
"""

import json

import numpy as np
import pandas as pd

START = pd.Timestamp("2025-04-02 09:00:00")
PEOPLE = [f"p{i:02d}@example.org" for i in range(30)]


def moments(rng, n, zone=None):
    """Moments over some months, in order."""
    seconds = np.sort(rng.integers(0, 120 * 86400, n))
    times = START + pd.to_timedelta(seconds, unit="s")
    return times.tz_localize(zone) if zone else times


def shopify(rng):
    """Orders with one to three lines; fields of the order on its first line."""
    rows = []
    for number, when in enumerate(moments(rng, 60, "Europe/Amsterdam"), 1001):
        person = PEOPLE[rng.integers(30)] if rng.random() < 0.95 else ""
        for line in range(rng.integers(1, 4)):
            first = line == 0
            rows.append(
                {
                    "Name": f"#{number}",
                    "Email": person.upper() if first and number % 7 == 0 else person * first,
                    "Financial Status": rng.choice(["paid", "refunded"], p=[0.9, 0.1]) * first,
                    "Paid at": when.strftime("%Y-%m-%d %H:%M:%S %z") if first else "",
                    "Currency": rng.choice(["EUR", "USD"], p=[0.9, 0.1]) * first,
                    "Total": "10.00" if first else "",
                    "Created at": when.strftime("%Y-%m-%d %H:%M:%S %z"),
                    "Lineitem quantity": str(rng.integers(1, 4)),
                    "Lineitem name": rng.choice(["Scarf, red", 'Frame 10"', "Belt"]),
                    "Lineitem price": f"{rng.integers(5, 90)}.95",
                    "Lineitem sku": rng.choice(["A-1", "B-2", ""]),
                    "Vendor": "Own",
                    "Cancelled at": "",
                    "Source": "web" if first else "",
                }
            )
    return pd.DataFrame(rows)


def woocommerce(rng):
    """The download of WooCommerce's Analytics: orders."""
    n = 60
    return pd.DataFrame(
        {
            "Date": moments(rng, n).strftime("%Y-%m-%d %H:%M:%S"),
            "Order #": np.arange(501, 501 + n).astype(str),
            "N. Revenue (formatted)": "€10,00",
            "Status": rng.choice(["completed", "processing", "refunded"], n, p=[0.8, 0.1, 0.1]),
            "Customer": [f"Person {i}" for i in rng.integers(0, 30, n)],
            "Customer type": "returning",
            "Product(s)": "2× Scarf",
            "Items sold": "2",
            "Coupon(s)": "",
            "Net Sales": [f"{v}.50" for v in rng.integers(5, 90, n)],
            "Attribution": rng.choice(["Direct", "Organic: Google"], n),
        }
    )


def woocommerce_plugin(rng):
    """An export plugin's file: one row an item, fields of the order repeated."""
    rows = []
    for number, when in enumerate(moments(rng, 50), 701):
        for _ in range(rng.integers(1, 3)):
            rows.append(
                {
                    "Order Number": str(number),
                    "Order Status": "Completed" if number % 9 else "Cancelled",
                    "Order Date": when.strftime("%Y-%m-%d %H:%M"),
                    "Email (Billing)": PEOPLE[number % 30],
                    "Order Total Amount": "25.00",
                    "SKU": rng.choice(["A-1", "B-2"]),
                    "Item Name": "Scarf",
                    "Quantity (- Refund)": str(rng.integers(1, 4)),
                    "Item Cost": f"{rng.integers(5, 90)}.95",
                }
            )
    return pd.DataFrame(rows)


def stripe(rng):
    """Payments as the dashboard exports them."""
    n = 60
    status = rng.choice(["Paid", "Failed", "Refunded"], n, p=[0.8, 0.1, 0.1])
    amount = rng.integers(5, 90, n)
    return pd.DataFrame(
        {
            "id": [f"ch_{i:08x}" for i in rng.integers(0, 2**31, n)],
            "Created date (UTC)": moments(rng, n).strftime("%Y-%m-%d %H:%M:%S"),
            "Amount": [f"{a}.00" for a in amount],
            "Amount Refunded": [
                f"{a if s == 'Refunded' else 0}.00" for a, s in zip(amount, status, strict=True)
            ],
            "Currency": "eur",
            "Captured": "true",
            "Mode": "Live",
            "Status": status,
            "Customer ID": [f"cus_{i}" for i in rng.integers(0, 30, n)],
            "Customer Email": [PEOPLE[i] for i in rng.integers(0, 30, n)],
        }
    )


def online_retail(rng):
    """Lines of invoices of the British gift shop, days written month first."""
    n = 80
    times = moments(rng, n)
    return pd.DataFrame(
        {
            "InvoiceNo": [f"{'C' * (i % 20 == 0)}{536365 + i // 3}" for i in range(n)],
            "StockCode": rng.choice(["85123A", "71053"], n),
            "Description": "WHITE HANGING HEART",
            "Quantity": [
                str(-1 if i % 20 == 0 else q) for i, q in enumerate(rng.integers(1, 9, n))
            ],
            "InvoiceDate": [f"{t.month}/{t.day}/{t.year} {t.hour}:{t.minute:02d}" for t in times],
            "UnitPrice": [f"{v}.55" for v in rng.integers(1, 9, n)],
            "CustomerID": [str(17850 + i // 3 % 30) for i in range(n)],
            "Country": "United Kingdom",
        }
    )


def ga4(rng):
    """Flat GA4 events."""
    rows = []
    for when in moments(rng, 150, "UTC"):
        person = int(rng.integers(0, 30))
        event = rng.choice(["page_view", "view_item", "purchase"], p=[0.6, 0.3, 0.1])
        rows.append(
            {
                "event_date": when.strftime("%Y%m%d"),
                "event_timestamp": str(when.value // 1000),
                "event_name": event,
                "user_pseudo_id": f"{person}.17",
                "user_id": f"U{person}" if person < 10 else "",
                "ga_session_id": str(1740000000 + person),
                "page_location": "https://example.org/a",
                "device.category": "mobile",
                "traffic_source.source": "google",
                "traffic_source.medium": "organic",
                "ecommerce.purchase_revenue": "12.5" if event == "purchase" else "",
            }
        )
    return pd.DataFrame(rows)


def ga4_nested(rng, path):
    """GA4 events as JSON lines: whole numbers as text, parameters nested."""
    with open(path, "w", encoding="utf-8") as stream:
        for row in ga4(rng).to_dict("records"):
            parameters = [
                {"key": "ga_session_id", "value": {"int_value": row["ga_session_id"]}},
                {"key": "page_location", "value": {"string_value": row["page_location"]}},
                {"key": "engagement_time_msec", "value": {"int_value": "12"}},
            ]
            event = {
                "event_date": row["event_date"],
                "event_timestamp": row["event_timestamp"],
                "event_name": row["event_name"],
                "event_params": parameters,
                "user_pseudo_id": row["user_pseudo_id"],
                "device": {"category": "mobile", "language": "nl"},
                "traffic_source": {"name": "(direct)", "medium": "(none)", "source": "(direct)"},
            }
            if row["user_id"]:
                event["user_id"] = row["user_id"]
            stream.write(json.dumps(event) + "\n")
    return path


def matomo(rng):
    """Visits by Matomo's API."""
    n = 60
    times = moments(rng, n, "UTC")
    return pd.DataFrame(
        {
            "idSite": "1",
            "idVisit": np.arange(1, n + 1).astype(str),
            "visitIp": "1.2.0.0",
            "visitorId": [f"{i:016x}" for i in rng.integers(0, 30, n)],
            "type (actionDetails 0)": "action",
            "url (actionDetails 0)": "https://example.org/",
            "serverTimestamp": [str(t.value // 10**9) for t in times],
            "serverDate": times.strftime("%Y-%m-%d"),
            "userId": "",
            "referrerType": "search",
            "referrerTypeName": "Search Engines",
            "referrerName": "Google",
            "deviceType": "Desktop",
        }
    )


def qualtrics(rng):
    """Answers below names, question texts and import ids."""
    n = 60
    frame = pd.DataFrame(
        {
            "StartDate": moments(rng, n).strftime("%Y-%m-%d %H:%M:%S"),
            "EndDate": moments(rng, n).strftime("%Y-%m-%d %H:%M:%S"),
            "Status": ["Survey Preview", *["IP Address"] * (n - 1)],
            "Progress": "100",
            "Finished": "True",
            "ResponseId": [f"R_{i:06d}" for i in range(n)],
            "ExternalReference": "",
            "UserLanguage": "NL",
            "Q1": [f"{v} - label" if v in (0, 10) else str(v) for v in rng.integers(0, 11, n)],
            "Q2_1": rng.integers(1, 6, n).astype(str),
            "Q2_2": rng.integers(1, 6, n).astype(str),
            "Q3": [f"good, but it took {v} days" * int(v > 9) for v in rng.integers(0, 60, n)],
            "Q4_TEXT": "",
        }
    )
    texts = {name: f"Question {name}?" for name in frame} | {"ResponseId": "Response ID"}
    ids = {name: json.dumps({"ImportId": name}, separators=(",", ":")) for name in frame}
    ids["EndDate"] = '{"ImportId":"endDate","timeZone":"America/Denver"}'
    return pd.concat([pd.DataFrame([texts, ids]), frame], ignore_index=True)


def survey_monkey(rng):
    """Answers below the questions and a row with the options."""
    n = 60
    times = moments(rng, n)
    frame = pd.DataFrame(
        {
            "Respondent ID": [str(11400000000 + i) for i in range(n)],
            "Collector ID": "431",
            "Date Created": times.strftime("%m/%d/%Y %I:%M:%S %p"),
            "Date Modified": times.strftime("%m/%d/%Y %I:%M:%S %p"),
            "IP Address": "",
            "Email Address": "",
            "How satisfied are you?": rng.integers(1, 6, n).astype(str),
            "How likely are you to come back?": rng.integers(0, 11, n).astype(str),
            "What could be better?": rng.choice(["", "the delivery took far too long"], n),
        }
    )
    options = dict.fromkeys(frame, "")
    options |= dict.fromkeys(frame.columns[6:8], "Response")
    options["What could be better?"] = "Open-Ended Response"
    return pd.concat([pd.DataFrame([options]), frame], ignore_index=True)


def dutch_sheet(rng):
    """A Dutch list of orders: day and time apart, decimal commas, a line with the total."""
    n = 60
    times = moments(rng, n)
    amounts = rng.integers(500, 250_000, n) / 100
    written = [f"{v:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".") for v in amounts]
    frame = pd.DataFrame(
        {
            "Bestelnummer": np.arange(9001, 9001 + n).astype(str),
            "Klantnr": rng.integers(1, 30, n).astype(str),
            "Datum": times.strftime("%d-%m-%Y"),
            "Tijd": times.strftime("%H:%M"),
            "Totaalbedrag": [f"€ {w}" for w in written],
            "Status": rng.choice(["Betaald", "Geannuleerd"], n, p=[0.9, 0.1]),
            "Kanaal": rng.choice(["Winkel", "Webshop"], n),
        }
    )
    total = pd.DataFrame([{"Bestelnummer": "Totaal", "Totaalbedrag": "€ 1,00"}])
    return pd.concat([frame, total], ignore_index=True)


def wide_survey(rng):
    """A survey with one column a question, an open one among them."""
    n = 60
    return pd.DataFrame(
        {
            "Response ID": [f"R{i}" for i in range(n)],
            "Klantnummer": rng.integers(1, 900, n).astype(str),
            "Einddatum": moments(rng, n).strftime("%d/%m/%Y %H:%M"),
            "Tevredenheid": rng.integers(1, 8, n).astype(str),
            "Aanbevelen": rng.integers(0, 11, n).astype(str),
            "Service": rng.integers(1, 8, n).astype(str),
            "Opmerking": rng.choice(["", "prima", "te duur, maar goede service"], n),
        }
    )


def crm(rng):
    """People with a day and attributes."""
    n = 60
    return pd.DataFrame(
        {
            "Contact ID": [f"003{i:06d}" for i in range(n)],
            "Segment": rng.choice(["SMB", "Consumer"], n),
            "Customer since": moments(rng, n).strftime("%m/%d/%Y"),
            "Annual spend (€)": [f"{v}.50" for v in rng.integers(5, 900, n)],
        }
    )


def olist(rng, folder):
    """The related files; returns their paths."""
    n = 60
    orders = pd.DataFrame(
        {
            "order_id": [f"{i:08x}" for i in range(n)],
            "customer_id": [f"c{i}" for i in range(n)],
            "order_status": rng.choice(["delivered", "canceled"], n, p=[0.9, 0.1]),
            "order_purchase_timestamp": moments(rng, n).strftime("%Y-%m-%d %H:%M:%S"),
        }
    )
    people = [f"u{i}" for i in rng.integers(0, 30, n)]
    customers = pd.DataFrame({"customer_id": orders["customer_id"], "customer_unique_id": people})
    items = orders.loc[orders.index.repeat(1 + rng.integers(0, 2, n)), ["order_id"]]
    items = items.assign(
        order_item_id=items.groupby("order_id").cumcount() + 1,
        product_id=rng.choice(["p1", "p2"], len(items)),
        price=rng.integers(5, 90, len(items)) + 0.9,
    )
    products = pd.DataFrame({"product_id": ["p1", "p2"], "product_category_name": ["casa", "moda"]})
    paths = []
    for name, frame in {
        "orders": orders,
        "customers": customers,
        "order_items": items,
        "products": products,
    }.items():
        paths.append(folder / f"olist_{name}_dataset.csv")
        frame.to_csv(paths[-1], index=False)
    return paths


FRAMES = {
    "shopify": shopify,
    "woocommerce": woocommerce,
    "woocommerce_plugin": woocommerce_plugin,
    "stripe": stripe,
    "online_retail": online_retail,
    "ga4": ga4,
    "matomo": matomo,
    "qualtrics": qualtrics,
    "survey_monkey": survey_monkey,
    "dutch_sheet": dutch_sheet,
    "wide_survey": wide_survey,
    "crm": crm,
}

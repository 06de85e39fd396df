"""Exports of shops and payments: Shopify, WooCommerce, Stripe, Olist, UCI Online Retail.

What is said of a layout stands in its public documentation; what depends on the shop is asked.
"""

import re

from workbench.load.guessing.draft import Draft
from workbench.notes import Note

SHOPIFY = Note("guess.shopify", "a Shopify orders export, one row a line of an order")
WOOCOMMERCE = Note("guess.woocommerce", "a WooCommerce orders export")
STRIPE = Note("guess.stripe", "a Stripe payments export")
OLIST = Note("guess.olist", "the Olist set of related files")
RETAIL = Note("guess.online_retail", "the UCI Online Retail file")
FIRST_LINE = Note("guess.first_line", "these stand on the first line of an order only")
BEFORE = Note("guess.before_discount", "before shipping and discounts on the whole order")
PARTLY = Note("guess.partly", "what was given back in part is not taken off the lines")
NET = Note("guess.net", "what was given back is taken off")
BY_NAME = Note("guess.by_name", "the file knows people by name only: two of one name are one")
BY_MAIL = Note("guess.by_mail", "people are told apart by their e-mail address")
NOBODY = Note("guess.nobody", "which column tells people apart?")
PER_ORDER = Note("guess.per_order", "customer_id is another one for every order")
ONE_ITEM = Note("guess.one_item", "one row an item")
FREIGHT = Note("guess.freight", "without freight_value")
PAID_AT = Note("guess.created_at", "when the order was placed; 'Paid at' is when it was paid")
STERLING = Note("guess.sterling", "its documentation says sterling, and a shop in the UK")
REAIS = Note("guess.reais", "a Brazilian market place")
IN_HEADER = Note("guess.in_header", "the name of the column says so")
FREE_LINE = Note("guess.free_line", "a line without price does not undo the rest of its invoice")
UNUSED = Note("guess.unused", "not used here: {files:text}", files="")
CANCELLED = {
    "cancelled", "canceled", "failed", "refunded", "trash", "voided", "pending payment",
    "pending", "checkout-draft", "draft", "geannuleerd", "mislukt", "terugbetaald",
    "gefehlt", "storniert", "annulé", "cancelado",
}  # fmt: skip


def with_statuses(peek, column, words=CANCELLED):
    """Return the statuses in a column that say an order did not come about."""
    found = set(peek.values(column))
    return sorted(v for v in found if v.casefold().removeprefix("wc-") in words)


def shopify(peek):
    """Shopify: fields of an order stand on its first line only."""
    if not peek.has("Name", "Lineitem quantity", "Lineitem price", "Created at"):
        return None
    draft = Draft("order_lines", SHOPIFY, peek)
    draft.column("order_id", "Name")
    person = peek.first("Email", "Phone", "Billing Name")
    if person is None:
        draft.ask_column("customer_id", NOBODY)
    else:
        draft.column("customer_id", person, BY_NAME if person == "Billing Name" else BY_MAIL)
        draft.set("ignore_case", ["customer_id"])
        draft.set("require", ["customer_id"])
    products = [n for n in ("Lineitem sku", "Lineitem name") if n in peek.columns]
    draft.column("product_id", products[0] if len(products) == 1 else {"coalesce": products})
    draft.moment("ordered_at", peek, "Created at", PAID_AT if "Paid at" in peek.columns else None)
    draft.column("quantity", "Lineitem quantity")
    draft.column("amount", {"multiply": ["Lineitem quantity", "Lineitem price"]}, BEFORE)
    draft.columns_of(
        peek,
        brand="Vendor",
        channel="Source",
        status="Financial Status",
        store_id="Location",
    )
    draft.money(peek, "Lineitem price")
    if "Currency" in peek.columns:
        draft.one_currency(peek, "Currency")
    once = ("Currency", "Financial Status", "Source", "Location", "Cancelled at", person)
    filled = [n for n in once if n in peek.columns]
    if filled:
        draft.set("fill_down", {"columns": filled, "within": "Name"}, FIRST_LINE)
    if "Financial Status" in peek.columns:
        gone = {"column": "Financial Status", "one_of": ["voided", "refunded"]}
        note = PARTLY if "partially_refunded" in peek.values("Financial Status") else None
        draft.reject({**gone, "reason": "cancelled", "whole": "order_id"}, note)
    if peek.values("Cancelled at"):
        gone = {"column": "Cancelled at", "missing": False}
        draft.reject({**gone, "reason": "cancelled", "whole": "order_id"})
    return draft


def woocommerce(peek):
    """WooCommerce: the download of Analytics, and the two export plugins most in use."""
    total = peek.first("N. Revenue", "Net Sales", "N. Revenue (formatted)")
    if peek.has("Date", "Order #", "Status") and total:
        return _woo_orders(peek, "Order #", "Date", total, "Status", None, "Customer")
    total = peek.first("Order Total Amount (- Refund)", "Order Total Amount")
    if peek.has("Order Number", "Order Date") and (total or "Item Cost" in peek.columns):
        mail = peek.first("Email (Billing)", "Customer User ID")
        names = ("Order Number", "Order Date", total, "Order Status", "Currency", mail)
        amount = peek.first("Order Line Total (- Refund)", "Order Line Total", "Item Cost")
        product = [n for n in ("SKU", "Item Name") if n in peek.columns]
        quantity = peek.first("Quantity (- Refund)", "Quantity")
        return _woo(peek, names, product, quantity, amount, each=amount == "Item Cost")
    number = peek.first("order_number", "order_id")
    if number and peek.has("order_total", "billing_email"):
        date = peek.first("date", "order_date")
        names = (number, date, "order_total", "status", "order_currency", "billing_email")
        product = [n for n in ("item_sku", "item_name") if n in peek.columns]
        return _woo(peek, names, product, "item_quantity", "item_total") if date else None
    return None


def _woo(peek, names, product, quantity, amount, each=False):
    """Return order lines where each item has its row, else orders."""
    if not product or quantity not in peek.columns or amount not in peek.columns:
        return _woo_orders(peek, *names)
    number, date, _, status, currency, mail = names
    draft = Draft("order_lines", WOOCOMMERCE, peek)
    draft.column("order_id", number)
    _person(draft, peek, mail)
    draft.column("product_id", product[0] if len(product) == 1 else {"coalesce": product})
    draft.moment("ordered_at", peek, date)
    draft.column("quantity", quantity)
    draft.column("amount", {"multiply": [quantity, amount]} if each else amount, BEFORE)
    draft.money(peek, amount)
    _status(draft, peek, status, currency)
    empty = [n for n in (date, status, currency, mail) if n in peek.columns]
    holes = [n for n in empty if len(peek.values(n)) < peek.rows * 0.9]
    if date in holes:
        draft.set("fill_down", {"columns": holes, "within": number}, FIRST_LINE)
    return draft


def _woo_orders(peek, number, date, total, status, currency, mail):
    draft = Draft("orders", WOOCOMMERCE, peek)
    draft.column("order_id", number)
    _person(draft, peek, mail)
    draft.moment("ordered_at", peek, date)
    draft.column("amount", total)
    draft.money(peek, total)
    draft.columns_of(peek, channel="Attribution")
    _status(draft, peek, status, currency)
    return draft


def _person(draft, peek, source):
    if source not in peek.columns:
        draft.ask_column("customer_id", NOBODY)
        return
    draft.column("customer_id", source, BY_NAME if source == "Customer" else BY_MAIL)
    draft.set("ignore_case", ["customer_id"])


def _status(draft, peek, status, currency):
    """Write status and currency, and refuse orders that did not come about."""
    draft.columns_of(peek, status=status)
    if currency in peek.columns:
        draft.one_currency(peek, currency)
    gone = with_statuses(peek, status)
    if gone:
        whole = {"whole": "order_id"} if draft.keys["table"][0] == "order_lines" else {}
        draft.reject({"column": status, "one_of": gone, "reason": "not paid", **whole})


def stripe(peek):
    """Stripe: payments as the dashboard exports them; amounts in whole units of the currency."""
    created = [re.fullmatch(r"Created(?: date)? \((.+)\)", name) for name in peek.names]
    named = next((match for match in created if match), None)
    if named is None or not peek.has("id", "Amount", "Currency", "Status"):
        return None
    when, zone = named[0], named[1]
    draft = Draft("orders", STRIPE, peek)
    draft.column("order_id", "id")
    people = [n for n in ("Customer ID", "Customer Email") if peek.values(n)]
    if people:
        draft.column("customer_id", people[0] if len(people) == 1 else {"coalesce": people})
    else:
        draft.ask_column("customer_id", NOBODY)
    draft.moment("ordered_at", peek, when)
    draft.set("zone", zone, IN_HEADER)
    if "Amount Refunded" in peek.columns:
        draft.column("amount", {"subtract": ["Amount", "Amount Refunded"]}, NET)
    else:
        draft.column("amount", "Amount")
    draft.money(peek, "Amount")
    draft.one_currency(peek, "Currency")
    draft.column("status", "Status")
    bad = {"failed", "refunded", "canceled", "cancelled", "uncaptured", "incomplete", "blocked"}
    gone = with_statuses(peek, "Status", bad)
    if gone:
        draft.reject({"column": "Status", "one_of": gone, "reason": "not paid"})
    tests = with_statuses(peek, "Mode", {"test"})
    if tests:
        draft.reject({"column": "Mode", "one_of": tests, "reason": "test"})
    return draft


ROLES = {
    "order_items": ("order_id", "order_item_id", "product_id", "price"),
    "orders": ("order_id", "customer_id", "order_purchase_timestamp"),
    "customers": ("customer_id", "customer_unique_id"),
    "products": ("product_id", "product_category_name"),
}


def olist(peeks):
    """Olist: lines, orders, customers and products come together by their ids."""
    found = {}
    for role, needed in ROLES.items():
        found[role] = next((p for p in peeks if p.has(*needed)), None)
    if found["order_items"] is None or found["orders"] is None:
        return None
    present = {role: p for role, p in found.items() if p is not None}
    draft = Draft("order_lines", OLIST, *present.values())
    unused = [p.path.name for p in peeks if p not in present.values()]
    note = UNUSED.having(files=unused) if unused else None
    draft.set("files", {role: _way(p, peeks[0]) for role, p in present.items()}, note)
    keys = {"orders": "order_id", "customers": "customer_id", "products": "product_id"}
    draft.set("join", [{"file": r, "on": on} for r, on in keys.items() if r in present])
    _olist_columns(draft, present)
    return draft


def _olist_columns(draft, present):
    draft.column("order_id", "order_id")
    if "customers" in present:
        draft.column("customer_id", "customer_unique_id", PER_ORDER)
    else:
        draft.ask_column("customer_id", PER_ORDER)
    draft.column("product_id", "product_id")
    draft.moment("ordered_at", present["orders"], "order_purchase_timestamp")
    draft.column("quantity", {"value": 1}, ONE_ITEM)
    draft.column("amount", "price", FREIGHT)
    if "products" in present:
        draft.column("category", "product_category_name")
    draft.columns_of(present["order_items"], store_id="seller_id")
    draft.set("currency", "BRL", REAIS)
    if "order_status" in present["orders"].columns:
        draft.column("status", "order_status")
        gone = {"column": "order_status", "one_of": ["canceled", "unavailable"]}
        draft.reject({**gone, "reason": "cancelled", "whole": "order_id"})


def _way(peek, first):
    """Return a file's path as seen from the folder of the first one."""
    import os

    return os.path.relpath(peek.path.resolve(), first.path.resolve().parent)


def online_retail(peek):
    """UCI Online Retail and Online Retail II: lines of invoices; a C marks a cancelled one."""
    invoice = peek.first("InvoiceNo", "Invoice")
    price = peek.first("UnitPrice", "Price")
    person = peek.first("CustomerID", "Customer ID")
    if not (invoice and price and person and peek.has("StockCode", "Quantity", "InvoiceDate")):
        return None
    draft = Draft("order_lines", RETAIL, peek)
    draft.column("order_id", invoice)
    draft.column("customer_id", person)
    draft.column("product_id", "StockCode")
    draft.moment("ordered_at", peek, "InvoiceDate")
    draft.set("zone", "Europe/London", STERLING)
    draft.set("currency", "GBP", STERLING)
    draft.column("quantity", "Quantity")
    draft.column("amount", {"multiply": ["Quantity", price]})
    draft.money(peek, price)
    draft.set("require", ["customer_id", "ordered_at"])
    draft.set("duplicates", "keep")
    draft.reject({"column": person, "missing": True, "reason": "no customer"})
    draft.reject({"column": invoice, "starts_with": "C", "reason": "cancelled invoice"})
    draft.reject({"column": "Quantity", "at_most": 0, "reason": "no positive quantity"})
    draft.reject({"column": price, "at_most": 0, "reason": "no price"})
    draft.set("incomplete", "keep", FREE_LINE)
    return draft

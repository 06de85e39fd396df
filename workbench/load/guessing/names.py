"""What a column is called in English and Dutch, and which part it plays."""

import re
import unicodedata

# A name plays the part of the first list that holds it, whole or as its beginning.
ROLES = {
    "response": ("responseid", "response", "antwoordid", "answerid", "submissionid"),
    "respondent": ("respondentid", "respondent", "panelid", "deelnemer", "deelnemerid"),
    "session": ("sessionid", "session", "visitid", "sessie", "sessieid", "bezoekid"),
    "event": ("eventname", "event", "eventtype", "action", "gebeurtenis", "actie"),
    "order": (
        "orderid", "ordernumber", "orderno", "ordernr", "ordernummer", "order", "orderref",
        "bestelnummer", "bestelnr", "bestelling", "bestellingid", "invoiceno", "invoicenumber",
        "invoiceid", "invoice", "factuurnummer", "factuurnr", "factuur", "transactionid",
        "transactie", "transactieid", "receiptid", "receipt", "bonnummer", "bon", "basketid",
        "purchaseid",
    ),
    "customer": (
        "customerid", "customernumber", "customerno", "customer", "klantnummer", "klantnr",
        "klantid", "klantcode", "klant", "debiteurnummer", "debiteur", "relatienummer", "contactid",
        "clientid", "client", "userid", "user", "visitorid", "memberid", "member", "lidnummer",
        "accountid", "accountnumber", "email", "emailaddress", "emailadres", "cardnumber",
        "klantenkaart", "personid",
    ),
    "product": (
        "productid", "productcode", "sku", "artikelnummer", "artikelcode", "artikelnr", "artikel",
        "stockcode", "itemid", "itemcode", "ean", "product", "productname", "productnaam", "item",
    ),
    "quantity": ("quantity", "qty", "aantal", "stuks", "units", "hoeveelheid"),
    "price": ("unitprice", "price", "stukprijs", "eenheidsprijs", "prijsperstuk", "prijs"),
    "clock": ("tijd", "time", "tijdstip", "uur", "ordertime", "besteltijd"),
    "when": (
        "orderdate", "orderedat", "besteldatum", "orderdatum", "aankoopdatum", "purchasedate",
        "transactiondate", "transactiedatum", "invoicedate", "factuurdatum", "createdat", "created",
        "datetime", "timestamp", "occurredat", "eventtime", "enddate", "completedat", "submittedat",
        "invuldatum", "einddatum", "date", "datum", "recordeddate",
    ),
    "since": (
        "customersince", "klantsinds", "since", "registeredat", "registrationdate", "signupdate",
        "acquiredat", "firstseen", "ingeschreven", "aanmelddatum", "membersince", "createddate",
    ),
    "amount": (
        "amount", "total", "ordertotal", "totalamount", "totalprice", "grandtotal", "revenue",
        "bedrag", "totaalbedrag", "totaal", "orderbedrag", "omzet", "linetotal", "regeltotaal",
        "sales", "salesamount", "value", "nettoomzet", "nettobedrag", "brutobedrag", "netsales",
        "netamount", "nrevenue",
    ),
    "currency": ("currency", "valuta", "currencycode", "munteenheid"),
    "status": ("status", "orderstatus", "state", "betaalstatus", "paymentstatus"),
    "channel": ("channel", "kanaal", "saleschannel", "verkoopkanaal"),
    "store": ("storeid", "store", "filiaal", "winkel", "vestiging", "branch", "location"),
    "category": ("category", "categorie", "productgroep", "productcategory"),
    "brand": ("brand", "merk"),
    "device": ("device", "devicetype", "apparaat", "devicecategory"),
    "page": ("page", "url", "pagepath", "pagina", "pageurl"),
}  # fmt: skip
_WHOLE = {name: role for role, names in ROLES.items() for name in names}
# A longer name plays the part of what it begins with, where that is a word of some length.
_LONG_ENOUGH = 5


def folded(name):
    """Return a name in lower-case letters and digits, without accents.

    >>> folded("Bedrag incl. btw")
    'bedraginclbtw'
    """
    plain = unicodedata.normalize("NFKD", str(name))
    return re.sub(r"[^a-z0-9]", "", plain.encode("ascii", "ignore").decode().lower())


def role_of(name):
    """Return the part a column plays by its name, or None.

    >>> role_of("Klantnummer"), role_of("Bedrag incl. btw"), role_of("Kleur")
    ('customer', 'amount', None)
    """
    text = folded(name)
    if text in _WHOLE:
        return _WHOLE[text]
    first = folded(re.split(r"[\s_(.\-/]", str(name).strip(), maxsplit=1)[0])
    return _WHOLE.get(first) if len(first) >= _LONG_ENOUGH and first != text else None

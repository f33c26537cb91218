"""Does a column look personal? Judged by its name and by a few of its values; said with how sure it is.

Values are looked at with the libraries that know them: telephone numbers by libphonenumber's rules, IBANs and cards by
their check digits. A guess is for a person to confirm: it decides nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import phonenumbers
from stdnum import iban, luhn

from whosaw.catalog.tables import Column

Confidence = Literal["sure", "likely", "unsure"]
_SHARE = 0.8  # of the values looked at must be of a kind
_FEW = 5  # values below which content alone says nothing
_LONG_TEXT = 60
_LEAVES_MOST = 200  # of one document


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to hold.

    Attributes:
        kind: ``email``, ``phone``, ``name``, ``address``, ``iban``, ``card``, ``birth``, ``document``, ``username``,
            ``ip``, ``text``.
        klass: the class proposed.
        mask: the mask proposed.
        confidence: ``sure`` where name and values agree, ``likely`` where one of them says so, else ``unsure``.
        why: in words, without any value.
    """

    kind: str
    klass: str
    mask: str
    confidence: Confidence
    why: str


# kind: the class and mask proposed
_KINDS = {
    "email": ("contact", "email"),
    "phone": ("contact", "phone"),
    "name": ("name", "name"),
    "address": ("address", "address"),
    "iban": ("payment", "iban"),
    "card": ("payment", "card"),
    "birth": ("identity", "date"),
    "document": ("identity", "full"),
    "username": ("identity", "full"),
    "ip": ("identity", "full"),
    "text": ("notes", "text"),
}
# kind: words of a column's name that say so, strong ones first; None: no weak ones
_NAMES: tuple[tuple[str, str, str], ...] = (
    ("email", r"(?:.* )?e ?mail(?: address)?|mail(?: address)?", ""),
    (
        "phone",
        r"(?:.* )?(?:(?:tele|cell|home|work|mobile)? ?phone(?: (?:number|no))?|mobile(?: (?:number|no))?|msisdn)|"
        r"fax|tel",
        "",
    ),
    ("iban", r".*\biban\b.*|bank account(?: (?:number|no))?", r"account (?:number|no)"),
    ("card", r"(?:credit |debit |payment )?card(?: (?:number|no))|pan", r"(?:credit |debit )?card"),
    ("birth", r"(?:date of )?birth(?: ?(?:date|day))?|dob|birthday|born(?: (?:on|at))?", ""),
    (
        "document",
        r"passport.*|.*\bssn|social security.*|national id(?:entity)?.*|tax (?:id|number|no)|vat (?:id|number)|"
        r"id card.*|driv(?:er|ing) licen[cs]e.*|personal (?:code|number|id)|nif|cpf",
        "",
    ),
    ("username", r"user ?name|login(?: name)?|nick(?: ?name)?|handle|screen name", ""),
    (
        "name",
        r"(?:.* )?(?:full|first|last|middle|given|family|sur|maiden|fore|display|contact|legal|customer|person|buyer|"
        r"recipient|receiver|holder|guest|passenger|patient|guardian|beneficiary|shipping|billing)"
        r" ?names?|surname|forename",
        r"name",
    ),
    ("ip", r"(?:.* )?ip(?: ?address)?", ""),
    (
        "address",
        r"(?:.* )?(?:street|address)(?: (?:line )?\d)?|address line.*|(?:post(?:al)?|zip) ?code|zip|"
        r"house (?:number|no)",
        r"city|town",
    ),
    ("text", r"", r"(?:.* )?(?:notes?|comments?|remarks?|message|body|description|text)"),
)
# the same in German, French, Spanish, Italian, Portuguese, Dutch and Polish
_NAMES_ELSEWHERE: tuple[tuple[str, str, str], ...] = (
    ("email", r"e ?mail ?adresse|correo(?: electr[oó]nico)?|courriel|posta elettronica", ""),
    (
        "phone",
        r"(?:.* )?(?:telefon|handy|mobil|telefoon)(?: ?(?:nummer|nr))?|t[eé]l[eé]phone|(?:.* )?tel[eé]fon[oe]|celular|"
        r"cellulare|telem[oó]vel",
        "",
    ),
    ("iban", r"konto ?(?:nummer|nr)|num[eé]ro de compte|n[uú]mero de cuenta", ""),
    (
        "birth",
        r"geburts ?(?:tag|datum)|geboren(?: am)?|(?:date de )?naissance|(?:fecha (?:de )?)?nacimiento|"
        r"(?:data (?:di )?)?nascita|(?:data (?:de )?)?nascimento|geboorte ?datum|data urodzenia",
        "",
    ),
    (
        "document",
        r"(?:personal ?)?ausweis.*|reise ?pass.*|steuer ?(?:nummer|nr|id).*|sozialversicherungs.*|dni|codice fiscale|"
        r"bsn|pesel|pasaporte.*|passaporto.*",
        "",
    ),
    ("username", r"(?:benutzer|nutzer|anmelde) ?name|identifiant|nombre de usuario|gebruikers ?naam", ""),
    (
        "name",
        r"(?:.* )?(?:vor|nach|familien|zu|geburts|ruf) ?namen?|pr[eé]nom|nom de famille|apellidos?|cognome|sobrenome|"
        r"(?:voor|achter) ?naam|imi[eę]|nazwisko",
        r"nom|nombre|nome|naam",
    ),
    (
        "address",
        r"(?:.* )?(?:stra(?:ß|ss)e|\w*anschrift|adress[eo]?|haus ?(?:nummer|nr)|plz|postleitzahl)|rue|code postal|"
        r"calle|direcci[oó]n|c[oó]digo postal|indirizzo|ende?re[cç]o|straat|adres|huis ?nummer|"
        r"postcode|ulica|kod pocztowy",
        r"(?:wohn)?ort|stadt|ville|ciudad|citt[aà]|cidade|plaats|miasto",
    ),
    (
        "text",
        r"",
        r"(?:.* )?(?:notiz(?:en)?|bemerkung(?:en)?|kommentar|nachricht|remarque|commentaire|comentario|opmerking)",
    ),
)
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}\.[A-Za-z]{2,24}")
_IP = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}")
_FITTING = {
    "name": re.compile(r"[^\W\d_][\w'’.-]*(?: [^\W\d_][\w'’.-]*){0,4}"),
    "address": re.compile(r"(?=.*\d)(?=.*[^\W\d_]{2}).{6,200}", re.DOTALL),
    "birth": re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?:[ T].*)?"),
    "username": re.compile(r"\S{2,64}"),
}


def looks_personal(column: Column, values: Sequence[Any], *, of_people: bool = False) -> Guess | None:
    """Return what a column seems to hold, or None where it does not look personal.

    Args:
        column: its name and form.
        values: some of its values, empty ones left out.
        of_people: whether its table is one of people: there a bare ``name`` or ``city`` is a person's.
    """
    if column.form in {"flag", "binary"}:
        return None
    within = _within(values)
    if within is not None:
        # the mask of a kind is for a value of that kind alone, not for one among others
        return Guess(within, _KINDS[within][0], "full", "likely", "by values within its documents")
    named, strong = _by_name(column.name)
    held = _by_values(column, values)
    if named == "text" and held not in (None, "text"):
        named = None
    if named is not None and not _can_hold(named, column, values, held):
        named = None
    if named is None and held is None:
        return None
    kind = held if held is not None and held != "text" else named or held or ""
    if kind in {"name", "address"} and not strong and not of_people:
        return None
    if held is None and _borne_out(kind, values):
        held = kind
    return _guess(kind, named, held, strong=strong or (of_people and kind in {"name", "address"}))


def words(name: str) -> str:
    """Return a column's or table's name as lower-case words: ``billingAddress_2`` is ``billing address 2``."""
    spaced = []
    for i, sign in enumerate(name):
        before, after = name[i - 1] if i else "", name[i + 1 : i + 2]
        begins = sign.isupper() and (before.islower() or before.isdigit() or (before.isupper() and after.islower()))
        if begins or (sign.isdigit() and before.isalpha()):
            spaced.append(" ")
        spaced.append(sign if sign.isalnum() else " ")
    return " ".join("".join(spaced).lower().split())


def _borne_out(kind: str, values: Sequence[Any]) -> bool:
    """Return whether values fit what the name says, though they would not say it alone."""
    pattern = _FITTING.get(kind)
    texts = [str(value).strip() for value in values]
    if pattern is None or len(texts) < _FEW:
        return False
    return sum(pattern.fullmatch(text) is not None for text in texts) >= _SHARE * len(texts)


def _guess(kind: str, named: str | None, held: str | None, *, strong: bool) -> Guess:
    klass, mask = _KINDS[kind]
    confidence: Confidence = "unsure"
    if named == held == kind:
        confidence, why = "sure", "by its name and its values"
    elif held == kind:
        confidence, why = ("unsure" if kind == "text" else "likely"), "by its values"
    else:
        confidence, why = ("likely" if strong else "unsure"), "by its name"
    return Guess(kind, klass, mask, confidence, why)


def _by_name(name: str) -> tuple[str | None, bool]:
    said = words(name)
    for strong in (True, False):
        for kind, certain, weak in (*_NAMES, *_NAMES_ELSEWHERE):
            pattern = certain if strong else weak
            if pattern and re.fullmatch(pattern, said):
                return kind, strong
    return None, False


def _by_values(column: Column, values: Sequence[Any]) -> str | None:
    texts = [str(value).strip() for value in values]
    if len(texts) < _FEW:
        return None
    for kind, test in _TESTS:
        if column.form in _FORMS[kind] and sum(map(test, texts)) >= _SHARE * len(texts):
            return kind
    if column.form == "text" and sum(map(len, texts)) / len(texts) >= _LONG_TEXT:
        return "text"
    return None


def _within(values: Sequence[Any]) -> str | None:
    """Return what stands within most of the values, where they are documents (JSON) or lists."""
    documents = [leaves for value in values if (leaves := _leaves(value)) is not None]
    if len(documents) < _FEW or len(documents) < _SHARE * len(values):
        return None
    for kind, test in _TESTS:
        if sum(any(map(test, leaves)) for leaves in documents) >= _SHARE * len(documents):
            return kind
    return None


def _leaves(value: object) -> list[str] | None:
    """Return the texts and numbers in a document or list, at most 200 of them; None where it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.lstrip()[:1] in {"{", "["} else None
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict | list):
        return None
    waiting: list[Any] = [value]
    leaves: list[str] = []
    while waiting and len(leaves) < _LEAVES_MOST:
        one = waiting.pop()
        for each in one.values() if isinstance(one, dict) else one:
            if isinstance(each, dict | list):
                waiting.append(each)
            elif isinstance(each, str | int) and not isinstance(each, bool):
                leaves.append(str(each).strip())
    return leaves[:_LEAVES_MOST]


def _can_hold(kind: str, column: Column, values: Sequence[Any], held: str | None) -> bool:
    """Return whether a column of this name may hold what the name says: `email_sent_at` is a time, no address."""
    if kind == "birth":
        return column.form in {"moment", "text"}
    if column.form == "moment":
        return False
    if column.form == "number":
        return kind in {"phone", "card", "document"}
    # an address has an @, a telephone number has digits: a column full of values without is called so for another cause
    texts = [str(value) for value in values]
    if held is None and len(texts) >= _FEW and kind in {"email", "phone", "iban", "card", "ip"}:
        least = {"email": r"@", "ip": r"[.:]"}.get(kind, r"\d{4}")
        return sum(bool(re.search(least, re.sub(r"[ ()/-]", "", text))) for text in texts) >= _SHARE * len(texts)
    return True


def _is_phone(text: str) -> bool:
    if not text.startswith(("+", "00")) or not 8 <= len(text) <= 30:
        return False
    try:
        read = phonenumbers.parse(text if text[0] == "+" else f"+{text[2:]}", None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(read)


def _is_card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return digits.isdigit() and 13 <= len(digits) <= 19 and digits[0] in "23456" and bool(luhn.is_valid(digits))


def _is_iban(text: str) -> bool:
    return bool(iban.is_valid(text))


_TESTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("email", lambda text: _EMAIL.fullmatch(text) is not None),
    ("iban", _is_iban),
    ("phone", _is_phone),
    ("card", _is_card),
    ("ip", lambda text: _IP.fullmatch(text) is not None),
)
_FORMS = {"email": {"text"}, "iban": {"text"}, "phone": {"text"}, "card": {"text", "number"}, "ip": {"text"}}

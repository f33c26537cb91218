"""Whom letters go to, by the company's own tables: name, address, language and law of each subject of any kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from whosaw.answer.notices import Recipient
from whosaw.app.casesettings import CaseSettings
from whosaw.app.services import Services
from whosaw.catalog import Field
from whosaw.catalog.statements import presence_statement, subject_statement

_LABELS = (
    ("mail", "e-mail address"),
    ("phone", "telephone number"),
    ("mobile", "telephone number"),
    ("ip_addr", "IP address"),
    ("address", "postal address"),
    ("street", "postal address"),
    ("iban", "bank account"),
    ("birth", "date of birth"),
    ("password", "password"),
    ("answer", "security answer"),
    ("revenue", "sales figures"),
    ("sales", "sales figures"),
    ("metric", "sales figures"),
    ("ssn", "social security number"),
    ("social_sec", "social security number"),
    ("passport", "identity document"),
    ("driver_lic", "identity document"),
    ("drivers_lic", "identity document"),
    ("driving_lic", "identity document"),
    ("id_card", "identity document"),
    ("identity_doc", "identity document"),
    ("name", "name"),
)


async def recipients_of(services: Services, settings: CaseSettings, keys: Sequence[str]) -> Mapping[str, Recipient]:
    """Return names and addresses of subjects such as ``customer:C-17`` or ``seller:S-9``; unknown ones are left out."""
    catalog = services.catalog
    found: dict[str, Recipient] = {}
    for kind in catalog.subjects.values():
        mine = [key.partition(":")[2] for key in keys if key.startswith(f"{kind.name}:")]
        fields = [each for each in catalog.fields.values() if each.subject_kind == kind.name]
        name = next((each for each in fields if label_of(each) == "name"), None)
        email = next((each for each in fields if label_of(each) == "e-mail address"), None)
        if not mine or email is None:
            continue
        asked = [email, *([name] if name else [])]
        source = services.sources[kind.source]
        rows = await source.rows(subject_statement(kind, asked), keys=mine)
        places = {
            str(row["key"]): str(row["region"] or "") for row in await source.rows(presence_statement(kind), keys=mine)
        }
        for row in rows:
            called, place = str(row["f1"] or "") if name else "", places.get(str(row["key"]), "")
            language = settings.languages.get(place, "en")
            jurisdiction = settings.jurisdictions.get(place, place)
            found[f"{kind.name}:{row['key']}"] = Recipient(called, str(row["f0"] or ""), language, jurisdiction)
    return found


def label_of(field: Field) -> str:
    """Return a field in the plain words that every language of the letters knows, by what its column is called."""
    column = field.column.lower()
    return next((label for part, label in _LABELS if part in column), field.column.replace("_", " "))

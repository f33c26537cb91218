"""Settings of case work, from the environment, beside those of `settings`: every name begins with ``WHOSAW_``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from whosaw.app.settings import SettingsInvalid


class CaseSettings(BaseSettings):
    """What letters and connectors need to know.

    Attributes:
        complaint_form: whether the server shows customers a form for reports; off unless it is switched on.
        approach_form: whether the server shows employees a form for offers of money; off unless it is switched on.
        marketplace: where the company's own system takes measures, as ``https://shop.example/whosaw``; none means that
            steps about sellers and reviews cannot be carried out here.
        marketplace_secret: signs what is sent there (Standard Webhooks).
        reporters: roles whose people and services may report sightings over the HTTP door, separated by commas.
        mail_servers: names by which our own mail servers sign their Received lines, separated by commas; without any
            nothing is known of who handed a complaint over, and SPF is not checked.
        imap_password: of the mailbox that complaints are polled from.
        case_orders: where the company's orders are, as SOURCE:TABLE:CUSTOMER:SELLER:ORDERED: the server looks whether
            whoever complains had bought from that seller before he was written to; without the time, whether ever.
        case_dump: a folder of hash prefixes of a public dump; the server looks for whoever complains in it.
        case_dump_name: what the dump is called; the folder's name where left out.
        case_keep_days: how long a closed case is kept.
        contact_phone: the telephone number in letters.
        contact_address: the postal address in letters.
        identity_offer: how residents of California whose Social Security number or identity document got out take up
            what is offered against identity theft; ``none`` where counsel decided that nothing is.
        letters_per_s: letters handed over a second at most.
        notices_zone: the place whose days count for terms of law.
        languages: language of letters by the region of a subject, as ``{"FI": "fi"}``; English for the rest.
        jurisdictions: whose law protects a region, as ``{"FI": "EU", "CA": "US-CA"}``; the region itself for the rest.
    """

    model_config = SettingsConfigDict(env_prefix="WHOSAW_", env_ignore_empty=True, extra="ignore")

    complaint_form: bool = False
    approach_form: bool = False
    marketplace: str = ""
    marketplace_secret: SecretStr | None = None
    reporters: str = "intake"
    mail_servers: str = ""
    imap_password: SecretStr | None = None
    case_orders: str = ""
    case_dump: Path | None = None
    case_dump_name: str = ""
    case_keep_days: int = Field(default=1095, gt=0)
    contact_phone: str = ""
    contact_address: str = ""
    identity_offer: str = ""
    letters_per_s: float = Field(default=20.0, gt=0)
    notices_zone: str = "UTC"
    languages: dict[str, str] = Field(default_factory=dict)
    jurisdictions: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def read(cls) -> CaseSettings:
        """Read the environment.

        Raises:
            SettingsInvalid: a variable cannot be used; its value is not repeated.
        """
        try:
            return cls()
        except ValidationError as cause:
            first = cause.errors(include_input=False, include_url=False)[0]
            name = "WHOSAW_" + "_".join(str(part) for part in first["loc"]).upper()
            raise SettingsInvalid(f"`{name}` cannot be used: {first['msg'].lower()}") from None

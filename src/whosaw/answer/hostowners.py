"""Who owns a host: the part of its name that one owner registered, and the names that half the world shares."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

SHARED = frozenset(
    {
        # shorteners, networks and what any page links to
        *("bit.ly", "goo.gl", "t.co", "tinyurl.com", "is.gd", "google.com", "facebook.com", "instagram.com"),
        *("linkedin.com", "twitter.com", "x.com", "youtube.com", "whatsapp.com", "wa.me", "t.me", "apple.com"),
        *("w3.org", "microsoft.com", "schema.org", "gravatar.com", "paypal.com", "amazon.com"),
        # senders of others' mail
        *("sendgrid.net", "list-manage.com", "mailchimp.com", "mailgun.org", "mailjet.com", "sendinblue.com"),
        *("hubspotemail.net", "klaviyomail.com", "mandrillapp.com", "sparkpostmail.com", "amazonses.com"),
        # where people have mailboxes
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "aol.com"),
        *("yahoo.co.uk", "yahoo.co.jp", "yahoo.fr", "yahoo.de", "hotmail.co.uk", "hotmail.fr", "outlook.fr", "live.fr"),
        *("icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "tutanota.com", "zoho.com", "fastmail.com"),
        *("gmx.net", "gmx.de", "gmx.com", "web.de", "t-online.de", "freenet.de", "posteo.de", "mailbox.org"),
        *("qq.com", "163.com", "126.com", "sina.com", "sina.cn", "sohu.com", "foxmail.com", "yeah.net", "aliyun.com"),
        *("139.com", "189.cn", "naver.com", "daum.net", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr"),
        *("libero.it", "virgilio.it", "terra.es", "telefonica.net", "wp.pl", "o2.pl", "seznam.cz", "mail.ru"),
        *("yandex.ru", "yandex.com", "rambler.ru", "comcast.net", "verizon.net", "att.net", "bigpond.com"),
        *("btinternet.com", "sky.com", "bluewin.ch", "chello.at", "telenet.be", "ziggo.nl", "kolumbus.fi"),
    }
)
"""Registered names under which many owners send, are hosted or counted: that two messages have one says nothing."""


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def owned(host: str) -> str:
    """Return the registered name of a host: ``lotus.co.uk`` of ``t.lotus.co.uk``; an address is itself.

    What is nothing but a public suffix (``co.uk``) is nobody's, and empty.

    Source: the Public Suffix List, with its private part: two shops of one host builder are two owners.
    """
    name = host.lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return _suffixes().privatesuffix(name) or ""

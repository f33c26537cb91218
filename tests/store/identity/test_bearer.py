"""Who asks, by the header: what counts, and everything that does not."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import warnings
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jws

from whosaw.doors.identity import Authenticator, BearerRules, Provider
from whosaw.doors.identity.errors import ProviderUnreachable
from whosaw.gate import TokenRefused, Tokens, add_token
from whosaw.gate.identity import SignIns
from whosaw.store import Database
from whosaw.terms import SimulatedClock

if TYPE_CHECKING:
    from tests.store.identity.conftest import Issuer, Ticks

NOW = 1_772_452_800


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def refused(authenticator: Authenticator, credential: str, scheme: str = "Bearer") -> None:
    """Check that it is refused with the one short answer."""
    with pytest.raises(TokenRefused) as caught:
        await authenticator.actor(f"{scheme} {credential}")
    assert str(caught.value) == "no valid token"
    assert caught.value.__cause__ is None


async def test_a_good_token_of_the_provider_says_who_asks(authenticator: Authenticator, issuer: Issuer) -> None:
    assert await authenticator.actor(f"Bearer {issuer.token()}") == "E-1"
    assert (
        await authenticator.actor(f"bearer {issuer.token(issuer.claims(aud=['x', issuer.claims()['aud']]))}") == "E-1"
    )


async def test_a_personal_token_says_who_asks(
    authenticator: Authenticator, database: Database, clock: SimulatedClock
) -> None:
    token = await add_token(database, "E-2", clock.now())
    assert await authenticator.actor(f"Bearer {token}") == "E-2"
    await refused(authenticator, token, "Basic")
    await refused(authenticator, token[:-1] + ("0" if token[-1] != "0" else "1"))


CLAIMS: tuple[dict[str, Any], ...] = (
    {"iss": "https://evil.example"},
    {"iss": None},
    {"aud": "https://other.example"},
    {"aud": None},
    {"aud": []},
    {"aud": {"https://whosaw.company.example": 1}},
    {"exp": NOW - 31},
    {"exp": None},
    {"exp": NOW + 90_000},
    {"exp": "9999999999"},
    {"exp": True},
    {"exp": 1e300},
    {"nbf": NOW + 31},
    {"nbf": "soon"},
    {"iat": NOW + 31},
    {"iat": None},
    {"iat": -1},
    {"sub": None},
    {"sub": ""},
    {"sub": 7},
    {"sub": ["E-1"]},
    {"sub": "E-1\x00"},
    {"sub": "E-1\n"},
    {"sub": "scim:okta"},
    {"sub": "x" * 201},
    {"auth_time": "yesterday"},
)


async def test_a_token_with_a_wrong_claim_is_refused(authenticator: Authenticator, issuer: Issuer) -> None:
    for changed in CLAIMS:
        await refused(authenticator, issuer.token(issuer.claims(**changed)))


async def test_clocks_may_differ_by_the_skew_and_no_more(authenticator: Authenticator, issuer: Issuer) -> None:
    for changed in ({"exp": NOW - 29}, {"nbf": NOW + 29}, {"iat": NOW + 29, "exp": NOW + 60}):
        assert await authenticator.actor(f"Bearer {issuer.token(issuer.claims(**changed))}") == "E-1"


async def test_a_token_without_a_signature_is_refused(authenticator: Authenticator, issuer: Issuer) -> None:
    for alg in ("none", "None", "NONE", "", None, ["RS256"], 0):
        header = {"alg": alg, "kid": "k1", "typ": "at+jwt"}
        await refused(authenticator, f"{part(header)}.{part(issuer.claims())}.")
        await refused(authenticator, f"{part(header)}.{part(issuer.claims())}.{part(b'x' * 256)}")


async def test_the_public_key_is_no_shared_secret(authenticator: Authenticator, issuer: Issuer) -> None:
    public = issuer.keys["k1"]
    for secret in (public.as_pem(private=False), public.as_der(private=False)):  # type: ignore[attr-defined]
        for alg in ("HS256", "HS384", "HS512"):
            signed = f"{part({'alg': alg, 'kid': 'k1', 'typ': 'at+jwt'})}.{part(issuer.claims())}"
            mac = hmac.digest(secret, signed.encode(), f"sha{alg[2:]}")  # by hand: no library would do it
            await refused(authenticator, f"{signed}.{part(mac)}")


async def test_a_token_of_another_key_is_refused_whatever_its_header_offers(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    own = jwk.generate_key("RSA", 2048)
    offered = (
        {},
        {"jwk": own.as_dict(private=False)},
        {"jku": f"{issuer.url}/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"kid": "../../etc/passwd"},
        {"kid": "' or 1=1 --"},
        {"kid": 7},
        {"kid": "k" * 600},
    )
    for more in offered:
        header = {"alg": "RS256", "kid": "k1", "typ": "at+jwt"} | more
        signed = jws.serialize_compact({"alg": "RS256"}, b"x", own, algorithms=["RS256"]).split(".")[2]
        await refused(authenticator, f"{part(header)}.{part(issuer.claims())}.{signed}")
    issuer.keys["forged"] = own
    issuer.published = [issuer.keys["k1"].as_dict(private=False)]
    await refused(authenticator, issuer.token(kid="forged"))


async def test_no_byte_of_a_token_can_be_changed(authenticator: Authenticator, issuer: Issuer) -> None:
    head, body, signature = issuer.token().split(".")
    other = part(issuer.claims(sub="E-2"))
    for forged in (f"{head}.{other}.{signature}", f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}."):
        await refused(authenticator, forged)


async def test_a_token_of_another_kind_is_refused(authenticator: Authenticator, issuer: Issuer) -> None:
    for kind in ("JWT", "secevent+jwt", "dpop+jwt", None, "", "at+jwt2"):
        await refused(authenticator, issuer.token(typ=kind))
    assert await authenticator.actor(f"Bearer {issuer.token(typ='application/AT+JWT')}") == "E-1"


async def test_a_critical_extension_nobody_understands_is_refused(authenticator: Authenticator, issuer: Issuer) -> None:
    header = {"alg": "RS256", "kid": "k1", "typ": "at+jwt", "crit": ["b64"], "b64": False}
    await refused(authenticator, f"{part(header)}.{part(issuer.claims())}.{part(b'x' * 256)}")


HOSTILE = (
    "",
    ".",
    "..",
    "a.b.c",
    "a" * 9_500 + ".b.c",
    f"{part(b'[' * 2_000)}.e30.e30",
    f"{part([])}.e30.e30",
    f"{part(b'{' + bytes([255]) + b'}')}.e30.e30",
    "eyJhbGciOiJSUzI1NiJ9.\xe4.\xf6",
    "eyJ hbGciOiJSUzI1NiJ9.e30.e30",
    "a.b.c.d.e",
    '{"payload":"e30","signatures":[]}',
)


async def test_what_is_no_token_is_refused_and_the_provider_is_not_asked(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    for credential in HOSTILE:
        await refused(authenticator, credential)
    for header in ("", "Bearer", "Basic RS0xOnBhc3N3b3Jk", "E-1"):
        with pytest.raises(TokenRefused):
            await authenticator.actor(header)
    assert issuer.asked == 0


async def test_a_good_token_that_is_too_long_is_refused(authenticator: Authenticator, issuer: Issuer) -> None:
    await refused(authenticator, issuer.token(issuer.claims(padding="x" * 8_000)))


async def test_a_name_that_stands_twice_is_refused(authenticator: Authenticator, issuer: Issuer) -> None:
    doubled = json.dumps(issuer.claims())[:-1] + ', "sub": "E-2"}'
    header = {"alg": "RS256", "kid": "k1", "typ": "at+jwt"}
    await refused(authenticator, jws.serialize_compact(header, doubled, issuer.keys["k1"], algorithms=["RS256"]))


async def test_after_a_rotation_the_new_key_counts_at_once_and_the_old_one_ends(
    authenticator: Authenticator, issuer: Issuer, ticks: Ticks
) -> None:
    before = issuer.token()
    assert await authenticator.actor(f"Bearer {before}") == "E-1"
    issuer.keys = {"k2": jwk.generate_key("EC", "P-256", {"kid": "k2"})}
    ticks.now += 31
    assert await authenticator.actor(f"Bearer {issuer.token(kid='k2', alg='ES256')}") == "E-1"
    await refused(authenticator, before)
    assert issuer.asked == 2


async def test_many_at_once_wait_for_the_one_who_fetches_the_keys(authenticator: Authenticator, issuer: Issuer) -> None:
    headers = [f"Bearer {issuer.token(issuer.claims(sub=f'E-{number}'))}" for number in range(12)]
    assert await asyncio.gather(*map(authenticator.actor, headers)) == [f"E-{number}" for number in range(12)]
    assert issuer.asked == 1


async def test_unknown_keys_make_the_provider_be_asked_twice_a_minute_at_most(
    authenticator: Authenticator, issuer: Issuer, ticks: Ticks
) -> None:
    for number in range(50):
        header = {"alg": "RS256", "kid": f"made-up-{number}", "typ": "at+jwt"}
        await refused(authenticator, f"{part(header)}.{part(issuer.claims())}.{part(b'x' * 256)}")
    assert issuer.asked == 1
    ticks.now += 31
    await refused(authenticator, f"{part(header)}.{part(issuer.claims())}.{part(b'x' * 256)}")
    assert issuer.asked == 2


async def test_while_the_provider_is_silent_known_keys_stay_good_for_a_day(
    authenticator: Authenticator, issuer: Issuer, ticks: Ticks
) -> None:
    good = f"Bearer {issuer.token()}"
    assert await authenticator.actor(good) == "E-1"
    for broken in (b"", b"[]", b"{}", b'{"keys": 7}', b"x" * 300_000):
        issuer.broken = broken
        ticks.now += 601
        assert await authenticator.actor(good) == "E-1"
    ticks.now += 86_400
    with pytest.raises(ProviderUnreachable):
        await authenticator.actor(good)


async def test_keys_that_must_not_sign_are_left_out(authenticator: Authenticator, issuer: Issuer) -> None:
    good = issuer.keys["k1"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weak = jwk.generate_key("RSA", 1024, {"kid": "weak"}, auto_kid=False)
    issuer.keys = issuer.keys | {"weak": weak}
    secret = jwk.generate_key("oct", 256, {"kid": "k1"})
    issuer.published = [
        secret.as_dict(),
        weak.as_dict(private=False),
        {"kty": "RSA", "kid": "torn"},
        {"kty": 7},
        "no key",  # type: ignore[list-item]
        good.as_dict(private=False) | {"kid": "for-encryption", "use": "enc"},
        good.as_dict(private=False) | {"kid": "for-es", "alg": "ES256"},
        good.as_dict(private=True) | {"kid": "private"},
    ]
    for kid in ("k1", "for-encryption", "for-es", "private"):
        header = {"alg": "RS256", "kid": kid, "typ": "at+jwt"}
        token = jws.serialize_compact(header, json.dumps(issuer.claims()), good, algorithms=["RS256"])
        await refused(authenticator, token)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_weak = issuer.token(kid="weak")
    await refused(authenticator, by_weak)


async def test_a_provider_that_speaks_for_another_issuer_is_not_believed(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    issuer.named = "https://other.example"
    with pytest.raises(ProviderUnreachable):
        await authenticator.actor(f"Bearer {issuer.token()}")


async def test_an_ended_sign_in_is_refused_and_a_later_one_counts(
    authenticator: Authenticator, issuer: Issuer, sign_ins: SignIns, clock: SimulatedClock
) -> None:
    refreshed = issuer.claims(iat=NOW + 20, auth_time=NOW - 600)
    await sign_ins.end("E-1", clock.now())
    await sign_ins.end("E-1", clock.now() - timedelta(hours=1))  # heard late; takes nothing back
    await refused(authenticator, issuer.token())
    await refused(authenticator, issuer.token(refreshed))
    assert await authenticator.actor(f"Bearer {issuer.token(issuer.claims(iat=NOW + 1))}") == "E-1"
    assert await authenticator.actor(f"Bearer {issuer.token(issuer.claims(sub='E-2'))}") == "E-2"


async def test_somebody_suspended_is_refused_unless_the_gate_is_to_refuse_him(
    authenticator: Authenticator, issuer: Issuer, database: Database, clock: SimulatedClock
) -> None:
    personal = await add_token(database, "E-1", clock.now())
    async with database.connection() as connection:
        await connection.execute(
            "insert into gate_suspension (actor, since, reason, ordered_by) values ('E-1', now(), 'x', 'E-9')"
        )
    for credential in (issuer.token(), personal):
        await refused(authenticator, credential)
        assert await authenticator.actor(f"Bearer {credential}", suspended_may=True) == "E-1"


async def test_a_token_for_one_use_is_refused_when_replayed(
    database: Database, sign_ins: SignIns, provider: Provider, clock: SimulatedClock, issuer: Issuer, authenticator: Any
) -> None:
    rules: BearerRules = authenticator._bearer
    once = Authenticator(Tokens(database), sign_ins, clock, BearerRules(provider, rules.expected, one_use=True))
    token = issuer.token(issuer.claims(jti="a"))
    assert await once.actor(f"Bearer {token}") == "E-1"
    await refused(once, token)
    await refused(once, issuer.token())  # no identifier at all
    assert await once.actor(f"Bearer {issuer.token(issuer.claims(jti='b'))}") == "E-1"


async def test_an_address_counts_as_a_key_only_if_the_provider_verified_it(
    database: Database, sign_ins: SignIns, provider: Provider, clock: SimulatedClock, issuer: Issuer, authenticator: Any
) -> None:
    rules: BearerRules = authenticator._bearer
    by_mail = Authenticator(Tokens(database), sign_ins, clock, BearerRules(provider, rules.expected, claim="email"))
    address = {"email": "ada@company.example"}
    for verified in ({}, {"email_verified": False}, {"email_verified": "true"}):
        await refused(by_mail, issuer.token(issuer.claims(**address, **verified)))
    good = issuer.token(issuer.claims(**address, email_verified=True))
    assert await by_mail.actor(f"Bearer {good}") == "ada@company.example"
    assert await sign_ins.actor_of(issuer.url, "E-1") == "ada@company.example"


async def test_without_a_provider_no_signed_token_counts(
    database: Database, sign_ins: SignIns, clock: SimulatedClock, issuer: Issuer
) -> None:
    await refused(Authenticator(Tokens(database), sign_ins, clock), issuer.token())


async def test_where_it_must_be_said_when_somebody_signed_in_a_token_that_does_not_say_it_is_nobodys(
    issuer: Issuer, database: Database, sign_ins: SignIns, authenticator: Authenticator, clock: SimulatedClock
) -> None:
    assert authenticator._bearer is not None
    strict = Authenticator(Tokens(database), sign_ins, clock, replace(authenticator._bearer, auth_time=True))
    silent, old = issuer.token(), issuer.token(issuer.claims(auth_time=NOW - 60))
    with pytest.raises(TokenRefused):
        await strict.actor(f"Bearer {silent}")
    assert await authenticator.actor(f"Bearer {silent}") == "E-1"
    assert await strict.actor(f"Bearer {old}") == "E-1"
    await sign_ins.end("E-1", clock.now() - timedelta(seconds=30))
    with pytest.raises(TokenRefused):
        await strict.actor(f"Bearer {old}")

"""What a person is, and nothing that weighs evidence may read: nationality, pay, age, sex, language, union, health.

Known by the names of columns, in the languages that companies name them in, and, for sex and birth, by what stands in
a column whatever it is called. No list of words is whole:
what may be read is listed besides, where it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# a line each: origin; birth and age; pay (two); sex; language; union; health; religion
_WORDS = """
nationality citizenship birthplace ethnicity race herkunft origine origen obywatelstwo narodowosc
age ages dob yob born alter jahrgang edad idade leeftijd wiek naissance nacimiento nascita nascimento geboren
pay paygrade payroll salary salaries wage wages income gehalt lohn verdienst entgelt salaire salario sueldo
stipendio salaris loon pensja wynagrodzenie
sex gender geschlecht sexe sexo sesso genre genero geslacht plec
language languages lang locale tongue sprache muttersprache langue idioma lengua lingua taal jezyk
union unions syndicat sindicato sindacato vakbond betriebsrat
health sick sickness illness disability disabled handicap sante salud salute saude zdrowie behinderung
religion faith confession konfession glaube
"""
TRAITS = frozenset(_WORDS.split())
_BEGINNINGS = (
    *("birth", "geburt", "geboorte", "urodz", "nationalit", "nacionalid", "nazionalit", "staatsang", "ethnic"),
    *("gewerkschaft", "zwiazk", "krank", "gesund", "gezond", "schwanger", "schwerbehind", "pregnan", "disab", "religi"),
)
_PLAIN = str.maketrans("äöüáàâãéèêíìîóòôõúùûçñęąłśżźć", "aouaaaaeeeiiioooouuucnealszzc")
_MEN = "m male man men maennlich mannlich homme hombre uomo maschio masculino mr herr"
_WOMEN = "f w female woman women weiblich femme mujer donna femmina femenino feminino mrs ms frau"
_MALE = frozenset(_MEN.split())
_FEMALE = frozenset(_WOMEN.split())
_SEXES = (
    _MALE
    | _FEMALE
    | frozenset(["d", "x", "o", "divers", "diverse", "diverso", "other", "nonbinary", "inter", "unknown"])
)
_DATE = re.compile(r"(?:19[3-9]\d|200\d)-\d\d-\d\d|\d\d?[./]\d\d?[./](?:19[3-9]\d|200\d)")
_YEAR = re.compile(r"19[3-9]\d|200\d")
_FEW, _MANY, _SHARE = 5, 20, 0.8
_ALL = 0.95


def trait_in(name: str) -> str:
    """Return the word of a column's name that says what a person is, empty where none does: `dob` of `dob_year`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower().translate(_PLAIN)
    found = re.findall(r"[^\W\d_]+", spaced)
    return next((word for word in found if word in TRAITS or word.startswith(_BEGINNINGS)), "")


def trait_of(values: Iterable[str]) -> str:
    """Return `sex` or `birth` where a column of words holds that, whatever it is called; empty where it does not.

    A plan's letters (early, middle, late, night in some language) are no sexes, for there stand others beside, and a
    few numbers that could be years are as well those of teams: years are born in more than twenty.
    """
    held = [value.strip().lower().translate(_PLAIN) for value in values if value.strip()]
    words = frozenset(held)
    if words & _MALE and words & _FEMALE and sum(word in _SEXES for word in held) >= _ALL * len(held):
        return "sex"
    for form, fewest in ((_DATE, _FEW), (_YEAR, _MANY + 1)):
        dated = [value for value in held if form.fullmatch(value)]
        if len(set(dated)) >= fewest and len(dated) >= _SHARE * len(held):
            return "birth"
    return ""

"""The few pages of signing in: plain HTML that loads nothing, and runs nothing but the script of the passkeys."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# a passkey is asked of the browser by a script, whosaw's own and no other
_SCRIPTED = {
    **HEADERS,
    "Content-Security-Policy": HEADERS["Content-Security-Policy"] + "; script-src 'self'; connect-src 'self'",
}
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: whosaw</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto;padding:0 1rem}}
label{{display:block;margin:.8rem 0 .2rem}}input{{width:100%;padding:.4rem;font:inherit;box-sizing:border-box}}
button{{margin-top:1rem;padding:.5rem 1rem;font:inherit}}.c input{{width:auto}}</style>{script}</head>
<body><main data-origin="{origin}"><h1>{title}</h1>{body}</main></body></html>"""
_FORM = """{said}<form method="post" action="/identity/password" autocomplete="on">
<label for="a">Staff key</label><input id="a" name="actor" required autocomplete="username" autofocus maxlength="200">
<label for="p">Password</label><input id="p" name="password" type="password" required
autocomplete="current-password" maxlength="1000">{enrols}<button>Sign in</button></form>{passkeys}"""
_ENROLS = """
<label class="c"><input type="checkbox" name="then" value="enrol"> make a passkey, to need no password again</label>"""
_PASSKEY = """<div id="said" role="alert"></div><button id="enter" type="button">Sign in with a passkey</button>
<p><button id="another" type="button">Make another passkey</button></p>
<p><a href="/identity/password">Sign in with a password</a></p>"""
_ENROL = """<p>Your device will ask for your finger, your face or its PIN, and keep the key.</p>
<div id="said" role="alert"></div><label for="n">What you call this device</label>
<input id="n" maxlength="60" autocomplete="off" autofocus><button id="enrol" type="button">Make a passkey</button>"""
_SCRIPT = '<script src="/identity/passkey.js" defer></script>'


def refused_page(status: int, text: str, *, again: str, headers: dict[str, str] | None = None) -> HTMLResponse:
    """Return a page that says why nobody was signed in, and where to begin again."""
    body = f'<p>{escape(text)}</p><p><a href="{escape(again)}">Begin again</a></p>'
    return HTMLResponse(_page("Not signed in", body), status, {**HEADERS, **(headers or {})})


def password_page(
    status: int = 200, said: str = "", headers: dict[str, str] | None = None, *, passkeys: str = ""
) -> HTMLResponse:
    """Return the form of a local account.

    Args:
        status: of the answer.
        said: what is said above the form.
        headers: further ones.
        passkeys: where one signs in with a passkey; empty where there are none.
    """
    told = f'<p role="alert">{escape(said)}</p>' if said else ""
    link = f'<p><a href="{escape(passkeys)}">Sign in with a passkey</a></p>' if passkeys else ""
    body = _FORM.format(said=told, enrols=_ENROLS if passkeys else "", passkeys=link)
    # after the form the browser is led to where passkeys are good, which may be this machine under its other name
    site = f" {passkeys.partition('/identity')[0]}" if passkeys else ""
    policy = HEADERS["Content-Security-Policy"].replace("form-action 'self'", f"form-action 'self'{site}")
    fixed = {**HEADERS, "Content-Security-Policy": policy}
    return HTMLResponse(_page("Sign in", body), status, {**fixed, **(headers or {})})


def passkey_page(origin: str) -> HTMLResponse:
    """Return the page that signs in with a passkey; `origin` is where passkeys are good."""
    return HTMLResponse(_page("Sign in", _PASSKEY, origin), 200, _SCRIPTED)


def enrol_page(origin: str) -> HTMLResponse:
    """Return the page that makes a passkey; whose, its link says behind ``#``."""
    return HTMLResponse(_page("Make a passkey", _ENROL, origin), 200, _SCRIPTED)


def _page(title: str, body: str, origin: str = "") -> str:
    return _PAGE.format(title=title, body=body, origin=escape(origin), script=_SCRIPT if origin else "")

"""The few pages of signing in: plain HTML that runs nothing and loads nothing."""

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
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: whosaw</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto;padding:0 1rem}}
label{{display:block;margin:.8rem 0 .2rem}}input{{width:100%;padding:.4rem;font:inherit;box-sizing:border-box}}
button{{margin-top:1rem;padding:.5rem 1rem;font:inherit}}</style></head>
<body><main><h1>{title}</h1>{body}</main></body></html>"""
_FORM = """{said}<form method="post" action="/identity/password" autocomplete="on">
<label for="a">Staff key</label><input id="a" name="actor" required autocomplete="username" autofocus maxlength="200">
<label for="p">Password</label><input id="p" name="password" type="password" required
autocomplete="current-password" maxlength="1000"><button>Sign in</button></form>"""


def refused_page(status: int, text: str, *, again: str, headers: dict[str, str] | None = None) -> HTMLResponse:
    """Return a page that says why nobody was signed in, and where to begin again."""
    body = f'<p>{escape(text)}</p><p><a href="{escape(again)}">Begin again</a></p>'
    return HTMLResponse(_PAGE.format(title="Not signed in", body=body), status, {**HEADERS, **(headers or {})})


def password_page(status: int = 200, said: str = "", headers: dict[str, str] | None = None) -> HTMLResponse:
    """Return the form of a local account."""
    told = f'<p role="alert">{escape(said)}</p>' if said else ""
    body = _FORM.format(said=told)
    return HTMLResponse(_PAGE.format(title="Sign in", body=body), status, {**HEADERS, **(headers or {})})

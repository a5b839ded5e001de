"""What every page tells the browser to refuse."""

from __future__ import annotations

from flask import Flask, Response, g, request

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def init_app(app: Flask) -> None:
    app.after_request(_secure)


def leave_alone() -> None:
    """For an answer that says all of this itself, so that the first one is like the later ones from memory."""
    g.headers_complete = True


def _secure(response: Response) -> Response:
    if g.get("headers_complete"):
        return response
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    # A redirect to a missing slash would repeat the Host header, which anybody may set.
    if response.location and response.location.startswith(request.host_url):
        response.location = "/" + response.location.removeprefix(request.host_url)
    return response

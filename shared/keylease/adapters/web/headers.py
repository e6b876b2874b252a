"""Headers that keep a page from being cached, framed, indexed, referred to or scripted; pure."""

import base64
import hashlib

Headers = tuple[tuple[str, str], ...]

_FIXED: Headers = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store, max-age=0"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("X-Robots-Tag", "noindex, nofollow, noarchive"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    (
        "Permissions-Policy",
        "camera=(), microphone=(), geolocation=(), clipboard-read=(), payment=(), usb=()",
    ),
)
_HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
"""Browsers heed it over HTTPS only, so it does no harm on a developer's machine."""


def page_headers(*, style: str) -> Headers:
    """For a page whose one style element holds exactly `style`."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "img-src data:",  # the empty icon, without which browsers ask for one
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
    return (("Content-Security-Policy", policy), *_FIXED, _HSTS)

"""Where the store is: what its address may say, and what it must not."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from keylease.runtime.sections import is_loopback

SQLITE = "sqlite:///"
POSTGRES = "postgresql://"
FORMS = f"write {SQLITE}PATH or {POSTGRES}USER@HOST/DATABASE"
TLS = frozenset({"disable", "require", "verify-ca", "verify-full"})
"""Not `allow` and `prefer`, the driver's own default: they fall back to clear text silently."""
OPTIONS = frozenset({"host", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs"})


def store_address(url: str, /, *, located: Callable[[Path], Path]) -> str:
    """The address with its path made absolute.

    Raises:
        ValueError: says what to write instead; shows nothing of it, it might hold a password.
    """
    if url.startswith(SQLITE) and url != SQLITE:
        return f"{SQLITE}{located(Path(url.removeprefix(SQLITE)))}"
    if not url.startswith(POSTGRES):
        raise ValueError(FORMS)
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _check_secrets(parts, options)
    if not parts.path.removeprefix("/"):
        msg = f"names no database; {FORMS}"
        raise ValueError(msg)
    if unknown := sorted(options.keys() - OPTIONS):
        msg = f"there is no option {unknown[0]!r}; there are {', '.join(sorted(OPTIONS))}"
        raise ValueError(msg)
    _check_transport(parts, options)
    return url


def _check_secrets(parts: SplitResult, options: dict[str, str]) -> None:
    if parts.password is not None or "password" in options:
        msg = "a password does not stand here; put it into postgres.password or PGPASSWORD"
        raise ValueError(msg)


def _check_transport(parts: SplitResult, options: dict[str, str]) -> None:
    """Another machine is not spoken to in clear text by accident."""
    host = options.get("host") or parts.hostname or "/"
    is_here = host.startswith("/") or is_loopback(host)
    if options.get("sslmode") not in TLS and ("sslmode" in options or not is_here):
        msg = (
            "say sslmode=verify-full with sslrootcert, require, or disable for a network that "
            "you trust; without it the connection might be in clear text"
        )
        raise ValueError(msg)

"""What the client raises, as our errors: by code, as its words may hold addresses."""

from collections.abc import Iterator
from contextlib import contextmanager

from nats import errors
from nats.js.errors import APIError

from keylease.errors import ProviderRefused, ProviderTransient

WHO = "nats"


@contextmanager
def translated() -> Iterator[None]:
    """Around each talk with the server."""
    try:
        yield
    except errors.MaxPayloadError as e:
        raise ProviderRefused(WHO, code_of(e)) from e
    except (errors.Error, OSError, TimeoutError) as e:
        raise ProviderTransient(WHO, code_of(e)) from e


def code_of(e: Exception, /) -> str:
    """Which error, without its words."""
    number = e.err_code if isinstance(e, APIError) else None
    return f"{type(e).__name__} {number}" if number else type(e).__name__

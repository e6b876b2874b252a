"""What a step's failure means: gone and taken may be success; a refused password has one name."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

from keylease.errors import ProviderConflict, ProviderNotFound, ProviderRefused

PASSWORD_REFUSED = "PasswordRefused"  # noqa: S105  # a code


async def gone_is_success(call: Awaitable[None], /) -> None:
    """Await a removal of something that may be gone."""
    try:
        await call
    except ProviderNotFound as e:
        # The instance or the region being wrong is not proof that its account is gone.
        if not _is_object(e.code):
            raise


async def taken_is_success(call: Awaitable[None], /) -> None:
    """Await the making of something that may be there; observing shows what it holds."""
    try:
        await call
    except ProviderConflict:
        return


@contextmanager
def password_refused() -> Iterator[None]:
    """Give a refused password its one name, whatever the product calls it."""
    try:
        yield
    except ProviderRefused as e:
        if "Password" not in e.code:
            raise
        raise ProviderRefused(
            e.provider, PASSWORD_REFUSED, status=e.status, request_id=e.request_id
        ) from e


def _is_object(code: str) -> bool:
    return not code.startswith(("Instance.", "InvalidInstanceId", "InvalidRegion"))

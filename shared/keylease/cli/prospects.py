"""What will become of a word: people in chat hear it later, a script wants to know at once.

The functions decide; this only looks at what they would see now. A word that will not count is
said nevertheless, so that it stands in the audit log like one from chat.
"""

from dataclasses import dataclass

from keylease.approval.terms import objection, refusal
from keylease.cli.exits import Code
from keylease.domain.intake import AskClaim, GiveReview, Release, Said
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.people import Principal
from keylease.domain.request import Request
from keylease.ports.chat import Chats
from keylease.runtime.wiring import Keylease


@dataclass(frozen=True, slots=True)
class Prospect:
    """How a command ends, and the words for it; without words those of the reply stand."""

    text: str = ""
    code: Code = Code.OK


FINE = Prospect()


async def prospect_of(
    said: Said, request: Request, /, *, speaker: Principal | None, keylease: Keylease
) -> Prospect:
    """What will become of it, as the request is now."""
    lease = await keylease.store.load(Lease, request.lease_id) if request.lease_id else None
    match said:
        case GiveReview():
            return _of_review(said, request, speaker=speaker, keylease=keylease)
        case Release():
            return _of_release(request, lease, speaker=speaker)
        case AskClaim() if lease is None or lease.status is not LeaseStatus.ACTIVE:
            state = lease.status if lease else request.status
            text = f"the access is {state.replace('_', ' ')}, not active; there is nothing to claim"
            return Prospect(text, Code.REFUSED)
        case AskClaim() if not await _is_reached(speaker, keylease):
            text = "no chat reaches you; put your Slack id into the directory, then ask again"
            return Prospect(text, Code.REFUSED)
    return FINE


async def _is_reached(person: Principal | None, keylease: Keylease) -> bool:
    """Whether a link has somewhere to go; it is never printed here."""
    chats = await keylease.parts.get(Chats)
    addresses = person.addresses if person else ()
    return any(chats.of(address) is not None for address in addresses)


def _of_review(
    said: GiveReview, request: Request, *, speaker: Principal | None, keylease: Keylease
) -> Prospect:
    given = {(review.reviewer, review.verdict) for review in request.reviews}
    if speaker and (speaker.id, said.verdict) in given:  # said again: it counts already
        return Prospect("your word counts already")
    why = objection(speaker, request, now=keylease.clock.now())
    return Prospect(why, Code.REFUSED if request.is_open else Code.CONFLICT) if why else FINE


def _of_release(request: Request, lease: Lease | None, *, speaker: Principal | None) -> Prospect:
    is_own = speaker is not None and speaker.id == request.asked.requester
    if not is_own and (speaker is None or refusal(speaker, request)):
        why = "only its holder, or somebody who may approve it, can end it"
        return Prospect(why, Code.REFUSED)
    if not request.is_open and (lease is None or not lease.is_open):
        return Prospect(
            f"nothing is left to end; it is {lease.status if lease else request.status}"
        )
    return FINE

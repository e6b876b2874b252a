"""From settings to the ring of sealing keys."""

from keylease.adapters.system.sealing import KeyRing, SealingSecrets
from keylease.errors import Misconfigured
from keylease.runtime.settings import Settings

NEXT_STEP = (
    "no sealing key: run `keylease keys new --out sealing.key`, then set "
    "sealing: {current: k1, keys: {k1: {file: sealing.key}}}"
)


def sealing(settings: Settings, /) -> SealingSecrets:
    """What seals and opens.

    Raises:
        Misconfigured: no key, or one that cannot be read.
    """
    section = settings.sealing
    if section is None:
        raise Misconfigured(NEXT_STEP)
    keys = {id_: given.secret() for id_, given in section.keys.items()}
    return SealingSecrets(KeyRing.of(keys, current=section.current))

"""AES-256-GCM sealing keeps the contract, and keys can be changed."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keylease.adapters.system.sealing import KeyRing, SealingSecrets, new_key
from keylease.domain.secret import Secret
from keylease.errors import InvariantBroken, Misconfigured
from tests.contract.secrets import CLEAR, ROW, SecretsContract

OLD, NEW = new_key(), new_key()


def secrets_of(keys: dict[str, Secret], /, *, current: str) -> SealingSecrets:
    return SealingSecrets(KeyRing.of(keys, current=current))


class TestSealingSecrets(SecretsContract):
    @pytest.fixture
    def secrets(self) -> SealingSecrets:
        return secrets_of({"k1": OLD}, current="k1")


def test_an_old_key_still_opens_and_the_current_one_seals() -> None:
    before = secrets_of({"k1": OLD}, current="k1").seal(CLEAR, context=ROW)

    both = secrets_of({"k2": NEW, "k1": OLD}, current="k2")

    assert both.open(before, context=ROW) == CLEAR
    assert both.seal(CLEAR, context=ROW).key_id == "k2"


def test_another_key_of_the_same_name_does_not_open() -> None:
    sealed = secrets_of({"k1": OLD}, current="k1").seal(CLEAR, context=ROW)

    with pytest.raises(InvariantBroken):
        secrets_of({"k1": NEW}, current="k1").open(sealed, context=ROW)


def test_a_relabelled_key_does_not_open() -> None:
    ring = secrets_of({"k1": OLD, "k2": OLD}, current="k1")

    with pytest.raises(InvariantBroken):
        ring.open(ring.seal(CLEAR, context=ROW).evolve(key_id="k2"), context=ROW)


def test_it_is_aes_256_gcm_with_a_fresh_96_bit_nonce() -> None:
    sealed = secrets_of({"k1": OLD}, current="k1").seal(CLEAR, context=ROW)

    key, nonce = base64.b64decode(OLD.reveal()), base64.b64decode(sealed.nonce)
    clear = AESGCM(key).decrypt(
        nonce, base64.b64decode(sealed.ciphertext), b"keylease/1\0k1\0rmq-demo/kl1#1"
    )
    assert (len(key), len(nonce), clear.decode()) == (32, 12, CLEAR.reveal())


@pytest.mark.parametrize(
    "text", ["", "c2hvcnQ=", "not base64!", base64.b64encode(b"x" * 33).decode()]
)
def test_a_key_of_another_length_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"'k1' is not 32 bytes .* openssl rand") as e:
        secrets_of({"k1": Secret(text)}, current="k1")

    assert not text or text not in str(e.value)


def test_a_current_key_that_is_not_given_is_refused() -> None:
    with pytest.raises(Misconfigured, match="'k9' is to be used but not given"):
        secrets_of({"k1": OLD}, current="k9")


def test_no_key_is_printed() -> None:
    ring = secrets_of({"k1": OLD}, current="k1")

    assert "keys" not in repr(ring)
    assert OLD.reveal() not in repr(ring)


def test_the_cipher_is_loaded_only_when_something_is_sealed() -> None:
    code = "import sys, keylease.adapters.system.sealing; sys.exit('cryptography' in sys.modules)"

    done = subprocess.run(  # our own interpreter
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "shared")},
        check=False,
    )

    assert done.returncode == 0

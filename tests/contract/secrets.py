"""What every adapter of `Secrets` promises: subclass `SecretsContract` with fixture `secrets`."""

import base64
import hashlib
import re

import pytest

from keylease.domain.access import Product
from keylease.domain.credential import Sealed
from keylease.domain.password import is_acceptable
from keylease.domain.secret import Secret
from keylease.errors import InvariantBroken, Misconfigured
from keylease.ports.secrets import Secrets

CLEAR = Secret("Canary_7f3b-密码")
ROW = "rmq-demo/kl1#1"


def flipped(text: str, /) -> str:
    """The same base64 with its last byte changed."""
    raw = bytearray(base64.b64decode(text))
    raw[-1] ^= 1
    return base64.b64encode(bytes(raw)).decode()


class SecretsContract:
    @pytest.mark.parametrize("product", list(Product))
    def test_passwords_obey_the_rules_of_both_products(
        self, secrets: Secrets, product: Product
    ) -> None:
        for _ in range(200):
            password = secrets.password(product)

            assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{23}", password.reveal())
            assert all(
                re.search(kind, password.reveal()) for kind in ("[A-Z]", "[a-z]", "[0-9]", "_")
            )
            assert is_acceptable(password, product=product)

    def test_no_two_passwords_or_tokens_are_the_same(self, secrets: Secrets) -> None:
        passwords = {secrets.password(Product.REDIS).reveal() for _ in range(500)}
        tokens = {secrets.token().reveal() for _ in range(500)}

        assert len(passwords) == len(tokens) == 500

    def test_tokens_are_256_bits_that_a_link_can_carry(self, secrets: Secrets) -> None:
        token = secrets.token().reveal()

        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
        assert len(base64.urlsafe_b64decode(token + "=")) == 32

    def test_a_digest_is_sha256_in_hex(self, secrets: Secrets) -> None:
        digest = secrets.digest(Secret("token"))

        assert digest == hashlib.sha256(b"token").hexdigest()

    def test_what_was_sealed_opens_again(self, secrets: Secrets) -> None:
        sealed = secrets.seal(CLEAR, context=ROW)

        assert secrets.open(sealed, context=ROW) == CLEAR

    def test_sealed_secrets_survive_storage(self, secrets: Secrets) -> None:
        stored = secrets.seal(CLEAR, context=ROW).model_dump_json()

        assert secrets.open(Sealed.model_validate_json(stored), context=ROW) == CLEAR

    def test_nothing_of_the_clear_text_is_in_the_sealed_one(self, secrets: Secrets) -> None:
        stored = secrets.seal(Secret("A" * 64), context=ROW).model_dump_json()

        assert "AAAAAAAA" not in stored
        assert base64.b64encode(b"A" * 30).decode() not in stored

    def test_the_same_secret_is_never_sealed_the_same_way(self, secrets: Secrets) -> None:
        sealed = [secrets.seal(CLEAR, context=ROW) for _ in range(50)]

        assert len({each.nonce for each in sealed}) == 50
        assert len({each.ciphertext for each in sealed}) == 50

    def test_a_secret_moved_to_another_row_does_not_open(self, secrets: Secrets) -> None:
        sealed = secrets.seal(CLEAR, context=ROW)

        with pytest.raises(InvariantBroken, match="belongs to something else") as e:
            secrets.open(sealed, context="rmq-demo/kl1#2")

        assert "Canary" not in str(e.value)

    @pytest.mark.parametrize("field", ["nonce", "ciphertext"])
    def test_a_changed_secret_does_not_open(self, secrets: Secrets, field: str) -> None:
        sealed = secrets.seal(CLEAR, context=ROW)
        changed = sealed.evolve(**{field: flipped(getattr(sealed, field))})

        with pytest.raises(InvariantBroken):
            secrets.open(changed, context=ROW)

    @pytest.mark.parametrize("field", ["nonce", "ciphertext"])
    @pytest.mark.parametrize("text", ["", "AAAA", "not base64!"])
    def test_a_mangled_secret_does_not_open(self, secrets: Secrets, field: str, text: str) -> None:
        mangled = secrets.seal(CLEAR, context=ROW).evolve(**{field: text})

        with pytest.raises(InvariantBroken):
            secrets.open(mangled, context=ROW)

    def test_a_secret_of_an_unknown_key_says_which_key_is_missing(self, secrets: Secrets) -> None:
        sealed = secrets.seal(CLEAR, context=ROW).evolve(key_id="k-2019")

        with pytest.raises(Misconfigured, match="'k-2019'; put it back"):
            secrets.open(sealed, context=ROW)

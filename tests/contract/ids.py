"""What every adapter of `Ids` promises: subclass `IdsContract` with fixture `ids`."""

import re

from keylease.ports.ids import Ids


class IdsContract:
    def test_an_id_names_its_kind_and_holds_letters_and_digits(self, ids: Ids) -> None:
        assert re.fullmatch(r"lease-[a-z0-9]{8,40}", ids.new("lease"))

    def test_ids_sort_by_the_time_of_their_making(self, ids: Ids) -> None:
        made = [ids.new("lease") for _ in range(5000)]

        assert made == sorted(set(made))

    def test_a_nonce_never_comes_again(self, ids: Ids) -> None:
        drawn = [ids.nonce() for _ in range(2000)]

        assert len(set(drawn)) == 2000
        assert all(re.fullmatch(r"[a-z0-9]{8,64}", nonce) for nonce in drawn)

    def test_jitter_is_spread_over_the_unit_interval(self, ids: Ids) -> None:
        drawn = [ids.jitter() for _ in range(2000)]

        assert all(0 <= number < 1 for number in drawn)
        assert 0.4 < sum(drawn) / len(drawn) < 0.6
        assert len(set(drawn)) == 2000

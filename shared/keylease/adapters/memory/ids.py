"""Ids and randomness that a seed decides, so that a run can be had again."""

import hashlib


class SeededIds:
    """Keeps `ports.ids.Ids`. Ids of different seeds differ."""

    def __init__(self, seed: int = 0, /) -> None:
        self._seed = seed
        self._made = 0
        self._drawn = 0

    def new(self, kind: str, /) -> str:
        self._made += 1
        return f"{kind}-{self._made:08}s{self._seed}"

    def nonce(self) -> str:
        return self.new("n").replace("-", "")

    def jitter(self) -> float:
        self._drawn += 1
        drawn = hashlib.sha256(f"{self._seed}/{self._drawn}".encode()).digest()
        return (int.from_bytes(drawn[:7]) >> 3) / 2**53

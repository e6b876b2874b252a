"""Code stays short enough to read at once."""

from statistics import median, quantiles

from tests.support.tree import ROOT, function_lengths, shipped_modules

LONGEST_FUNCTION = 60
LONGEST_FILE = 400


def test_functions_are_short() -> None:
    lengths = dict(pair for path in shipped_modules() for pair in function_lengths(path))

    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}
    assert median(lengths.values()) <= 10
    assert quantiles(lengths.values(), n=10)[-1] <= 35


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in shipped_modules()
    }

    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}
    assert median(lengths.values()) <= 120

r"""Text as PostgreSQL takes it: it keeps every character but NUL, so a NUL is written as two.

A record's document needs none of this: JSON writes a NUL as `\u0000`.
"""

_ESCAPE = "\x1a"
_NUL = "\x00"


def stored(text: str, /) -> str:
    """The text that stands in a key column; no two texts are stored alike."""
    if _NUL not in text and _ESCAPE not in text:
        return text
    return text.replace(_ESCAPE, _ESCAPE + "e").replace(_NUL, _ESCAPE + "0")


def read(text: str, /) -> str:
    """The text that `stored` wrote."""
    if _ESCAPE not in text:
        return text
    # A real escape always stands before "e": what stood there before cannot look like a NUL.
    return text.replace(_ESCAPE + "0", _NUL).replace(_ESCAPE + "e", _ESCAPE)

"""Text that comes in pieces: one may end within a letter. Whoever slices UTF-16 sends half of an emoji at the end of a
piece and the other half at the beginning of the next, and neither can be written as UTF-8."""

_FIRST_HALVES = ("\ud800", "\udbff")


class Letters:
    """Of one text, piece by piece."""

    def __init__(self) -> None:
        self._half = ""

    def whole(self, piece: str) -> str:
        """The piece with the half that was left of the one before, and without one that is still to be completed. A
        half that stays alone is U+FFFD."""
        text, self._half = self._half + piece, ""
        if text and _FIRST_HALVES[0] <= text[-1] <= _FIRST_HALVES[1]:
            text, self._half = text[:-1], text[-1]
        return in_whole_letters(text)

    def end(self) -> None:
        """The text is over: a half that nobody has completed is nothing."""
        self._half = ""


def in_whole_letters(text: str) -> str:
    """The text as it can be written anywhere."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

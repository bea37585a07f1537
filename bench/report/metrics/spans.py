"""Numbers counted by spans that double: 0-15, 16-31, 32-63, and so on."""


def span_of(number: int, first: int) -> tuple[int, int]:
    """The (first, last) number of the span that `number` falls into.

    Args:
        number: 0 or more.
        first: how many numbers the first span has.
    """
    if number < first:
        return 0, first - 1
    low = first << ((number // first).bit_length() - 1)
    return low, 2 * low - 1


def span_name(span: tuple[int, int]) -> str:
    """As tables and summaries call it, "16-31"."""
    return "{}-{}".format(*span)

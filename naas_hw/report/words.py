"""Numbers in sentences: how much a figure moved, counts with their noun, lists."""

from collections.abc import Sequence

LEAST_SHARE = 0.0005
"""A smaller change is shown as `less than 0.1%`."""


def moved(before: float, after: float) -> str:
    """By how much a figure changed, as a verb.

    Examples
    --------
    >>> moved(200, 150), moved(200, 201), moved(3, 3), moved(100_000, 100_001)
    ('fell by 25.0%', 'rose by 0.5%', 'stayed the same', 'rose by less than 0.1%')
    """
    if before == after:
        return "stayed the same"
    return f"{'rose' if after > before else 'fell'} by {share_text(abs(after / before - 1))}"


def more_or_less(before: float, after: float) -> str:
    """The same change as an amount.

    Examples
    --------
    >>> more_or_less(200, 150), more_or_less(200, 300), more_or_less(3, 3)
    ('25.0% less', '50.0% more', 'the same')
    """
    if before == after:
        return "the same"
    return f"{share_text(abs(after / before - 1))} {'more' if after > before else 'less'}"


def share_text(share: float) -> str:
    """A share that is not zero, as per cent."""
    return "less than 0.1%" if share < LEAST_SHARE else f"{share:.1%}"


def signed(value: float, decimals: int = 0) -> str:
    """A difference with its sign; a true minus sign.

    Examples
    --------
    >>> signed(1234), signed(-5.25, 1)
    ('+1,234', '−5.2')
    """
    return f"{value:+,.{decimals}f}".replace("-", "−")


def signed_share(difference: float, whole: float) -> str:
    """A difference as a share, with its sign.

    Examples
    --------
    >>> signed_share(-3, 40), signed_share(0, 40), signed_share(1, 40_000)
    ('−7.5%', '0%', '≈0%')
    """
    if not difference:
        return "0%"
    share = difference / whole
    if abs(share) < LEAST_SHARE:
        return "≈0%"
    return f"{share:+.1%}".replace("-", "−")


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun.

    Examples
    --------
    >>> counted(1, "layer"), counted(2_000, "layer"), counted(2, "axis", "axes")
    ('1 layer', '2,000 layers', '2 axes')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(parts: Sequence[str]) -> str:
    """A list in a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"

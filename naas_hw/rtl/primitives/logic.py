"""AND and OR of any number of values, and a sum of two and a bit."""

from collections.abc import Iterable, Sequence

from amaranth.hdl import Cat, Const, Value


def all_of(bits: Iterable[Value]) -> Value:
    """AND of some bits; true of none."""
    total: Value = Const(1)
    for bit in bits:
        total = total & bit
    return total


def any_of(words: Sequence[Value]) -> Value:
    """OR of some words, bit by bit, as a tree; zero of none."""
    if not words:
        return Const(0, 1)
    while len(words) > 1:
        pairs = [words[i] | words[i + 1] for i in range(0, len(words) - 1, 2)]
        words = [*pairs, *words[2 * len(pairs) :]]
    return words[0]


def masked(word: Value, enable: Value) -> Value:
    """The word, or zero where the bit is low."""
    return word & enable.replicate(len(word))


def all_behind(bits: Sequence[Value]) -> list[Value]:
    """For each of some bits the AND of all that come after it, as a tree; true behind the last."""
    if len(bits) == 1:
        return [Const(1, 1)]
    half = len(bits) // 2
    behind = all_of(bits[half:])
    return [*(one & behind for one in all_behind(bits[:half])), *all_behind(bits[half:])]


def sum_with_carry(a: Value, b: Value, carry: Value) -> Value:
    """`a + b + carry`, unsigned, in one carry chain; a bit more than the wider of the two."""
    return (Cat(1, a) + Cat(carry, b))[1:]

# amaranth: UnusedElaboratable=no
"""Banks behave as one list of words, as long as nobody meets another of the same side at a bank."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.timing import L2_LATENCY
from naas_hw.rtl.memory.global_buffer import READERS, GlobalBuffer

OTHER_SIDE = {"load": ("weights", "inputs"), "drain": ("partial_sums", "store")}
"""Each writer, and readers out of whose bank it may write to another word."""


def accelerator(
    *, num_banks: int, bank_words: int, beat_bytes: int, residual: bool = False
) -> Accelerator:
    return Accelerator(
        axes=(Axis(dim="C", size=2), Axis(dim="K", size=2)),
        weight_buffer_bytes=32,
        input_buffer_bytes=32,
        accumulator_words=64,
        num_banks=num_banks,
        bank_bytes=bank_words * beat_bytes,
        beat_bytes=beat_bytes,
        scale_depth=64,
        residual=residual,
    )


class Model:
    """The words of all banks as one list, the word each bank gives, and each reader's bank."""

    def __init__(
        self, num_banks: int, bank_words: int, beat_bytes: int, readers: tuple[str, ...]
    ) -> None:
        self.bank_words = bank_words
        self.span = 1 << (num_banks * bank_words - 1).bit_length()
        self.words = [bytes(beat_bytes)] * (num_banks * bank_words)
        self.given = [bytes(beat_bytes)] * (num_banks + 1)  # the last: of no bank
        self.chosen = dict.fromkeys(readers, num_banks)

    def read(self, name: str, address: int) -> None:
        address %= self.span
        self.chosen[name] = bank = min(address // self.bank_words, len(self.given) - 1)
        if address < len(self.words):
            self.given[bank] = self.words[address]

    def seen(self, name: str) -> bytes:
        return self.given[self.chosen[name]]

    def write(self, address: int, enable: int, word: bytes) -> None:
        address %= self.span
        if address < len(self.words):
            old = self.words[address]
            self.words[address] = bytes(
                new if enable >> i & 1 else old[i] for i, new in enumerate(word)
            )


@pytest.mark.takes_seconds
@pytest.mark.sampled(5)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(
    ("num_banks", "bank_words", "beat_bytes"), [(8, 32, 8), (7, 33, 4), (9, 5, 16)]
)
def test_it_equals_a_list_of_words(
    num_banks: int, bank_words: int, beat_bytes: int, residual: bool, seed: int
) -> None:
    """Every port works or rests in every cycle, at random.

    A writer may write to the bank out of which one of the other side reads, to another word.
    One in eight addresses wraps. Where the number of words is no power of two, one in eight is
    outside of all banks.
    """
    design = accelerator(
        num_banks=num_banks, bank_words=bank_words, beat_bytes=beat_bytes, residual=residual
    )
    dut = GlobalBuffer(design)
    readers = (*READERS, "residual") if residual else READERS
    num_words = num_banks * bank_words
    model = Model(num_banks, bank_words, beat_bytes, readers)
    rng = np.random.default_rng(seed)

    def address_in(bank: int) -> int:
        beyond = model.span if rng.random() < 0.125 else 0
        if num_words < model.span and rng.random() < 0.125:
            return beyond + int(rng.integers(num_words, model.span))
        return beyond + bank * bank_words + int(rng.integers(bank_words))

    def beside(address: int) -> int:
        """The next word of the same bank."""
        first = address // bank_words * bank_words
        return first + (address - first + 1) % bank_words

    async def bench(ctx: Any) -> None:
        seen = {name: [model.seen(name)] * (L2_LATENCY - 1) for name in readers}
        for _ in range(400):
            banks = [int(bank) for bank in rng.permutation(num_banks)]
            read_at = {name: address_in(banks.pop()) for name in readers}
            for name in readers:
                read(ctx, name, read_at[name])
            for name, others in OTHER_SIDE.items():
                other = read_at[str(rng.choice(others))] % model.span
                meets = other < num_words and rng.random() < 0.5
                write(ctx, name, beside(other) if meets else address_in(banks.pop()))
            await ctx.tick()
            for name in readers:
                seen[name].append(model.seen(name))
                word = int.from_bytes(seen[name].pop(0), "little")
                assert ctx.get(getattr(dut, name).data) == word

    def read(ctx: Any, name: str, address: int) -> None:
        enable = int(rng.random() < 0.6)
        ctx.set(getattr(dut, name).enable, enable)
        ctx.set(getattr(dut, name).address, address)
        if enable:
            model.read(name, address)

    def write(ctx: Any, name: str, address: int) -> None:
        enable = int(rng.integers(1 << beat_bytes)) * int(rng.random() < 0.6)
        word = rng.bytes(beat_bytes)
        ctx.set(getattr(dut, name).enable, enable)
        ctx.set(getattr(dut, name).address, address)
        ctx.set(getattr(dut, name).data, int.from_bytes(word, "little"))
        model.write(address, enable, word)

    simulate(dut, bench)

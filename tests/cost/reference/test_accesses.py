"""Counts are what a walk over all words and pixels finds, and what a person counts by hand."""

from collections import Counter
from functools import partial
from itertools import product

import numpy as np
import pytest
from small_cases import random_case

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.compiler.layout import descriptor_beats
from naas_hw.cost.reference.accesses import Accesses, accesses_of
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.case import Case
from naas_hw.workload.layer import DIMS, Dim, Kind, Layer

Index = dict[Dim, int]

WEIGHT_DIMS: tuple[Dim, ...] = ("K", "C", "R", "S")
OUTPUT_DIMS: tuple[Dim, ...] = ("K", "P", "Q")


class Walk:
    """Counts by enumeration: loops from the mapping, one element after the other."""

    def __init__(self, case: Case) -> None:
        self.a, self.layer, self.m = case.accelerator, case.layer, case.mapping
        self.depthwise = self.layer.kind is Kind.DEPTHWISE
        self.channel: Dim = "K" if self.depthwise else "C"
        self.count: Counter[str] = Counter()
        # What one pass over an axis covers, a step, a tile
        self.span = {}
        for d in DIMS:
            used, size = self.m.spatial[d], self.a.size_of(d)
            lanes = np.gcd(self.a.beat_bytes, size) if d in "KC" else 1
            self.span[d] = int(lanes * -(-used // lanes))
        self.step = {d: self.m.pe[d] * self.span[d] for d in DIMS}
        self.tile = {d: self.m.l2[d] * self.step[d] for d in DIMS}
        dense = self.layer.R == self.layer.S == 1 and self.layer.padding == (0, 0)
        self.stride = (1, 1) if dense else self.layer.stride
        self.image = (self.layer.height, self.layer.width)
        if dense and self.layer.stride != (1, 1):
            rows = range(0, self.layer.height, self.layer.stride[0])
            columns = range(0, self.layer.width, self.layer.stride[1])
            self.image = (min(self.layer.P, len(rows)), min(self.layer.Q, len(columns)))

    def run(self) -> dict[str, int]:
        held: dict[str, object] = {}
        input_dims: tuple[Dim, ...] = (self.channel, "P", "Q", "R", "S")
        stored: set[object] = set()
        visits: Counter[object] = Counter()
        tiles = [-(-self.layer.bounds[d] // self.tile[d]) for d in self.m.dram_order]
        outer_steps = product(*map(range, tiles))
        inner_steps = list(product(*(range(self.m.l2[d]) for d in self.m.l2_order)))
        output_tiles = []  # (tile, outputs) of each output run
        for outer, inner in product(outer_steps, inner_steps):
            tile = dict(zip(self.m.dram_order, outer, strict=True))
            step = dict(zip(self.m.l2_order, inner, strict=True))

            new = partial(self._is_new, held, tile, step)
            if new("scale tile", ("K",), False):
                for _ in range(0, self.tile["K"], self.a.beat_bytes // 4):
                    self.count["dram_scales"] += 3
            if new("weight tile", WEIGHT_DIMS, False):
                self._load_weights()
            if new("input tile", input_dims, False):
                self._load_inputs(tile)
            if new("output tile", OUTPUT_DIMS, False):
                where = tuple(tile[d] for d in OUTPUT_DIMS)
                output_tiles.append(where)
                self._load_sums(tile, again=where in stored)
                stored.add(where)
            if new("weights", WEIGHT_DIMS, True):
                self._fill_weights()
            if new("inputs", input_dims, True):
                self._fill_inputs(tile, step)
            if new("outputs", OUTPUT_DIMS, True):
                visit = tuple((tile[d], step[d]) for d in OUTPUT_DIMS)
                visits[visit] += 1
            self._compute()
        self._store_outputs(output_tiles)
        self._drain_outputs(visits)
        self.count["dram_descriptor"] = descriptor_beats(self.a)
        return {name: self.layer.groups * n for name, n in self.count.items() if n}

    def _drain_outputs(self, visits: Counter[object]) -> None:
        """The last visit of each place reads the residual; sums move a word of them a cycle."""
        for num_visits in visits.values():
            cycles = self._drain_beats() * (self._words_of_sums() if num_visits > 1 else 1)
            self.count["l2_drain"] += num_visits * cycles
            self.count["l2_drain_sums"] += (num_visits - 1) * cycles
            self.count["l2_drain_residual"] += cycles if self.layer.residual else 0
        if self.layer.table:
            self.count["dram_table"] = len(range(0, 256, self.a.beat_bytes))

    def _load_residual(self, tile: Index) -> None:
        beats = self._output_blocks(tile) if self.layer.residual else 0
        self.count["dram_residual"] += beats
        self.count["l2_load_residual"] += beats

    def _load_sums(self, tile: Index, *, again: bool) -> None:
        beats = 4 * self._output_blocks(tile) if again else 0
        self.count["dram_sums_in"] += beats
        self.count["l2_load_sums"] += beats

    def _store_outputs(self, output_tiles: list[tuple[int, ...]]) -> None:
        for i, where in enumerate(output_tiles):
            tile = dict(zip(OUTPUT_DIMS, where, strict=True))
            last = where not in output_tiles[i + 1 :]
            kind = "outputs" if last else "sums"
            beats = self._output_blocks(tile) * (1 if last else 4)
            if last:
                self._load_residual(tile)
            self.count["dram_outputs" if last else "dram_sums_out"] += beats
            self.count[f"l2_store_{kind}"] += beats

    def _is_new(
        self,
        held: dict[str, object],
        tile: Index,
        step: Index,
        name: str,
        dims: tuple[Dim, ...],
        both: bool,
    ) -> bool:
        parts = [tuple(tile[d] for d in dims)]
        parts += [tuple(step[d] for d in dims)] if both else []
        changed = held.get(name) != parts
        held[name] = parts
        return changed

    def _indices(self, start: int, extent: int, bound: int) -> list[int]:
        return [i for i in range(start, start + extent) if i < bound]

    def _step_words(self) -> int:
        """L2 words of weights: every position's bytes, groups of V positions at a time.

        Where there is one group of fewer, it has the bytes of 1, 2, 4, ... positions.
        """
        dims = [axis.dim for axis in self.a.axes if axis.dim in "KCRS"]
        lanes = self.a.weight_network_lanes
        groups = {
            tuple(
                i // lanes if d == self.a.weight_vector_dim else i
                for d, i in zip(dims, at, strict=True)
            )
            for at in product(*(range(self.m.spatial[d]) for d in dims))
        }
        cycles = len(groups) * self._weight_words()
        vector = self.a.weight_vector_dim
        used = lanes if vector is None else self.m.spatial[vector]
        together = next(n for n in (1, 2, 4, 8, 16, 32) if n >= used or n == lanes)
        return -(-cycles * together // self.a.beat_bytes)

    def _weight_words(self) -> int:
        words = {
            place // self.a.weight_word_bytes
            for place, _ in enumerate(product(*(range(self.m.pe[d]) for d in WEIGHT_DIMS)))
        }
        return len(words)

    def _load_weights(self) -> None:
        for _ in product(*(range(self.m.l2[d]) for d in WEIGHT_DIMS)):
            self.count["dram_weights"] += self._step_words()
            self.count["l2_load_weights"] += self._step_words()

    def _coordinates(self, at: Index, extent: Index, axis: int) -> range:
        pairs: tuple[tuple[Dim, Dim], ...] = (("P", "R"), ("Q", "S"))
        out, kernel = pairs[axis]
        stride, dilation = self.stride[axis], self.layer.dilation[axis]
        places = [
            o * stride - self.layer.padding[axis] + k * dilation
            for o in (at[out], at[out] + extent[out] - 1)
            for k in (at[kernel], at[kernel] + extent[kernel] - 1)
        ]
        return range(min(places), max(places) + 1)

    def _load_inputs(self, tile: Index) -> None:
        at = {d: tile[d] * self.tile[d] for d in DIMS}
        rows, columns = (
            [x for x in self._coordinates(at, self.tile, axis) if 0 <= x < self.image[axis]]
            for axis in (0, 1)
        )
        c = self.channel
        channels = self._indices(at[c], self.tile[c], self.layer.bounds[c])
        blocks = {channel // self.a.beat_bytes for channel in channels}
        beats = len(set(product(rows, columns, blocks))) or 1
        self.count["dram_inputs"] += beats
        self.count["l2_load_inputs"] += beats

    def _output_blocks(self, tile: Index) -> int:
        rows, columns, channels = (
            self._indices(tile[d] * self.tile[d], self.tile[d], self.layer.bounds[d])
            for d in ("P", "Q", "K")
        )
        blocks = {k // self.a.beat_bytes for k in channels}
        return len(list(product(rows, columns, blocks)))

    def _pes(self) -> list[Index]:
        dims = [axis.dim for axis in self.a.axes]
        found = product(*(range(self.m.spatial[d]) for d in dims))
        return [dict(zip(dims, at, strict=True)) for at in found]

    def _fill_weights(self) -> None:
        self.count["l2_fill_weights"] += self._step_words()
        for _ in self._pes():
            self.count["l1_weight_writes"] += self._weight_words()

    def _fill_inputs(self, tile: Index, step: Index) -> None:
        at = {d: tile[d] * self.tile[d] + step[d] * self.step[d] for d in DIMS}
        pixels = list(product(*(self._coordinates(at, self.step, axis) for axis in (0, 1))))
        c = self.channel
        if self.a.has(c):
            network = (
                self.a.depthwise_network_lanes if self.depthwise else self.a.input_network_lanes
            )
            padded = network * -(-self.m.spatial[c] // network)
            bytes_ = [i * padded + n for i in range(self.m.pe[c]) for n in range(padded)]
        else:
            bytes_ = list(range(self.m.pe[c]))
        words = {(at[c] - tile[c] * self.tile[c] + n) // self.a.beat_bytes for n in bytes_}
        self.count["l2_fill_inputs"] += len(pixels) * len(words)
        own = {d: self.m.pe[d] for d in DIMS}
        zero = dict.fromkeys(DIMS, 0)
        window = list(product(*(self._coordinates(zero, own, axis) for axis in (0, 1))))
        lanes = 1
        if not self.a.has(c):
            network = (
                self.a.depthwise_network_lanes if self.depthwise else self.a.input_network_lanes
            )
            lanes = int(np.gcd(network, self.m.pe[c]))
        writes = {n // lanes for n in range(self.m.pe[c])}
        for _ in self._pes():
            self.count["l1_input_writes"] += len(window) * len(writes)

    def _beat_channels(self) -> int:
        lanes = self.a.drain_lanes
        return int(np.gcd(lanes, self.a.size_of("K") if self.a.has("K") else self.m.pe.K))

    def _words_of_sums(self) -> int:
        return -(-4 * self._beat_channels() // self.a.beat_bytes)

    def _drain_beats(self) -> int:
        group = self._beat_channels()
        places = product(*(range(self.m.spatial[d] * self.m.pe[d]) for d in ("P", "Q")))
        if self.a.has("K"):
            beats = {(i, n // group) for i in range(self.m.pe.K) for n in range(self.m.spatial.K)}
        else:
            beats = {(i // group, 0) for i in range(self.m.pe.K)}
        return len(beats) * len(list(places))

    def _compute(self) -> None:
        trees = {tuple(pe.get(d) for d in OUTPUT_DIMS) for pe in self._pes()}
        for _ in product(*(range(self.m.pe[d]) for d in DIMS)):
            for name in ("macs", "l1_weight_reads", "l1_input_reads"):
                self.count[name] += len(self._pes())
            self.count["accumulator_writes"] += len(trees)
            self.count["accumulator_reads"] += len(trees)


def as_dict(accesses: Accesses) -> dict[str, int]:
    return {name: count for name, count in vars(accesses).items() if count}


def check_walks(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    checked = 0
    while checked < number:
        case = random_case(rng, max_steps=60)
        geometry = case.geometry
        if geometry.num_steps * geometry.compute_cycles > 2_000 or geometry.pes_used > 100:
            continue
        assert as_dict(accesses_of(geometry)) == Walk(case).run()
        checked += 1


def test_counts_equal_a_walk_over_everything() -> None:
    """Closed forms count what an enumeration finds, on random legal triples."""
    check_walks(40, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_counts_equal_many_walks(seed: int) -> None:
    """The same, many times."""
    check_walks(150, seed)


TINY = Accelerator(
    axes=(Axis(dim="K", size=4), Axis(dim="C", size=4)),
    weight_buffer_bytes=32,
    input_buffer_bytes=64,
    accumulator_words=32,
    num_banks=8,
    bank_bytes=256,
    beat_bytes=4,
)


def test_hand_count_of_a_weight_stationary_layer() -> None:
    """8 x 8 channels on 4 x 4 PEs, 3 x 3 outputs, 1 x 1 kernel; weights change last."""
    layer = Layer(name="l", K=8, C=8, P=3, Q=3, height=3, width=3)
    mapping = Mapping(
        dram_order=("K", "C", "P", "Q", "R", "S"),
        l2_order=("K", "C", "P", "Q", "R", "S"),
        l2=Bounds(P=3),
        pe=Bounds(Q=3),
        spatial=Bounds(K=4, C=4),
    )
    found = accesses_of(Geometry(accelerator=TINY, layer=layer, mapping=mapping))
    # Two K tiles times two C tiles, three steps each (one an output row of three pixels).
    assert found.macs == 8 * 8 * 9
    assert found.dram_weights == 64 // 4  # each byte once, four a beat
    assert found.dram_inputs == 2 * 9 * 2  # the whole image, 9 pixels in 2 blocks, per K tile
    assert found.dram_scales == 2 * 3 * 4  # per K tile: 3 beats for each of D = 1 channels
    assert found.dram_outputs == 9 * 2
    assert found.dram_sums_in == found.dram_sums_out == 0  # C is innermost: sums stay in L2
    assert found.l2_fill_weights == 4 * 4  # four tiles, 16 bytes each, once
    assert found.l2_fill_inputs == 4 * 3 * 3  # each step three pixels of one block
    # A row of 3 pixels x 4 channels = 12 values, one a beat (D = 1), per step; the second C tile
    # reads what the first has written.
    assert found.l2_drain == 12 * 12
    assert found.l2_drain_sums == 6 * 12
    assert found.l1_weight_writes == 4 * 16  # one word in each of 16 PEs, per tile
    assert found.l1_input_writes == 12 * 3 * 16  # three pixels in each PE, per step
    assert found.accumulator_writes == 12 * 3 * 4  # 4 trees


def test_hand_count_of_sums_that_spill_to_dram() -> None:
    """C outside K: the first K tile leaves unfinished and comes back."""
    layer = Layer(name="l", K=8, C=8, P=3, Q=3, height=3, width=3)
    mapping = Mapping(
        dram_order=("C", "K", "P", "Q", "R", "S"),
        l2=Bounds(P=3),
        pe=Bounds(Q=3),
        spatial=Bounds(K=4, C=4),
    )
    found = accesses_of(Geometry(accelerator=TINY, layer=layer, mapping=mapping))
    assert found.dram_sums_in == found.dram_sums_out == 4 * 9 * 2
    assert found.dram_outputs == 9 * 2
    assert found.dram_inputs == 2 * 9  # inputs stay while K moves
    assert found.dram_scales == 4 * 3 * 4  # K moves four times
    assert found.l2_store_sums == found.dram_sums_out
    assert found.l2_load_sums == found.dram_sums_in


def test_an_input_tile_in_the_padding_is_one_beat() -> None:
    """Nothing exists under the first kernel row of the first output row; one beat is loaded."""
    layer = Layer(name="l", K=4, C=4, P=2, Q=1, R=3, S=1, height=2, width=1, padding=(1, 0))
    mapping = Mapping(spatial=Bounds(K=4, C=4))
    found = accesses_of(Geometry(accelerator=TINY, layer=layer, mapping=mapping))
    # (p, r) -> row p + r - 1: -1, 0, 1 and 0, 1, 2 of an image of two rows.
    assert found.dram_inputs == 6


def test_groups_multiply_every_count() -> None:
    """A layer of three groups is a layer of one, three times."""
    layer = Layer(name="l", K=4, C=4, P=2, Q=2, R=2, S=2, height=3, width=3)
    mapping = Mapping(spatial=Bounds(K=4, C=4), l2=Bounds(P=2))
    counts = [
        as_dict(
            accesses_of(
                Geometry(
                    accelerator=TINY,
                    layer=layer.model_copy(update={"groups": groups}),
                    mapping=mapping,
                )
            )
        )
        for groups in (1, 3)
    ]
    assert counts[1] == {name: 3 * count for name, count in counts[0].items()}

# amaranth: UnusedElaboratable=no
"""Every register that counts is wide enough for the largest value that is legal.

`COUNTERS` lists all of them, each with that value and the rule from which it follows. A register
that adds to itself and is not in the list fails the test, as does one that is too narrow.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Const, Value
from amaranth.lib import wiring

import naas_hw.rtl
from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.compiler.fields import BOUND_BITS, DRAM_BITS, L2_BITS, NEST, PRIVATE_BITS
from naas_hw.compiler.layout import DescriptorLayout, descriptor_beats
from naas_hw.mapping.legality import MAX_FIELD, MAX_WINDOW
from naas_hw.rtl.array.input_network import InputNetwork
from naas_hw.rtl.array.weight_network import WeightNetwork
from naas_hw.rtl.array.window import Window
from naas_hw.rtl.board.board_memory import BURSTS, BoardMemory
from naas_hw.rtl.board.serial_bridge import SerialBridge
from naas_hw.rtl.board.serial_line import FRAME_BITS, MAX_DIVISOR, MAX_WORDS, MIN_DIVISOR
from naas_hw.rtl.board.uart_receiver import UartReceiver
from naas_hw.rtl.board.uart_transmitter import UartTransmitter
from naas_hw.rtl.control.controller import Controller
from naas_hw.rtl.control.counters import COUNTERS as PERFORMANCE_COUNTERS
from naas_hw.rtl.control.counters import MAX_GAINS, Counters
from naas_hw.rtl.control.watchdog import Watchdog
from naas_hw.rtl.engines.drain import Drain
from naas_hw.rtl.engines.load_scheduler import LoadScheduler
from naas_hw.rtl.engines.reader import Reader
from naas_hw.rtl.engines.writer import Writer
from naas_hw.rtl.primitives.bursts import RUN_BEATS_BITS, BurstSplitter, burst_beats
from naas_hw.rtl.primitives.config import ConfigRegister
from naas_hw.rtl.primitives.credit import Credit
from naas_hw.rtl.primitives.loop_nest import LoopNest
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.transfer import RUN_BITS, LoadOptions
from naas_hw.workload.layer import MAX_REACH

FOLDER = Path(naas_hw.rtl.__file__).parent

NARROW = Accelerator(
    axes=(Axis(dim="K", size=2),),
    weight_buffer_bytes=16,
    input_buffer_bytes=16,
    accumulator_words=16,
    bank_bytes=1024,
    beat_bytes=4,
)
"""The narrowest beat: the most beats of a descriptor."""

WRAPS = -1
"""An address: it wraps, and everything that is compared with it does so as well."""

QUEUE_DEPTH = 16
MOST_CREDITS = 2 + 2
"""Two buffers are given at the start; a gift may come before the buffer before it is taken."""


@dataclass(frozen=True)
class Counter:
    """A register that adds to itself.

    Parameters
    ----------
    build : a component that has it.
    signal : its name in hardware, where it is not that of the source.
    largest : the largest legal value, or WRAPS.
    rule : why there is no larger one.
    is_signed : it may be negative as well.
    """

    build: Callable[[], wiring.Component]
    largest: int
    rule: str
    signal: str = ""
    is_signed: bool = False


def controller() -> Controller:
    return Controller(NARROW, identity=0)


def inputs() -> InputNetwork:
    return InputNetwork(
        beat_bytes=4,
        conv_lanes=4,
        depthwise_lanes=4,
        replicate_conv=True,
        replicate_depthwise=True,
        half_bytes=32768,
    )


def window() -> Window:
    return Window(outputs=2, kernels=2, address_bits=PRIVATE_BITS)


def queue() -> Queue:
    return Queue(shape=1, depth=QUEUE_DEPTH)


def nest() -> LoopNest:
    return LoopNest(positions=2, values=(("value", DRAM_BITS),), indexed=(1,))


def weights() -> WeightNetwork:
    return WeightNetwork(beat_bytes=32, lanes=1, half_words=32768)


def drain() -> Drain:
    return Drain(to_drain=4, bound_bits=BOUND_BITS)


DESCRIPTOR = DescriptorLayout(beat_bytes=4)
ENTRIES = [spec.count for specs in DESCRIPTOR.loop_records.values() for spec in specs]
LONGEST_PART = max(
    DESCRIPTOR.static_beats, *(DESCRIPTOR.record_beats(n) for n in DESCRIPTOR.loop_records)
)
COORDINATE = MAX_REACH + MAX_FIELD
"""The last tile begins within the reach of a layer and has at most so many rows."""


def board_memory() -> BoardMemory:
    return BoardMemory(size_bytes=4096, beat_bytes=4)


def bridge() -> SerialBridge:
    return SerialBridge(divisor=MIN_DIVISOR, size_bytes=4096)


def receiver() -> UartReceiver:
    return UartReceiver(divisor=MAX_DIVISOR)


def transmitter() -> UartTransmitter:
    return UartTransmitter(divisor=MAX_DIVISOR)


COUNTERS: dict[tuple[str, str], Counter] = {
    ("board_memory", "back"): Counter(board_memory, 2 * BURSTS - 1, "a bit of error each"),
    ("board_memory", "due"): Counter(board_memory, BURSTS, "no burst ends while as many wait"),
    ("board_memory", "front"): Counter(board_memory, 2 * BURSTS - 1, "a bit of error each"),
    ("board_memory", "position"): Counter(board_memory, 255, "beats of a burst but one"),
    ("board_memory", "waiting"): Counter(board_memory, BURSTS, "no burst ends while as many wait"),
    ("bursts", "rest.address"): Counter(
        lambda: BurstSplitter(beat_bytes=4), WRAPS, "an address", signal="rest"
    ),
    ("bursts", "rest.end"): Counter(
        lambda: BurstSplitter(beat_bytes=4),
        (1 << RUN_BEATS_BITS) - 1 + burst_beats(4) - 1,
        "beats of a run, and those between the cut before it and its first one",
        signal="rest",
    ),
    ("config", "beats"): Counter(
        lambda: ConfigRegister(DESCRIPTOR), LONGEST_PART, "beats of a record, or of the rest"
    ),
    ("config", "position"): Counter(
        lambda: ConfigRegister(DESCRIPTOR), max(ENTRIES), "positions of the longest nest"
    ),
    ("controller", "address"): Counter(controller, WRAPS, "an address", signal="dram__ar__address"),
    ("controller", "beats_left"): Counter(
        controller, descriptor_beats(NARROW), "beats of a descriptor; no beat is narrower"
    ),
    ("controller", "cycles_left"): Counter(
        controller, timing.DESCRIPTOR_TO_LAYER - 2, "counts down from it"
    ),
    ("controller", "layers_left"): Counter(
        controller, (1 << 32) - 1, "the register num_descriptors"
    ),
    ("counters", "gained"): Counter(
        Counters,
        MAX_GAINS["l2_reads"] * len(PERFORMANCE_COUNTERS),
        "it is taken in each turn of its counter",
        signal="gained_l2_reads",
    ),
    ("counters", "fresh"): Counter(
        Counters, len(PERFORMANCE_COUNTERS), "a word that means nothing for each counter"
    ),
    ("counters", "turn"): Counter(
        Counters, len(PERFORMANCE_COUNTERS) - 1, "one turn for each counter"
    ),
    ("credit", "count"): Counter(
        lambda: Credit(initial=2, distance=1), MOST_CREDITS, "two buffers of everything"
    ),
    ("drain", "latest"): Counter(drain, timing.DRAIN_TO_REVISIT, "counts down from it"),
    ("drain", "before"): Counter(drain, timing.DRAIN_TO_REVISIT, "counts down from it"),
    ("input_network", "address"): Counter(
        inputs,
        65536 - 1,
        "bytes of the largest input buffer of a PE",
        signal="delivery__channel_address",
    ),
    ("input_network", "column"): Counter(
        inputs, COORDINATE, "columns of the image and of a tile", is_signed=True
    ),
    ("input_network", "row"): Counter(
        inputs, COORDINATE, "rows of the image and of a tile", is_signed=True
    ),
    ("input_network", "group"): Counter(
        inputs, 1024, "positions of the longest axis", signal="delivery__group"
    ),
    ("load_scheduler", "run"): Counter(
        LoadScheduler, WRAPS, "compared with runs at most four away"
    ),
    ("loop_nest", "index"): Counter(
        nest, MAX_FIELD, "trips of a loop are at most this", signal="index__0"
    ),
    ("loop_nest", "value"): Counter(nest, WRAPS, "an address", signal="value_value"),
    ("queue", "back"): Counter(queue, QUEUE_DEPTH - 1, "the depth, a power of two"),
    ("queue", "front"): Counter(queue, QUEUE_DEPTH - 1, "the depth, a power of two"),
    ("queue", "level"): Counter(queue, QUEUE_DEPTH, "the depth"),
    ("reader", "num_drained"): Counter(
        lambda: Reader(LoadOptions(residual=True), beat_bytes=4),
        WRAPS,
        "compared with runs at most a few away",
    ),
    ("reader", "outstanding"): Counter(
        lambda: Reader(beat_bytes=4),
        timing.READ_AHEAD_BEATS - 1 + 2 * 256,
        "one burst exceeds the limit and one more is offered; a burst has at most 256 beats",
    ),
    ("serial_bridge", "self.address"): Counter(bridge, WRAPS, "an address"),
    ("serial_bridge", "self.byte"): Counter(bridge, 3, "bytes of a word but one"),
    ("serial_bridge", "self.left"): Counter(bridge, MAX_WORDS - 1, "words of a command but one"),
    ("uart_receiver", "count"): Counter(receiver, MAX_DIVISOR - 1, "counts down from it"),
    ("uart_receiver", "left"): Counter(receiver, FRAME_BITS, "bits of a frame"),
    ("uart_transmitter", "count"): Counter(transmitter, MAX_DIVISOR - 1, "counts down from it"),
    ("uart_transmitter", "left"): Counter(transmitter, FRAME_BITS, "bits of a frame"),
    ("watchdog", "left"): Counter(
        Watchdog, ((1 << 32) - 1) * timing.WATCHDOG_UNIT, "the register watchdog"
    ),
    ("weight_network", "address"): Counter(weights, WRAPS, "an address", signal="read__address"),
    ("window", "coming"): Counter(window, MAX_WINDOW, "rows or columns of a step"),
    ("window", "address"): Counter(window, WRAPS, "an address", signal="address__0__0"),
    ("writer", "outstanding"): Counter(
        lambda: Writer(beat_bytes=4),
        timing.WRITE_AHEAD_BURSTS,
        "no address is offered from the limit on",
    ),
    ("writer", "position"): Counter(lambda: Writer(beat_bytes=4), 255, "beats of a burst but one"),
    ("writer", "count"): Counter(
        lambda: Writer(beat_bytes=4),
        timing.WRITE_AHEAD_BURSTS,
        "bursts without a response",
        signal="missing_0",
    ),
    ("writer", "num_runs"): Counter(
        lambda: Writer(beat_bytes=4), WRAPS, "compared with runs at most four away"
    ),
}


def registers_that_add() -> set[tuple[str, str]]:
    """(module, name in the source) of all signals whose new value is a sum with their old one."""
    found = set()
    for path in sorted(FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "eq"
            ):
                name = _whole(node.func.value)
                if any(_adds(part, name) for part in ast.walk(node.args[0])):
                    found.add((path.stem, name))
    return found


def _whole(node: ast.expr) -> str:
    """The signal of which it is a part."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return ast.unparse(node)


def _adds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return name in (_whole(node.left), _whole(node.right))
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "sum_with_carry"
        and name in map(ast.unparse, node.args)
    )


def test_every_register_that_counts_is_listed() -> None:
    assert registers_that_add() == set(COUNTERS)


@pytest.mark.takes_seconds
@pytest.mark.parametrize(("module", "name"), COUNTERS)
def test_it_holds_the_largest_legal_value(module: str, name: str) -> None:
    counter = COUNTERS[module, name]
    width = width_of(counter.build(), counter.signal or flat_name(name))
    if counter.largest != WRAPS:
        assert counter.largest < 1 << (width - counter.is_signed), counter.rule


def flat_name(name: str) -> str:
    """Name of a signal of the component: `self.read.address` is `read__address`."""
    return name.removeprefix("self.").replace(".", "__")


def width_of(component: wiring.Component, signal: str) -> int:
    """Bits of a register in the component's own module, the narrowest of that name."""
    ports = [
        Value.cast(value)
        for _, _, value in component.signature.flatten(component)
        if not isinstance(value, Const)  # the `ready` of a stream that is always ready
    ]
    text = rtlil.convert(component, ports=ports, emit_src=False)
    top = text[text.rindex("\nmodule \\top\n") :].partition("\nend\n")[0]
    lines = re.findall(rf"^  wire width (\d+) ([^\\\n]*)\\{signal}(?:\$\d+)?$", top, re.M)
    widths = [int(width) for width, kind in lines if "input" not in kind]
    assert widths, f"{signal} must be a register of the module"
    return min(widths)


def test_the_limits_of_the_bus_cost_no_cycle() -> None:
    """Load and store hold back only when more is under way than the longest latency takes in."""
    latency = Accelerator.model_fields["dram_latency_cycles"].metadata
    longest = max(getattr(limit, "le", 0) for limit in latency)
    pipeline = 32  # bursts in queues, and cycles from a beat to what follows from it
    assert timing.READ_AHEAD_BEATS >= longest + pipeline
    assert timing.WRITE_AHEAD_BURSTS >= longest + pipeline


def test_runs_that_are_compared_are_closer_than_half_of_their_range() -> None:
    """At most two runs are loaded ahead of drain, and two drained ahead of store."""
    assert 2 + 2 + 1 < 1 << (RUN_BITS - 1)
    assert L2_BITS <= DRAM_BITS
    assert NEST == max(ENTRIES)

# amaranth: UnusedElaboratable=no
"""Random components for the Verilog printer, and what simulators say about them.

A component follows from its seed: ports, registers, operators, statements, memories, submodules.
"""

import random
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from amaranth.hdl import (
    Array,
    Cat,
    ClockDomain,
    Module,
    Mux,
    Shape,
    Signal,
    Value,
    signed,
    unsigned,
)
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from naas_hw.emit.platform import flat_ports
from naas_hw.emit.verilog import emit_verilog
from naas_hw.rtl.primitives.shared import SharedComponent

MAX_WIDTH: Final = 24
NAMES: Final = (
    "a", "b", "a_b", "a__b", "b_2", "input", "reg", "case", "value", "i", "i_2", "not_a", "do",
    "a_plus_b", "state", "r0__o0", "t0__a", "word", "signed", "any_a", "a_is_b", "KIND_ONE",
)  # fmt: skip
"""Names that meet words of Verilog, or names that the printer makes."""


class Kind(enum.Enum, shape=3):  # type: ignore[call-arg]
    """Values of an enum."""

    ZERO = 0
    ONE = 1
    SIX = 6


RECORD: Final = data.StructLayout(
    {"a": unsigned(3), "b": signed(4), "kind": Kind, "words": data.ArrayLayout(signed(3), 3)}
)


class RandomComponent(SharedComponent):
    """Random logic.

    Parameters
    ----------
    seed : all follows from it.
    level : how many levels of components may be inside.
    """

    def __init__(self, *, seed: int, level: int = 1) -> None:
        self.seed = seed
        self.level = level
        rng = random.Random(seed)
        ports = {f"i{n}": In(_shape(rng)) for n in range(rng.randint(1, 4))}
        ports |= {f"o{n}": Out(_shape(rng)) for n in range(rng.randint(1, 4))}
        if rng.random() < 0.3:
            ports[rng.choice(["input", "a_b", "wire", "t0__i0"])] = In(_shape(rng))
        super().__init__(ports)

    @property
    def parameters(self) -> tuple[int, int]:
        return (self.seed, self.level)

    def build(self, platform: Any) -> Module:
        m = Module()
        _Logic(m, self, random.Random(self.seed + 1)).build()
        return m


class PlainComponent(wiring.Component):
    """The same, not shared: a module of its own for each instance."""

    def __init__(self, *, seed: int) -> None:
        self.inner = RandomComponent(seed=seed, level=0)
        super().__init__(dict(self.inner.signature.members))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        _Logic(m, self, random.Random(self.inner.seed + 2)).build()
        return m


def _width(rng: random.Random) -> int:
    return rng.choice([1, 1, 1, 2, 3, 3, 4, 5, 8, rng.randint(1, MAX_WIDTH)])


def _shape(rng: random.Random) -> Shape:
    width = _width(rng)
    return signed(width) if rng.random() < 0.4 else unsigned(width)


class _Logic:
    """Fills the module of a component."""

    def __init__(self, m: Module, component: Any, rng: random.Random) -> None:
        self.m = m
        self.component = component
        self.rng = rng
        ports = [value for _, value, _ in flat_ports(component)]
        inputs = [is_input for _, _, is_input in flat_ports(component)]
        self.outputs = [port for port, is_input in zip(ports, inputs, strict=True) if not is_input]
        self.pool: list[Any] = [p for p, is_input in zip(ports, inputs, strict=True) if is_input]
        self.names = list(NAMES)
        rng.shuffle(self.names)

    def build(self) -> None:
        rng = self.rng
        registers = [self._register(n) for n in range(rng.randint(0, 4))]
        registers += [o for o in self.outputs if rng.random() < 0.4]
        record = None
        if rng.random() < 0.4:
            record = Signal(RECORD, name=self._name("record"))
            registers.append(record)
        self.pool += registers
        for number in range(rng.randint(0, 4)):
            choice = rng.random()
            if choice < 0.15 and getattr(self.component, "level", 0) > 0:
                self._instance(number)
            elif choice < 0.3:
                self._memory(number)
            else:
                wire = Signal(_shape(rng), name=self._name(f"w{number}"), init=-rng.randint(0, 1))
                self._assign("comb", wire)
                self.pool.append(wire)
        for register in registers:
            self._assign("sync", register)
        if rng.random() < 0.35:
            self._machine(registers)
        for output in self.outputs:
            if not any(output is each for each in registers):
                self._assign("comb", output)

    def _name(self, plain: str) -> str:
        return self.names.pop() if self.names and self.rng.random() < 0.3 else plain

    def _register(self, number: int) -> Any:
        rng = self.rng
        name = self._name(f"r{number}")
        if rng.random() < 0.2:
            return Signal(Kind, name=name, init=rng.choice(list(Kind)))
        shape = _shape(rng)
        least = -(1 << shape.width >> 1) if shape.signed else 0
        init = rng.randint(least, least + (1 << shape.width) - 1) if rng.random() < 0.6 else 0
        return Signal(shape, name=name, init=init, reset_less=rng.random() < 0.3)

    def _instance(self, number: int) -> None:
        rng = self.rng
        seed = rng.randint(0, 1 << 30)
        inner: Any = PlainComponent(seed=seed)
        if rng.random() < 0.5:
            inner = RandomComponent(seed=seed, level=self.component.level - 1)
        setattr(self.m.submodules, self._name(f"t{number}"), inner)
        ports = flat_ports(inner)
        self.m.d.comb += [value.eq(self.value(2)) for _, value, is_input in ports if is_input]
        self.pool += [value for _, value, is_input in ports if not is_input]

    def _memory(self, number: int) -> None:
        rng = self.rng
        granularity = rng.randint(1, 5)
        width, depth = granularity * rng.randint(1, 3), rng.choice([1, 2, 3, 4, 7, 8])
        init = [rng.randint(0, (1 << width) - 1) for _ in range(rng.choice([0, 1, depth]))]
        memory = Memory(shape=width, depth=depth, init=init)
        setattr(self.m.submodules, self._name(f"memory{number}"), memory)
        write = memory.write_port(granularity=rng.choice([granularity, None]))
        read = memory.read_port(domain="comb")
        # an address beyond the end is read as X in Verilog
        self.m.d.comb += read.addr.eq(_below(self.value(1), depth))
        self.m.d.comb += write.addr.eq(_below(self.value(1), depth))
        self.m.d.comb += [write.data.eq(self.value(2)), write.en.eq(self.value(2))]
        self.pool.append(read.data)

    def _machine(self, registers: list[Any]) -> None:
        rng, m = self.rng, self.m
        states = [f"S{n}" for n in range(rng.randint(1, 5))]
        free = [Signal(_shape(rng), name=self._name("m")) for _ in range(2)]
        with m.FSM(name=rng.choice(["fsm", "state", "a"])):
            for state in states:
                with m.State(state):
                    for target in free:
                        self._statements("comb", target, 1)
                    with m.If(self.condition()):
                        m.next = rng.choice(states)
                    if rng.random() < 0.3:
                        m.next = rng.choice(states)
                    if registers and rng.random() < 0.5:
                        self._statements("sync", rng.choice(registers), 1)
        self.pool += free

    # ------------------------------------------------------------ statements

    def _assign(self, domain: str, target: Any) -> None:
        for _ in range(self.rng.randint(1, 3)):
            self._statements(domain, target, self.rng.randint(0, 3))

    def _statements(self, domain: str, target: Any, depth: int) -> None:
        rng, m = self.rng, self.m
        choice = rng.random()
        if depth == 0 or choice < 0.3:
            m.d[domain] += self._eq(domain, target)
        elif choice < 0.65:
            with m.If(self.condition()):
                self._statements(domain, target, depth - 1)
            for _ in range(rng.choice([0, 0, 1, 2])):
                with m.Elif(self.condition()):
                    self._statements(domain, target, depth - 1)
            if rng.random() < 0.5:
                with m.Else():
                    self._statements(domain, target, depth - 1)
        else:
            self._switch(domain, target, depth)

    def _switch(self, domain: str, target: Any, depth: int) -> None:
        rng, m = self.rng, self.m
        value = self._as_value(self.value(1))[: rng.randint(1, 4)]
        with m.Switch(value):
            for _ in range(rng.randint(0, 4)):
                patterns = [self._pattern(len(value)) for _ in range(rng.randint(1, 2))]
                with m.Case(*patterns):
                    if rng.random() < 0.9:
                        self._statements(domain, target, depth - 1)
            if rng.random() < 0.4:
                with m.Default():
                    self._statements(domain, target, depth - 1)

    def _pattern(self, width: int) -> str:
        letters = "01-" if self.rng.random() < 0.3 else "01"
        return "".join(self.rng.choice(letters) for _ in range(width))

    def _eq(self, domain: str, target: Any) -> Any:
        value = self.value(3)
        if domain == "sync" and self.rng.random() < 0.1:
            value = target
        if isinstance(target, data.View):
            return self._record_target(target).eq(value)
        return self._target(Value.cast(target)).eq(value)

    def _record_target(self, record: Any) -> Any:
        rng = self.rng
        choices = [record.as_value(), record.a, record.b, record.words[rng.randint(0, 2)]]
        return rng.choice(
            [*choices, record.words[self.value(1).as_unsigned()[:4]], record.kind.as_value()]
        )

    def _target(self, target: Value) -> Any:
        rng, width = self.rng, len(target)
        choice = rng.random()
        if choice < 0.6:
            return target
        if choice < 0.7:
            low = rng.randint(0, width - 1)
            return target[low : rng.randint(low + 1, width)]
        if choice < 0.78:
            return target.bit_select(self.value(1).as_unsigned()[:4], rng.randint(1, width))
        if choice < 0.86:
            return target.word_select(self.value(1).as_unsigned()[:4], rng.randint(1, width))
        if choice < 0.93:
            low = rng.randint(0, width)
            return Cat(target[low:], target[:low])
        return Array([target[n:] for n in range(width)])[self.value(1).as_unsigned()]

    # ------------------------------------------------------------ values

    @staticmethod
    def _as_value(value: Any) -> Value:
        return Value.cast(value)

    def condition(self) -> Value:
        return self.value(self.rng.randint(0, 3)).as_unsigned()

    def value(self, depth: int) -> Value:
        """A value of at least one bit and not too many."""
        value = self._leaf() if depth == 0 or self.rng.random() < 0.15 else self._operation(depth)
        if len(value) > MAX_WIDTH:
            low = self.rng.randint(0, len(value) - MAX_WIDTH)
            value = value[low : low + self.rng.randint(1, MAX_WIDTH)]
        if self.rng.random() < 0.12:
            value = value.as_signed() if self.rng.random() < 0.5 else value.as_unsigned()
        return value

    def _leaf(self) -> Value:
        rng = self.rng
        if rng.random() < 0.12 or not self.pool:
            return Value.cast(rng.choice([0, 1, -1, rng.randint(-300, 300)]))[: _width(rng)]
        found = rng.choice(self.pool)
        if isinstance(found, data.View):
            fields = [found.a, found.b, found.kind, found.words[1], found.as_value(), found.words]
            chosen = rng.choice(fields)
            index = self.pool[0].as_unsigned()[:4]
            chosen = chosen[index] if chosen is fields[-1] else chosen
            return Value.cast(chosen)
        return Value.cast(found)

    def _operation(self, depth: int) -> Value:
        rng = self.rng
        a, b = self.value(depth - 1), self.value(depth - 1)
        few = b.as_unsigned()[: rng.randint(1, 4)]
        operations: list[Callable[[], Any]] = [
            lambda: a + b,
            lambda: a - b,
            lambda: a * b,
            lambda: -a,
            lambda: ~a,
            lambda: abs(a),
            lambda: a & b,
            lambda: a | b,
            lambda: a ^ b,
            lambda: a == b,
            lambda: a != b,
            lambda: a < b,
            lambda: a <= b,
            lambda: a > b,
            lambda: a >= b,
            lambda: (a << few)[: rng.randint(1, MAX_WIDTH)],
            lambda: a >> few,
            lambda: a >> b.as_unsigned(),
            lambda: a.shift_left(rng.randint(0, 5)),
            lambda: a.shift_right(rng.randint(0, 5)),
            lambda: a.rotate_left(rng.randint(0, 5)),
            lambda: Mux(self.value(depth - 1), a, b),
            lambda: Mux(self.value(depth - 1), a, b),
            lambda: Cat(a, b),
            lambda: Cat(b, a[: len(a) // 2], a),
            lambda: a.replicate(rng.randint(1, 3)),
            lambda: a[rng.randint(0, len(a) - 1) :],
            lambda: a[: rng.randint(1, len(a))],
            lambda: Cat(a).bit_select(few, rng.randint(1, 6)),
            lambda: Cat(a).bit_select(few * rng.randint(1, 3), rng.randint(1, 6)),
            lambda: Cat(a).word_select(few, rng.randint(1, 6)),
            lambda: Array([a, b, self.value(depth - 1)])[few],
            lambda: a.any(),
            lambda: a.all(),
            lambda: a.xor(),
            lambda: a.bool(),
            lambda: a.matches(self._pattern(len(a)), self._pattern(len(a))),
            lambda: a.as_signed(),
        ]
        value = Value.cast(rng.choice(operations)())
        return value if len(value) else a


def _below(value: Value, depth: int) -> Value:
    wide = value.as_unsigned()[:3]
    return Mux(wide < depth, wide, 0)


# ---------------------------------------------------------------- simulation


@dataclass(frozen=True)
class Row:
    """Inputs of one cycle: the reset, active high, and each port."""

    reset: int
    inputs: tuple[tuple[str, int], ...]


def random_rows(component: wiring.Component, seed: int, cycles: int) -> list[Row]:
    """Random inputs; corners are frequent, a reset comes now and then."""
    rng = random.Random(seed)
    rows = []
    for cycle in range(cycles):
        inputs = []
        for name, port, is_input in flat_ports(component):
            if is_input:
                top = (1 << len(port)) - 1
                inputs.append((name, rng.choice([0, top, top >> 1, *(rng.randint(0, top),) * 4])))
        rows.append(Row(int(cycle < 1 or rng.random() < 0.05), tuple(inputs)))
    return rows


def simulate_in_amaranth(component: wiring.Component, rows: Sequence[Row]) -> list[str]:
    """The outputs of each cycle before its clock edge, in hexadecimal."""
    ports = {name: value for name, value, _ in flat_ports(component)}
    outputs = [value for _, value, is_input in flat_ports(component) if not is_input]
    m = Module()
    m.domains.sync = domain = ClockDomain("sync")
    m.submodules.component = component
    lines: list[str] = []

    async def bench(ctx: Any) -> None:
        for row in rows:
            ctx.set(domain.rst, row.reset)
            for name, value in row.inputs:
                ctx.set(ports[name].as_unsigned(), value)
            words = (f"{ctx.get(o.as_unsigned()):0{-(-len(o) // 4)}x}" for o in outputs)
            lines.append(" ".join(words))
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return lines


def bench_of(name: str, component: wiring.Component, rows: Sequence[Row]) -> str:
    """A module that runs a printed component and writes lines as `simulate_in_amaranth` does."""
    ports = flat_ports(component)
    outputs = [port for port, _, is_input in ports if not is_input]
    declared = "".join(
        f"  {'reg' if is_input else 'wire'} [{len(value) - 1}:0] p_{port};\n"
        for port, value, is_input in ports
    )
    steps = "".join(
        f"    aresetn = {1 - row.reset};"
        + "".join(f" p_{port} = {value};" for port, value in row.inputs)
        + f' #4 $display("{name} {" ".join(["%h"] * len(outputs))}", '
        + f"{', '.join('p_' + port for port in outputs)}); #1 aclk = 1; #5 aclk = 0;\n"
        for row in rows
    )
    connected = "".join(f", .{_printed(port)}(p_{port})" for port, _, _ in ports)
    return (
        f"module bench_{name};\n  reg aclk = 0, aresetn = 0;\n{declared}"
        f"  {name} dut (.aclk(aclk), .aresetn(aresetn){connected});\n"
        f"  initial begin\n{steps}  end\nendmodule\n"
    )


def _printed(port: str) -> str:
    return port + "_" * (port in ("input", "wire"))


def simulate_in_icarus(
    benches: dict[str, str], files: dict[str, str], folder: Path
) -> dict[str, list[str]]:
    """The lines that each bench writes."""
    (folder / "benches.v").write_text("\n".join(benches.values()))
    for name, text in files.items():
        (folder / name).write_text(text)
    tops = [word for name in benches for word in ("-s", f"bench_{name}")]
    command = ["iverilog", "-g2005", *tops, "-o", "bench.vvp", "benches.v", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        ["vvp", "-n", "bench.vvp"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines: dict[str, list[str]] = {name: [] for name in benches}
    for line in done.stdout.splitlines():
        name, _, words = line.partition(" ")
        lines[name].append(words)
    return lines


def emitted(seed: int) -> dict[str, str]:
    """Files of the component of a seed; their names are its own."""
    return emit_verilog(RandomComponent(seed=seed), name=f"dut_{seed}", banner="x")

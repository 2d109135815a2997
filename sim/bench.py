"""The cocotb bench: one run of the accelerator, the same on every simulator.

Reads a JSON file named by NAAS_BENCH_REQUEST, writes one named by NAAS_BENCH_RESULT. Everything
that happens in every cycle happens in naas_harness.v; here nothing wakes up between a start and
the end of its run.

Request: `starts`, one after the other, `period` cycles (of a beat of the memory) apart at least;
`dump` (whether DRAM is written to its file at the end); `num_l2`. A start: `writes` (list of
[address, value], the last one starts the accelerator), `writes_while_busy` (the same, right behind
them), `reset_after` (cycles after the start at which the accelerator and the memory are reset, or
null), `core_only` (whether the accelerator alone is reset, and what is under way to memory is ended
for it), `reads` (list of addresses, read at the end), `writable` (first and last byte that may be
written, or null: all; counted from the base of the memory). After a hang both are reset.
Result: a list with `status` (done, hang, reset, or no_start, no_answer), `cycles`, `counters`,
`l2_accesses`, `registers` for each start.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, First, ReadOnly, RisingEdge

CLOCK_PERIOD_NS = 10
RESET_CYCLES = 4
ANSWER_CYCLES = 1000  # an access to a register that takes longer has no answer

COUNTERS = (
    "dram_read_beats",
    "dram_write_beats",
    "dram_read_bursts",
    "dram_write_bursts",
    "weight_buffer_writes",
    "input_buffer_writes",
    "weight_buffer_reads",
    "input_buffer_reads",
    "accumulator_reads",
    "accumulator_writes",
    "macs",
    "protocol_errors",
    "ordering_errors",
    "rready_low",
)


class NoAnswerError(Exception):
    """The AXI4-Lite slave did not answer in time."""


class AxiLite:
    """AXI4-Lite master. Signals change at falling edges, so that no simulator sees a race.

    Accesses follow each other without a pause: the next address is offered in the cycle after the
    last one was accepted, responses are taken whenever they come.
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut

    async def write(self, accesses: Sequence[tuple[int, int]]) -> None:
        """Write all (address, value), and wait for the last response."""
        dut = self.dut
        addresses = [address for address, _ in accesses]
        values = [value for _, value in accesses]
        num_addresses = num_values = num_responses = waited = 0
        dut.s_axil_bready.value = 1
        while num_responses < len(accesses):
            offers_address = num_addresses < len(addresses)
            offers_value = num_values < len(values)
            dut.s_axil_awvalid.value = offers_address
            dut.s_axil_wvalid.value = offers_value
            if offers_address:
                dut.s_axil_awaddr.value = addresses[num_addresses]
            if offers_value:
                dut.s_axil_wdata.value = values[num_values]
            await ReadOnly()
            taken = (
                offers_address and dut.s_axil_awready.value == 1,
                offers_value and dut.s_axil_wready.value == 1,
                dut.s_axil_bvalid.value == 1,
            )
            num_addresses += taken[0]
            num_values += taken[1]
            num_responses += taken[2]
            waited = 0 if any(taken) else waited + 1
            if waited > ANSWER_CYCLES:
                raise NoAnswerError
            await FallingEdge(dut.aclk)
        dut.s_axil_bready.value = 0
        dut.s_axil_awvalid.value = 0
        dut.s_axil_wvalid.value = 0

    async def read(self, addresses: Sequence[int]) -> list[int]:
        """Read all addresses."""
        dut = self.dut
        values: list[int] = []
        num_addresses = waited = 0
        dut.s_axil_rready.value = 1
        while len(values) < len(addresses):
            offers = num_addresses < len(addresses)
            dut.s_axil_arvalid.value = offers
            if offers:
                dut.s_axil_araddr.value = addresses[num_addresses]
            await ReadOnly()
            answered = dut.s_axil_rvalid.value == 1
            taken = offers and dut.s_axil_arready.value == 1
            num_addresses += taken
            if answered:
                values.append(_number(dut.s_axil_rdata))
            waited = 0 if answered or taken else waited + 1
            if waited > ANSWER_CYCLES:
                raise NoAnswerError
            await FallingEdge(dut.aclk)
        dut.s_axil_rready.value = 0
        dut.s_axil_arvalid.value = 0
        return values


def _number(signal: Any) -> int:
    """A signal as a number; -1 where a bit of it is X or Z."""
    value = signal.value
    return value.to_unsigned() if value.is_resolvable else -1


async def _reset(dut: Any) -> None:
    dut.aresetn.value = 0
    for _ in range(RESET_CYCLES):
        await FallingEdge(dut.aclk)
    dut.aresetn.value = 1
    await FallingEdge(dut.aclk)


async def _reset_core(dut: Any) -> None:
    dut.core_aresetn.value = 0
    for _ in range(RESET_CYCLES):
        await FallingEdge(dut.aclk)
    if dut.quiet.value != 1:
        await RisingEdge(dut.quiet)
        await FallingEdge(dut.aclk)
    dut.core_aresetn.value = 1
    await FallingEdge(dut.aclk)


async def _rest(dut: Any, cycles: int) -> None:
    """Let the memory give a beat again, as it does at the first start; predictions begin there."""
    for _ in range(cycles):
        await FallingEdge(dut.aclk)


async def _work(dut: Any, port: AxiLite, start: dict[str, Any]) -> str:
    first, last = start["writable"] or (0, (1 << 64) - 1)
    dut.range_first.value, dut.range_last.value = first, last
    num_starts = _number(dut.num_starts)
    try:
        await port.write(start["writes"])
        if _number(dut.num_starts) == num_starts:
            return "no_start"
        await port.write(start["writes_while_busy"])
    except NoAnswerError:
        return "no_answer"
    if start["reset_after"] is not None:
        await First(ClockCycles(dut.aclk, start["reset_after"]), RisingEdge(dut.finished))
        await FallingEdge(dut.aclk)
        await (_reset_core(dut) if start["core_only"] else _reset(dut))
        return "reset"
    if dut.finished.value != 1:
        await RisingEdge(dut.finished)
    await FallingEdge(dut.aclk)
    return "hang" if dut.hang.value == 1 else "done"


async def _registers(port: AxiLite, addresses: Sequence[int]) -> dict[int, int]:
    try:
        return dict(zip(addresses, await port.read(addresses), strict=True))
    except NoAnswerError:
        return {}


async def _run(dut: Any, port: AxiLite, start: dict[str, Any], num_l2: int) -> dict[str, Any]:
    outside = _number(dut.writes_outside)
    status = await _work(dut, port, start)
    cycles = _number(dut.end_cycle)
    counters = {name: _number(getattr(dut, name)) for name in COUNTERS}
    l2_accesses = _number(dut.l2_accesses)
    counters["writes_outside"] = _number(dut.writes_outside) - outside
    mask = (1 << 64) - 1
    registers = await _registers(port, start["reads"])
    counters["protocol_errors"] = _number(dut.protocol_errors)  # with those of these reads
    if status == "hang":
        await _reset(dut)
    return {
        "status": status,
        "cycles": cycles,
        "counters": counters,
        "l2_accesses": [
            l2_accesses if l2_accesses < 0 else l2_accesses >> 64 * kind & mask
            for kind in range(num_l2)
        ],
        "registers": registers,
    }


@cocotb.test()
async def run(dut: Any) -> None:
    """Reset; then for each start: registers, start, end, registers; then DRAM."""
    request = json.loads(Path(os.environ["NAAS_BENCH_REQUEST"]).read_text(encoding="utf-8"))
    Clock(dut.aclk, CLOCK_PERIOD_NS, unit="ns").start()
    await _reset(dut)
    port = AxiLite(dut)
    results = []
    for number, start in enumerate(request["starts"]):
        if number:
            await _rest(dut, request["period"])
        results.append(await _run(dut, port, start, request["num_l2"]))
    if request["dump"]:
        dut.dump.value = 1
        await FallingEdge(dut.aclk)
    Path(os.environ["NAAS_BENCH_RESULT"]).write_text(json.dumps(results), encoding="utf-8")

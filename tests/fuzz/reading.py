"""What reads files, in a process of its own: `python reading.py FOLDER`.

At first FOLDER/whole gets a whole file of each kind. Then a line on standard input names a file,
whose damaged form lies in FOLDER/damaged. The answer is a line of JSON: exit status, what was said,
the largest memory meanwhile.
"""

import json
import resource
import shutil
import sys
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from naas_hw import api
from naas_hw.api.hardware import predicted_json
from naas_hw.arch.files import read_budget
from naas_hw.arch.technology import SIZED
from naas_hw.cli import main
from naas_hw.cli.exits import run_to_status
from naas_hw.exchange.formats import Format
from naas_hw.experiments.resumable_searches import KeptMappings, read_kept
from naas_hw.experiments.timeloop import compare_with_timeloop
from naas_hw.runs.history_counts import count_history
from naas_hw.search import History, SearchSettings
from naas_hw.search.accelerator.layer_store import LayerStore
from naas_hw.search.mapping.layer_search import MappingResult
from naas_hw.sim.network import plan_runs
from naas_hw.system.yaml_files import dump_yaml
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

MAX_ADDRESS_SPACE = 6 << 30
TIMELOOP_CASES = Path(__file__).parents[1] / "data" / "timeloop_cases.json"
NETWORK = Network(
    name="net",
    layers=(
        Layer(name="a", K=4, C=4, P=4, Q=4, R=3, S=3, height=4, width=4, padding=(1, 1)),
        Layer(name="b", K=4, C=4, P=2, Q=4, height=2, width=4),
    ),
)
SETTINGS = SearchSettings(
    population=2, generations=2, mapping_evaluations=32, min_legal=4, final_effort=1
)
GRAPH = {
    "graph_module": {
        "graph": {
            "tensor_values": {
                name: {"sizes": [{"as_int": size} for size in shape]}
                for name, shape in {
                    "w": (4, 3, 3, 3), "x": (1, 3, 8, 8), "c": (1, 4, 6, 6), "r": (1, 4, 6, 6),
                }.items()
            },
            "nodes": [
                {
                    "target": "torch.ops.aten.conv2d.default",
                    "inputs": [
                        {"name": "input", "arg": {"as_tensor": {"name": "x"}}},
                        {"name": "weight", "arg": {"as_tensor": {"name": "w"}}},
                    ],
                    "outputs": [{"as_tensor": {"name": "c"}}],
                },
                {
                    "target": "torch.ops.aten.relu.default",
                    "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "c"}}}],
                    "outputs": [{"as_tensor": {"name": "r"}}],
                },
            ],
            "outputs": [{"as_tensor": {"name": "r"}}],
        },
        "signature": {
            "input_specs": [
                {"parameter": {"arg": {"name": "w"}, "parameter_name": "conv.weight"}},
                {"user_input": {"arg": {"as_tensor": {"name": "x"}}}},
            ]
        },
    }
}  # fmt: skip


def prepare(folder: Path) -> None:
    """A whole file of each kind."""
    run = folder / "run"
    budget = api.find_budget("shidiannao")
    api.search([NETWORK], budget, SETTINGS, run=run)
    (run / "energy_table.yaml").write_text(dump_yaml(SIZED))
    (folder / "budget.yaml").write_text(dump_yaml(budget))
    design = api.read_design(run)
    api.export(design, to=Format.TIMELOOP).write(folder / "timeloop")
    for name in ("architecture.yaml", "ERT.yaml", "ART.yaml"):  # for Timeloop: naas reads none
        (folder / "timeloop" / name).unlink()
    runs = plan_runs(design.accelerator, design.network, design.mappings)
    found = api.SimulationReport(layers=(), simulator="icarus", version="11.0", timed=True)
    (run / "sim").mkdir()
    (run / "sim" / "predicted.json").write_text(predicted_json(runs, 1))
    (run / "sim" / "simulated.json").write_text(api.simulation_json(found))
    kept = KeptMappings(mappings=dict(design.mappings))
    (folder / "kept.json").write_text(kept.model_dump_json())
    cases = json.loads(TIMELOOP_CASES.read_text())
    (folder / "cases.json").write_text(json.dumps({**cases, "cases": cases["cases"][:2]}))
    with History.read(run / "history.sqlite") as history:
        record = next(history.records())
    with LayerStore.open(folder / "layers.sqlite", digest="x") as store:
        costs: list[tuple[Layer, MappingResult | None]] = [
            (layer, record.layers[layer.name]) for layer in NETWORK.layers
        ]
        store.add(design.accelerator, costs)
    with zipfile.ZipFile(folder / "model.pt2", "w") as archive:
        archive.writestr("model/models/model.json", json.dumps(GRAPH))


def read(folder: Path, name: str) -> int:
    """Do with a damaged file all that reads files of its kind; the worst exit status."""
    path = folder / name
    if name == "budget.yaml":
        return run_to_status(lambda: read_budget(path))
    if name == "kept.json":
        return run_to_status(lambda: read_kept(path, NETWORK))
    if name == "cases.json":
        return run_to_status(lambda: compare_with_timeloop(path))
    if name == "layers.sqlite":
        return run_to_status(lambda: _read_layers(path))
    if name == "model.pt2":
        return main(["check", str(path)])
    if name.startswith("timeloop/"):
        words = ["import", str(folder / "timeloop"), "--from", "timeloop"]
        return main([*words, "--force", "-o", str(folder / "back.yaml")])
    if name == "run/history.sqlite":
        counted = run_to_status(lambda: count_history(path, due_mappings=4))
        return max(counted, run_to_status(lambda: _resume(path)), _report(folder))
    if name.endswith(".json"):
        return _report(folder)
    if name == "run/network.yaml":
        return max(main(["check", str(path)]), main(["evaluate", str(folder / "run")]))
    return main(["evaluate", str(folder / "run")])


def _report(folder: Path) -> int:
    return main(["report", str(folder / "run"), "-o", str(folder / "report.html")])


def _resume(path: Path) -> None:
    with History.open(path, digest=DIGEST, resume=True) as history:
        list(history.records())


def _read_layers(path: Path) -> None:
    with LayerStore.open(path, digest="x") as store:
        store.known(ACCELERATOR, NETWORK.layers)


def answer(folder: Path, name: str) -> dict[str, object]:
    """What reading came to."""
    said, printed = StringIO(), StringIO()
    Path("/proc/self/clear_refs").write_text("5")  # the largest memory counts from here on
    with redirect_stderr(said), redirect_stdout(printed):
        status = read(folder, name)
    state = Path("/proc/self/status").read_text()
    memory = 1024 * int(state.partition("VmHWM:")[2].split()[0])
    return {"status": int(status), "said": said.getvalue(), "memory": memory}


if __name__ == "__main__":
    root = Path(sys.argv[1])
    if not (root / "whole").exists():
        prepare(root / "preparing")
        (root / "preparing").rename(root / "whole")
    DIGEST = json.loads((root / "whole" / "run" / "manifest.json").read_text())["digest"]
    ACCELERATOR = api.read_design(root / "whole" / "run").accelerator
    shutil.rmtree(root / "damaged", ignore_errors=True)
    shutil.copytree(root / "whole", root / "damaged")
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(root / "damaged", line.strip())), flush=True)

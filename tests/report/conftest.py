"""A run that was searched and (as far as its files say) simulated, and a browser to look at it.

The browser is a headless Chromium, driven over the W3C WebDriver protocol.
"""

import base64
import json
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from naas_hw import api
from naas_hw.api.hardware import predicted_json
from naas_hw.arch.budget import Budget
from naas_hw.runs.facts import RunFacts, read_run_facts
from naas_hw.runs.folder import RunFolder
from naas_hw.search import SearchSettings
from naas_hw.sim.layer import LayerReport
from naas_hw.sim.network import LayerRun, plan_runs
from naas_hw.system.tools import require_tool
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network

NETWORK = Network(
    name="small",
    layers=(
        Layer(name="first", K=8, C=3, P=8, Q=8, R=3, S=3, height=8, width=8, padding=(1, 1)),
        Layer(name="second", kind=Kind.DEPTHWISE, K=8, P=4, Q=4, R=3, S=3, height=8, width=8,
              stride=(2, 2), padding=(1, 1)),
        Layer(name="third", K=128, C=8, P=4, Q=4, height=4, width=4),
        Layer(name="last", kind=Kind.LINEAR, K=10, C=128, height=1, width=1),
    ),
)  # fmt: skip
BUDGET = Budget(name="tiny", max_pes=16, on_chip_bytes=8192, beat_bytes=8)
SETTINGS = SearchSettings(
    population=4, generations=3, mapping_evaluations=48, min_legal=8, final_effort=1, seed=5
)

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # key of an element, W3C WebDriver, section 12
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars"
).split()
MAX_ROUNDS = 300
SECONDS = 120  # for a command, on a machine that is busy


def pretend_simulation(folder: Path, layers: Sequence[str], *, off_by: int = 0) -> None:
    """The files that `naas simulate` would leave, had it found these cycles."""
    design = api.read_design(folder)
    runs = plan_runs(design.accelerator, design.network, design.mappings, layers=layers)
    run = RunFolder(folder)
    run.write_text("sim/predicted.json", predicted_json(runs, 1))
    report = api.SimulationReport(
        layers=tuple(_simulated(one, off_by) for one in runs),
        simulator="icarus",
        version="12.0",
        timed=True,
    )
    run.write_text("sim/simulated.json", api.simulation_json(report))


def _simulated(run: LayerRun, off_by: int) -> LayerReport:
    found = run.prediction
    return LayerReport(
        name=run.names[0], num_macs=found.num_macs, num_pes=found.num_pes,
        pes_used=found.pes_used, status="done", predicted_cycles=found.cycles,
        simulated_cycles=found.cycles + off_by, first_piece=None, counts=(),
        output_mismatches=0, timed=True, accesses=found.accesses, predicted=found.counts,
        counted=found.counts,
    )  # fmt: skip


@pytest.fixture(scope="session")
def searched_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a real, small search, two layers of which count as simulated."""
    folder = tmp_path_factory.mktemp("searched") / "run"
    run = api.RunSettings(folder=folder, command=("naas", "search", "<script>"))
    api.search([NETWORK], BUDGET, SETTINGS, run=run)
    pretend_simulation(folder, ["first", "last"])
    return folder


@pytest.fixture(scope="session")
def searched_page(searched_run: Path) -> Path:
    """Its report."""
    return api.report(searched_run)


@pytest.fixture
def pretend():
    """`pretend_simulation`."""
    return pretend_simulation


@pytest.fixture
def networks() -> tuple[Network, Budget, SearchSettings]:
    """What the searched run was made of."""
    return NETWORK, BUDGET, SETTINGS


def facts_of(folder: Path) -> RunFacts:
    """What a report shows of a run folder."""
    design = api.read_design(folder)
    return read_run_facts(
        RunFolder(folder),
        design.accelerator,
        design.network,
        design.mappings,
        api.run_table(folder),
    )


@pytest.fixture
def read_facts():
    """`facts_of`."""
    return facts_of


@pytest.fixture(scope="session")
def searched_facts(searched_run: Path) -> RunFacts:
    """What its report shows."""
    return facts_of(searched_run)


class Browser:
    """A session with one window."""

    def __init__(self, port: int, profile: Path) -> None:
        self._base = f"http://127.0.0.1:{port}"
        options = {
            "binary": str(require_tool("chromium")),
            "args": [*FLAGS, f"--user-data-dir={profile}"],
        }
        capabilities = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        answer = self._send("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._base += f"/session/{answer['sessionId']}"

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=SECONDS) as answer:
            return json.load(answer)["value"]

    def open(self, page: Path, *, fragment: str = "") -> None:
        """Load a file; the log of what came before is dropped."""
        self._send("POST", "/url", {"url": "about:blank"})
        self.log("browser")
        self.log("performance")
        self._send("POST", "/url", {"url": page.as_uri() + fragment})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since the last call: "browser" (the console) or "performance"."""
        entries: list[dict[str, Any]] = self._send("POST", "/se/log", {"type": kind})
        return entries

    def console(self, *, at_least: int) -> list[str]:
        """Messages of the console; those that come a little later are waited for."""
        found: list[str] = []
        for _ in range(MAX_ROUNDS):
            found += [entry["message"] for entry in self.log("browser")]
            if len(found) >= at_least:
                break
        return found

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns: a function's body."""
        return self._send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def comes_to(self, wanted: Any, script: str, *arguments: Any) -> bool:
        """Whether a script returns this, at once or after some more rounds of the page's events."""
        return any(self.run(script, *arguments) == wanted for _ in range(MAX_ROUNDS))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, where the focus is."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": strokes}
        self._send("POST", "/actions", {"actions": [source]})

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the size of the page in CSS pixels, narrower than a window can be too."""
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", media="", features=[scheme])

    def tell(self, command: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        body = {"cmd": command, "params": parameters}
        return self._send("POST", "/goog/cdp/execute", body)

    def picture(self, selector: str | None = None) -> bytes:
        """A PNG of the first element that fits, or of the window."""
        if selector is None:
            return base64.b64decode(self._send("GET", "/screenshot"))
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        return base64.b64decode(self._send("GET", f"/element/{found[ELEMENT]}/screenshot"))

    def close(self) -> None:
        """End the session, and the browser with it."""
        self._send("DELETE", "")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests; its profile is new and empty."""
    command: Sequence[str] = [str(require_tool("chromedriver")), "--port=0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as driver:
        try:
            opened = Browser(_port(driver), tmp_path_factory.mktemp("profile"))
            try:
                yield opened
            finally:
                opened.close()
        finally:
            driver.terminate()


def _port(driver: subprocess.Popen[str]) -> int:
    """The port that chromedriver says it took."""
    assert driver.stdout is not None
    said = []
    for line in driver.stdout:
        said.append(line)
        if "started successfully on port" in line:
            return int(line.rstrip().rstrip(".").rsplit(" ", 1)[1])
    raise AssertionError(f"chromedriver must start, not end: {''.join(said)}")

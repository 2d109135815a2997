"""The example of a LiteX SoC that runs a network on its accelerator, with one CPU."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def demo_soc() -> Any:
    """examples/demo_soc.py as a module."""
    spec = importlib.util.spec_from_file_location("naas_demo_soc", EXAMPLES / "demo_soc.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["naas_demo_soc"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.needs("litex", "verilator", "riscv64-unknown-elf-gcc", "event2/event.h")
@pytest.mark.needs("json-c/json.h", "torch")
def test_the_soc_answers_as_the_integer_reference_does(
    demo_soc: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_soc, "CPUS", ("standard",))
    monkeypatch.setattr(demo_soc, "KEYWORDS", tmp_path / "absent.tflite")
    console = Console(record=True, width=200)
    assert demo_soc.run_demo(tmp_path / "run", console, file=None, seed=1) == 0
    assert console.export_text().splitlines()[-1].startswith("PASS: digits on 1 SoCs")


def test_a_soc_that_prints_something_else_fails_the_demo(
    demo_soc: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison can fail, and the last line says where to look."""
    last = {"lite": "PASS: net", "standard": "FAIL: net: 1 of what the SoC printed differ"}

    class Named:
        name = "net"

    class Model:
        graph = Named

    class Files:
        def write(self, folder: Path) -> None:
            """Nothing is needed."""

    monkeypatch.setattr(demo_soc, "require_tool", lambda name: Path(name))
    monkeypatch.setattr(demo_soc, "choose_model", lambda file, seed: (Model, None))
    monkeypatch.setattr(demo_soc, "search", lambda *words: None)
    monkeypatch.setattr(demo_soc, "export_litex", lambda *words, **options: Files())
    monkeypatch.setattr(demo_soc, "simulate", lambda soc, variant: last[variant])
    console = Console(record=True, width=200)
    assert demo_soc.run_demo(tmp_path, console, file=None, seed=0) == 1
    assert console.export_text().splitlines()[-1].startswith("FAIL: see ")

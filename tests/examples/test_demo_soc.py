"""The example of a LiteX SoC that runs a network on its accelerator, with one CPU."""

import importlib.util
import json
import re
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
    shown = console.export_text().splitlines()
    expected = json.loads((tmp_path / "run" / "soc" / "expected.json").read_text())
    said = next(line for line in shown if line.startswith("  naas: output 0 "))
    assert said.removeprefix("  naas: output 0 ") == demo_soc.shortened(expected["outputs"][0])
    assert any(re.fullmatch(r"  naas: cycles \d+", line) for line in shown)
    assert shown[-1].startswith("PASS: digits on 1 SoCs")


def test_a_soc_that_prints_something_else_fails_the_demo(
    demo_soc: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison can fail, and the last line says where to look."""
    printed = {
        "lite": ["naas: output 0 00ff", "naas: cycles 123", "naas: done", "PASS: net"],
        "standard": ["naas: output 0 00fe", "FAIL: net: 1 of what the SoC printed differ"],
    }

    class Named:
        name = "net"

    class Model:
        graph = Named

    class Files:
        def write(self, folder: Path) -> None:
            """Only what is expected is needed."""
            folder.mkdir()
            expected = {"outputs": ["00ff"], "cycles": 100}
            (folder / "expected.json").write_text(json.dumps(expected))

    monkeypatch.setattr(demo_soc, "require_tool", lambda name: Path(name))
    monkeypatch.setattr(demo_soc, "choose_model", lambda file, seed: (Model, None))
    monkeypatch.setattr(demo_soc, "search", lambda *words: None)
    monkeypatch.setattr(demo_soc, "export_litex", lambda *words, **options: Files())
    monkeypatch.setattr(demo_soc, "simulate", lambda soc, variant: printed[variant])
    console = Console(record=True, width=200)
    assert demo_soc.run_demo(tmp_path, console, file=None, seed=0) == 1
    shown = console.export_text().splitlines()
    assert shown[-1].startswith("FAIL: see ")
    first = shown.index("VexRiscv lite, over the serial line:")
    assert shown[first + 1 : first + 5] == [
        "  naas: output 0 00ff",
        "        expected 00ff",
        "  naas: cycles 123",
        "      expected 100 by the model, with the memory of the search",
    ]
    assert "  naas: output 0 00fe" in shown and "  naas: cycles nothing" in shown


def test_the_start_of_a_long_output_is_shown_with_its_length(demo_soc: Any) -> None:
    assert demo_soc.shortened("ab" * 32) == "ab" * 32
    assert demo_soc.shortened("ab" * 40) == "ab" * 32 + "... (40 bytes)"

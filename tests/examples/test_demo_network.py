"""The example that classifies digits on the RTL, shortened."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def demo_network() -> Any:
    """examples/demo_network.py as a module."""
    spec = importlib.util.spec_from_file_location("naas_demo_network", EXAMPLES / "demo_network.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["naas_demo_network"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.sim
@pytest.mark.needs("iverilog", "vvp", "libpython")
@pytest.mark.needs("torch")
@pytest.mark.slow
def test_the_rtl_classifies_as_the_integer_reference_does(
    demo_network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two images on Icarus; the search is as short as it can be."""
    monkeypatch.setattr(demo_network, "NUM_TEST_IMAGES", 2)
    monkeypatch.setattr(demo_network, "NUM_CALIBRATION_IMAGES", 8)
    monkeypatch.setattr(demo_network, "EPOCHS", 1)
    monkeypatch.setattr(
        demo_network,
        "SEARCH",
        demo_network.SearchSettings(population=2, generations=1, mapping_evaluations=100),
    )
    console = Console(record=True, width=200)
    run = tmp_path / "run"
    assert demo_network.run_demo(run, console, seed=1, simulator="icarus") == 0
    text = console.export_text()
    assert "2 images, " in text and "0 outputs differ from the integer reference" in text
    assert text.splitlines()[-1].startswith("accuracy of the RTL: ")


def test_cycles_that_differ_are_told(demo_network: Any, tmp_path: Path) -> None:
    """The comparison can fail: one image that took a cycle more."""
    images = demo_network.load_digits().take(np.arange(2))

    class Loaded:
        folder = tmp_path

        def __call__(self, values: np.ndarray) -> object:
            class Result:
                outputs = {"y": np.zeros((2, 10), np.float32)}
                cycles = (100, 101)
                predicted_cycles = 100

            return Result()

        def reference(self, values: np.ndarray) -> dict[str, np.ndarray]:
            return {"y": np.zeros((2, 10), np.float32)}

    floats = np.zeros((2, 10), np.float32)
    console = Console(record=True, width=200)
    assert demo_network.say_result(Loaded(), floats, images, console) == 1
    assert "but for 1" in console.export_text()

"""Cases as files: what is read is what was written, and files are data."""

import json
from pathlib import Path

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.random_graph import bins_of
from naas_hw.verify.networks.draw import draw_networks
from naas_hw.verify.networks.files import read_network_case, write_network_case


@pytest.mark.takes_seconds
def test_a_case_is_read_as_it_was_written(tmp_path: Path) -> None:
    for drawn in draw_networks(6, 2, max_cycles=10_000).cases:
        folder = tmp_path / str(drawn.index)
        write_network_case(drawn.case, folder)
        case = read_network_case(folder)
        assert case.accelerator == drawn.case.accelerator
        assert case.mappings == drawn.case.mappings
        assert case.is_whole == drawn.case.is_whole
        assert bins_of(case.graph) == bins_of(drawn.case.graph)
        expected = run_integers(drawn.case.graph, drawn.case.inputs)
        for name, values in run_integers(case.graph, case.inputs).items():
            assert np.array_equal(values, expected[name])


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (drawn,) = draw_networks(1, 4, max_cycles=10_000).cases
    write_network_case(drawn.case, tmp_path)
    return tmp_path


@pytest.mark.takes_seconds
def test_files_that_say_something_else_are_refused(written: Path) -> None:
    """One sentence that names the file."""
    path = written / "network.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    wrong: tuple[object, ...] = (
        [],
        {**content, "graph": {"Popen": {"args": "true"}}},
        {**content, "graph": {"Lookup": {"entries": 1}}},
        {**content, "graph": content["inputs"]},
        {**content, "inputs": {"mapping": [["input0", {"array": "../../input.npy"}]]}},
        {**content, "inputs": {"array": "arrays/0_input0.npy", "mapping": []}},
    )
    for changed in wrong:
        path.write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(InputError, match=r"network\.json: must be a network that"):
            read_network_case(written)


@pytest.mark.takes_seconds
def test_an_array_of_objects_is_refused(written: Path) -> None:
    for path in (written / "arrays").iterdir():
        np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="must be a network that naas verify wrote"):
        read_network_case(written)

"""`naas reproduce` on two layers: figures agree with each other, and are made again."""

import re
from functools import partial

import pytest

from naas_hw.cli import main
from naas_hw.cli import reproduce as reproduce_module
from naas_hw.cli.reproduce import MAKERS, NAMES
from naas_hw.cli.reproduce.options import Maker, Section
from naas_hw.experiments.results import TITLES
from naas_hw.workload.files import write_network
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

NETWORK = Network(
    name="two",
    layers=(
        Layer(name="conv", K=32, C=32, P=32, Q=32, R=3, S=3, height=32, width=32, padding=(1, 1)),
        Layer(name="point", K=32, C=16, P=8, Q=8, height=8, width=8),
    ),
)


@pytest.fixture
def network(tmp_path):
    """The network as a file."""
    path = tmp_path / "two.yaml"
    write_network(NETWORK, path)
    return str(path)


def cells(text: str, first: str) -> list[list[str]]:
    """Cells of the lines of tables whose first cell is this."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [row for row in rows if row[0] == first]


@pytest.mark.takes_seconds
def test_edp_ratios_are_those_of_the_designs_beside_them_under_both_tables(network, tmp_path):
    document = tmp_path / "results.md"
    words = ["reproduce", "edp", "--network", network, "--processes", "1", "--evaluations", "16"]
    words += ["--population", "2", "--generations", "1", "--into", str(document)]
    keep = ["--keep", str(tmp_path / "kept")]
    assert main([*words, *keep]) == 0
    text = document.read_text()
    found = [float(row[6].replace(",", "")) for row in cells(text, "found")]
    preset = [float(row[6].replace(",", "")) for row in cells(text, "eyeriss")]
    folded = [float(row[6].replace(",", "")) for row in cells(text, "*folded*")]
    assert len(found) == 2 and len(preset) == 4 and len(folded) == 2
    assert all(best <= searched for best, searched in zip(folded, preset[1::2], strict=True))
    for index, table in enumerate(("`sized`", "`maestro`")):
        ((_, *ratios),) = cells(text, table)
        for ratio, edp in zip(ratios, (*preset[2 * index :][:2], folded[index]), strict=True):
            least, most = (edp - 0.05) / (found[index] + 0.05), (edp + 0.05) / (found[index] - 0.05)
            assert least - 0.005 <= float(ratio) <= most + 0.005  # all were rounded
    command = re.search(r"```\nnaas (.*)\n```", text)
    assert command is not None and "--evaluations 16" in command[1]
    assert main([*command[1].split(" "), "--processes", "1", *keep]) == 0
    assert document.read_text() == text


def test_utilization_lists_the_layers_that_are_due_with_their_cycles(network, capsys):
    words = ["reproduce", "utilization", "--network", network, "--sim", "none"]
    assert main([*words, "--evaluations", "300", "--processes", "1"]) == 0
    text = capsys.readouterr().out
    ((_, count, shape, ratio, cycles, simulated, used, *_),) = cells(text, "conv")
    macs, num_bytes = 32 * 32 * 32 * 32 * 9, 32 * 32 * 9 + 2 * 32 * 32 * 32
    assert (count, shape, simulated) == ("1", "32 32 32 32 3 3, 1", "-")
    assert float(ratio) == pytest.approx(macs / 256 / (num_bytes / 16), abs=0.01)
    share = macs / (256 * int(cycles.replace(",", "")))
    assert used == f"{share:.1%}" and share >= 0.85
    assert cells(text, "point") == []


def test_a_layer_that_is_too_short_to_hide_its_start_is_told_by_the_exit_status(tmp_path, capsys):
    short = NETWORK.layers[0].model_copy(update={"K": 16, "C": 16, "P": 16, "Q": 16})
    short = short.model_copy(update={"height": 16, "width": 16})
    write_network(Network(name="short", layers=(short,)), tmp_path / "short.yaml")
    words = ["reproduce", "utilization", "--network", str(tmp_path / "short.yaml")]
    assert main([*words, "--sim", "none", "--evaluations", "100", "--processes", "1"]) == 1
    assert "required: 85%" in capsys.readouterr().out


def test_every_section_has_its_place_in_the_document():
    """Else what was measured for hours could not be written."""
    assert sorted(NAMES) == sorted(TITLES)


def test_a_name_that_is_none_is_refused(capsys):
    assert main(["reproduce", "figure9"]) == 2
    assert (
        "name must be one of speedup, sizing, encoding, convergence, edp, eyeriss, sensitivity, "
        "drain, utilization, model, search, gap, timeloop, joint, nasaic, build, options, fpga, "
        "all, not 'figure9'" in capsys.readouterr().err
    )


def test_an_option_that_a_section_does_not_take_is_refused(tmp_path, capsys):
    assert main(["reproduce", "joint", "--keep", str(tmp_path)]) == 2
    assert (
        "--keep must not be given with joint, which takes --population, --generations, "
        "--evaluations, --seed, --seeds" in capsys.readouterr().err
    )
    assert main(["reproduce", "build", "--energy-table", "maestro"]) == 2
    assert "with build, which takes no other" in capsys.readouterr().err


def test_the_old_name_of_random_layers_works_with_a_warning(capsys):
    assert main(["reproduce", "build", "--beside-chance", "2"]) == 2
    told = capsys.readouterr().err
    assert "--beside-chance is deprecated" in told and "use --random-layers instead" in told
    assert "--random-layers must not be given with build" in told


def test_all_makes_every_section_with_the_options_that_it_takes(tmp_path, monkeypatch, capsys):
    """And is told where a limit does not hold."""
    asked = {}

    def made(name, options, screen):
        asked[name] = options
        return Section(words=["naas", "reproduce", name], body=f"{name}.", holds=name != "gap")

    stubs = {name: Maker(partial(made, name), maker.takes) for name, maker in MAKERS.items()}
    monkeypatch.setattr(reproduce_module, "MAKERS", stubs)
    document = tmp_path / "results.md"
    words = ["reproduce", "all", "--into", str(document), "--keep", str(tmp_path), "--seed", "3"]
    assert main(words) == 1
    text = document.read_text()
    assert [text.index(f"## {title}") for title in TITLES.values()] == sorted(
        text.index(f"## {title}") for title in TITLES.values()
    )
    assert list(asked) == list(NAMES)
    for name, options in asked.items():
        assert (options.keep is not None) == ("keep" in MAKERS[name].takes)
        assert (options.seed == 3) == ("seed" in MAKERS[name].takes)
    said = capsys.readouterr().err
    assert "gap: 0.0 minutes; a limit does not hold" in said
    assert said.count("minutes") == len(NAMES)


def test_the_model_is_measured_on_a_network_of_a_file(network, capsys):
    assert main(["reproduce", "model", "--network", network, "--preset", "nvdla-256"]) == 0
    text = capsys.readouterr().out
    ((_, bounds),) = cells(text, "lower bounds with accesses and energy, decoding included")
    assert int(bounds.replace(",", "")) > 0
    assert "of the 2 distinct layers of `two` on `nvdla-256`" in text


def test_a_search_is_set_beside_a_longer_one(network, tmp_path):
    document = tmp_path / "results.md"
    words = ["reproduce", "search", "--network", network, "--population", "3", "--generations", "1"]
    words += ["--evaluations", "16", "--seeds", "1", "--times", "2", "--processes", "1"]
    status = main([*words, "--into", str(document)])
    text = document.read_text()
    assert {
        row[0] for row in map(lambda line: line.strip("| ").split(" | "), text.splitlines())
    } >= {"climb", "cma", "genetic", "differential", "random"}
    ((_, short, _, longer, _, gap, _),) = cells(text, "0")
    ratio = float(short.replace(",", "")) / float(longer.replace(",", ""))
    assert float(gap.rstrip("%")) / 100 == pytest.approx(ratio - 1, abs=0.002)
    assert status == (0 if float(gap.rstrip("%")) <= 3 else 1)
    assert "--times 2" in text and "--evaluations 16" in text


def test_sensitivity_is_made_again_by_the_command_above_it(network, tmp_path, capsys):
    document, keep = tmp_path / "results.md", str(tmp_path / "kept")
    words = ["reproduce", "sensitivity", "--network", network, "--evaluations", "16"]
    words += ["--population", "2", "--generations", "1", "--seeds", "1", "--processes", "1"]
    words += ["--energy-table", "sized-hbm2"]
    assert main([*words, "--into", str(document), "--keep", keep]) == 0
    text = document.read_text()
    titles = [f"`sized-hbm2`{dram}" for dram in (", DRAM x 0.5", "", ", DRAM x 2")] + ["`maestro`"]
    for index, title in enumerate(titles):
        design, priced = cells(text, title)
        assert design[1] == "0" and priced[1 + index] == "1.00"
    command = re.search(r"```\nnaas (.*)\n```", text)
    assert command is not None and "--energy-table sized-hbm2" in command[1]
    assert main([*command[1].split(" "), "--processes", "1", "--keep", keep]) == 0
    assert document.read_text() == text


def test_sensitivity_needs_a_price_of_dram(network, capsys):
    words = ["reproduce", "sensitivity", "--network", network, "--energy-table", "maestro"]
    assert main(words) == 2
    assert "must have a price of DRAM, which maestro has not" in capsys.readouterr().err


@pytest.mark.takes_seconds
@pytest.mark.parametrize(
    "name",
    ["speedup", "sizing", "convergence", pytest.param("encoding", marks=pytest.mark.slow)],
)
def test_a_table_of_the_paper_is_made_again_by_the_command_above_it(name, network, tmp_path):
    document, keep = tmp_path / "results.md", str(tmp_path / "kept")
    words = ["reproduce", name, "--network", network, "--preset", "nvdla-256", "--seeds", "1"]
    words += ["--population", "2", "--generations", "1", "--evaluations", "16"]
    assert main([*words, "--processes", "1", "--into", str(document), "--keep", keep]) == 0
    text = document.read_text()
    assert "Energy table `sized`" in text and "Energy table `maestro`" in text
    assert "NAAS" in text and "nvdla-256, two" in text
    command = re.search(r"```\nnaas (.*)\n```", text)
    assert command is not None and "--seeds 1" in command[1]
    assert main([*command[1].split(" "), "--processes", "1", "--keep", keep]) == 0
    assert document.read_text() == text


@pytest.mark.takes_seconds
def test_lanes_of_drain_are_compared_for_several_networks(network, tmp_path):
    """The command above the section makes it again; the status says whether the limits hold."""
    other = tmp_path / "other.yaml"
    write_network(Network(name="mobilenet_v2", layers=NETWORK.layers[1:]), other)
    document, keep = tmp_path / "results.md", ["--keep", str(tmp_path / "kept")]
    words = ["reproduce", "drain", "--network", f"{network},{other}", "--preset", "eyeriss"]
    words += ["--population", "2", "--generations", "1", "--evaluations", "16", "--seeds", "1"]
    status = main([*words, "--processes", "1", "--into", str(document), *keep])
    text = document.read_text()
    (limits,) = (row for row in cells(text, "eyeriss, mobilenet_v2") if len(row) == 12)
    compared = [tuple(map(float, limits[column].split(", "))) for column in (7, 11)]
    assert status == int(any(cycles > 0.72 or edp > 0.75 for cycles, edp in compared))
    assert len(cells(text, "eyeriss, two")) == 1 + 2 + 3  # beside the roofline, designs, weights
    command = re.search(r"```\nnaas (.*)\n```", text)
    assert command is not None
    assert main([*command[1].split(" "), "--processes", "1", *keep]) == status
    assert document.read_text() == text

"""The HTML report: one file that holds all it shows, and that a browser opens without a network.

Its policy allows the one style sheet and the one script in it, by their digests, and nothing else;
every name is escaped. The same run gives the same bytes.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from typing import Final

import jinja2
from markupsafe import Markup

from naas_hw.arch.technology import AREA
from naas_hw.core.templates import template_environment
from naas_hw.core.version import __version__
from naas_hw.mapping.loop_nest import loop_nest
from naas_hw.report.dropped import (
    dropped_sentence,
    dropped_table,
    effort_sentences,
    reasons_table,
)
from naas_hw.report.energy import energy_figure, layer_energy_figure
from naas_hw.report.explained_steps import step_cards
from naas_hw.report.hardware import area_figure, array_figure, hardware_table
from naas_hw.report.joint import accuracy_text, evidence_of, joint_figure
from naas_hw.report.layer_chain import chain_figures
from naas_hw.report.layers import cycles_figure, layer_table, roofline_figure, utilization_figure
from naas_hw.report.limits import limits_section
from naas_hw.report.network import network_section
from naas_hw.report.pareto import pareto_figures
from naas_hw.report.search import convergence_figure
from naas_hw.report.simulation import (
    differences,
    simulation_figure,
    simulation_sentence,
    simulation_table,
)
from naas_hw.report.values import PICO, DataTable, Figure, array_text, data_table, energy, percent
from naas_hw.report.words import counted
from naas_hw.runs.facts import LayerFacts, NetworkFacts, RunFacts
from naas_hw.runs.result_json import ResultRecord

HARDWARE_DIGEST: Final = "digest of the hardware"
_SHOWN_DIGEST: Final = re.compile(rf"<dt>{HARDWARE_DIGEST}</dt><dd>([0-9a-f]{{16}})</dd>")

_SAME: float = 1e-9  # of two sums of the same energies in another order


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A key figure: what, how much, and a word about it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class LoopNestText:
    """How a layer runs."""

    name: str
    text: str
    facts: str
    limits: str


def render_report(facts: RunFacts) -> str:
    """The report as HTML text."""
    environment = template_environment("report", escapes_html=True)
    limits = limits_section(facts)
    style, script = (_part(environment, name) for name in ("report.css", "report.js"))
    return environment.get_template("report.html.j2").render(
        style=style,
        script=script,
        policy=_policy(style, script),
        title=f"{_network_names(facts)} on an array of {array_text(facts.accelerator)}",
        version=__version__,
        run_rows=run_rows(facts),
        origin_rows=origin_table(facts),
        notices=list(_notices(facts)),
        tiles=key_figures(facts),
        networks=network_table(facts) if len(facts.networks) > 1 else None,
        search_figures=_search_figures(facts),
        effort=effort_sentences(facts),
        steps=step_cards(facts),
        reasons=reasons_table(facts),
        dropped=dropped_table(facts),
        dropped_sentence=dropped_sentence(facts),
        array=array_figure(facts.accelerator),
        hardware=hardware_table(facts.accelerator, facts.result.fpga if facts.result else None),
        area=area_figure(facts.accelerator),
        network=None if facts.model is None else network_section(facts, facts.model),
        chains=chain_figures(facts) if facts.model is None else (),
        layers=layer_table(facts),
        layer_figures=[
            cycles_figure(facts),
            utilization_figure(facts),
            layer_energy_figure(facts),
        ],
        whole_figures=[roofline_figure(facts), energy_figure(facts)],
        limits=limits,
        nests=[_nest(*pair) for pair in zip(facts.layers, limits.of_layer, strict=True)],
        simulation=simulation_table(facts),
        simulation_figure=simulation_figure(facts),
        simulation_sentence=simulation_sentence(facts),
        differences=differences(facts),
    )


def _part(environment: jinja2.Environment, name: str) -> Markup:
    """A file of the project, as it is: nothing of a user's goes into it."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _policy(style: str, script: str) -> str:
    """What the page may load and run: its own two parts."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


# Head --------------------------------------------------------------------------------------------


def _network_names(facts: RunFacts) -> str:
    return ", ".join(network.name for network in facts.networks)


def run_rows(facts: RunFacts) -> list[tuple[str, str]]:
    """What the run is about: name and value."""
    result, manifest = facts.result, facts.manifest
    return _known(
        ("network", _network_names(facts)),
        ("budget", result.budget if result else None),
        ("accelerator", facts.accelerator.name),
        ("objective", result.objective if result else None),
        ("accuracy", accuracy_text(result.joint) if result and result.joint else None),
        ("energy table", facts.table.name),
        ("seed", str(manifest.seed) if manifest and manifest.seed is not None else None),
    )


def origin_table(facts: RunFacts) -> list[tuple[str, str]]:
    """What made the run, enough to make it again: name and value."""
    manifest = facts.manifest
    if manifest is None:
        return []
    packages = [f"{name} {version}" for name, version in manifest.packages.items()]
    return _known(
        ("tried", _effort(facts.result) if facts.result else None),
        ("command", " ".join(manifest.command)),
        ("versions", ", ".join([f"naas {manifest.naas}", *packages])),
        ("digest of the inputs", manifest.digest),
        (HARDWARE_DIGEST, facts.hardware.digest if facts.hardware else None),
    )


def hardware_digest_in(page: str) -> str | None:
    """The digest of the hardware that the text of a report shows; None where it shows none."""
    match = _SHOWN_DIGEST.search(page)
    return match[1] if match else None


def _known(*rows: tuple[str, str | None]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in rows if value is not None]


def _effort(result: ResultRecord) -> str | None:
    counts = (
        (result.num_candidates, "accelerators"),
        (result.num_legal, "legal mappings"),
        (result.num_exact, "of them timed exactly"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in counts if count is not None) or None


def _notices(facts: RunFacts) -> Iterator[str]:
    """What a reader has to know before the figures."""
    if facts.result is None:
        return
    if facts.result.interrupted:
        yield "The search was interrupted: this is the best so far."
    for record, network in zip(facts.result.networks, facts.networks, strict=True):
        report = network.report
        if record.cycles != report.cycles or not _same(record.energy_pj, report.energy_pj):
            yield (
                f"The model of naas {__version__} gives {report.cycles:,} cycles and "
                f"{report.energy_pj:,.0f} pJ for {network.name}, result.json {record.cycles:,} "
                f"cycles and {record.energy_pj:,.0f} pJ: the design, the model or the energy table "
                "has changed since. This page shows the model's."
            )


def _same(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=_SAME)


def key_figures(facts: RunFacts) -> list[Tile]:
    """The figures that a design is judged by."""
    a, networks = facts.accelerator, facts.networks
    cycles = sum(network.report.cycles for network in networks)
    energy_pj = sum(network.report.energy_pj for network in networks)
    beats = sum(one.accesses.dram for network in networks for one in network.report.counted)
    macs = sum(network.num_macs for network in networks)
    per_run = "one input" if len(networks) == 1 else "one input of each network"
    tiles = [Tile(label="cycles", value=f"{cycles:,}", note=f"for {per_run}, exact on the RTL")]
    clock = _clock(facts)
    if clock is not None:
        clock_hz, of_what = clock
        milliseconds = 1e3 * cycles / clock_hz
        note = f"{1e3 / milliseconds:,.1f} a second, at {clock_hz / 1e6:,.0f} MHz{of_what}"
        tiles.append(Tile(label="time", value=f"{milliseconds:,.2f} ms", note=note))
    return [
        *tiles,
        Tile(
            label="energy",
            value=_microjoules(energy_pj),
            note=f"energy table {facts.table.name}",
        ),
        *_edp_tile(networks),
        *_accuracy_tile(facts),
        Tile(
            label="utilisation",
            value=f"{macs / (a.num_pes * cycles):.1%}",
            note=f"of {a.num_pes:,} PEs; {macs / 1e6:,.1f} M MACs",
        ),
        Tile(
            label="DRAM traffic",
            value=f"{beats * a.beat_bytes / 1e6:,.2f} MB",
            note=f"{beats:,} beats of {a.beat_bytes} bytes",
        ),
        Tile(
            label="area",
            value=f"{sum(AREA.area_um2(a).values()) / 1e6:.2f} mm²",
            note=f"an estimate, at {AREA.node_nm:g} nm",
        ),
    ]


def _clock(facts: RunFacts) -> tuple[float, str] | None:
    """The clock in Hz, and where it is from: predicted for a board, or the budget's."""
    result = facts.result
    if result is None:
        return None
    if result.fpga is not None:
        return 1e6 * result.fpga.predicted.clock_mhz, f", predicted for {result.fpga.board}"
    return None if result.clock_hz is None else (result.clock_hz, "")


def _microjoules(energy_pj: float) -> str:
    """With a decimal where there is room for it."""
    decimals = 1 if energy_pj < 1e10 else 0
    return f"{energy_pj / 1e6:,.{decimals}f} µJ"


def _edp_tile(networks: tuple[NetworkFacts, ...]) -> list[Tile]:
    """Of one network only: of several it would be a mean, which the search's score is."""
    if len(networks) > 1:
        return []
    joules = networks[0].report.edp / PICO
    return [
        Tile(
            label="EDP",
            value=f"{joules:,.0f}" if joules > 100 else f"{joules:.3g}",
            note="J × cycles",
        )
    ]


def _accuracy_tile(facts: RunFacts) -> list[Tile]:
    """Of a model that was measured, or of a network that was searched too, as far as one is known.

    What the second rests on stands in the run's table.
    """
    if facts.model is not None and facts.model.accuracy is not None:
        measured = facts.model.accuracy
        note = f"on {measured.num_samples:,} values of {measured.data!r}"
        if measured.float_accuracy is not None:
            note = f"{measured.float_accuracy:.2%} in float, {note}"
        return [Tile(label="accuracy", value=f"{measured.integer_accuracy:.2%}", note=note)]
    if facts.result is None or facts.result.joint is None:
        return []
    joint = facts.result.joint
    note = f"{evidence_of(joint.accuracy)}; {joint.min_top1_percent:g} % at least was asked for"
    return [Tile(label="top-1", value=f"{joint.top1_percent:.2f} %", note=note)]


def network_table(facts: RunFacts) -> DataTable:
    """Each network's figures, where there are several."""
    rows = [
        (
            one.name,
            len(one.layers),
            one.num_macs,
            one.report.cycles,
            energy(one.report.energy_pj),
            percent(one.num_macs / (facts.accelerator.num_pes * one.report.cycles)),
        )
        for one in facts.networks
    ]
    columns = ("network", "layers", "MACs", "cycles", "energy, µJ", "utilisation")
    return data_table("Networks", columns, rows)


def _search_figures(facts: RunFacts) -> list[Figure]:
    if all(candidate.score is None for candidate in facts.candidates):
        return []
    joint = facts.result.joint if facts.result else None
    of_networks = [joint_figure(facts, joint)] if joint and joint.front else []
    return [convergence_figure(facts), *of_networks, *pareto_figures(facts)]


def _nest(one: LayerFacts, limits: str) -> LoopNestText:
    cost, geometry = one.cost, one.geometry
    return LoopNestText(
        name=one.layer.name,
        text=loop_nest(geometry.accelerator, one.layer, one.mapping),
        facts=(
            f"{cost.cycles:,} cycles, {geometry.pes_used:,} of "
            f"{geometry.accelerator.num_pes:,} PEs, utilisation {cost.utilization:.1%}, "
            f"{counted(geometry.num_dram_tiles, 'tile')}, {counted(geometry.num_steps, 'step')}, "
            f"{cost.energy_pj / 1e6:,.2f} µJ"
        ),
        limits=limits,
    )

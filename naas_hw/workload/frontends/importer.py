"""A torch model -> `Network`, or -> what becomes of each of its operators."""

from collections.abc import Sequence
from pathlib import Path

from naas_hw.core.errors import InputError
from naas_hw.workload.check import CheckReport, OperatorCheck, Verdict
from naas_hw.workload.files import read_network
from naas_hw.workload.frontends.classify import NO_PROGRAM, classify, clean_name, describe
from naas_hw.workload.frontends.source import ModelSource, NamedGraph, load_graph
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import HostOperator, Network


def import_network(
    source: ModelSource,
    *,
    name: str | None = None,
    resolution: int | None = None,
    input_shape: tuple[int, ...] | None = None,
    host: Sequence[str] = (),
) -> Network:
    """The layers of a model; parameters as of `load_graph`.

    Parameters
    ----------
    host : kinds of operators that are left to the host, whatever else they could be.

    Raises
    ------
    InputError : an operator is unsupported, or none is mapped; `check_model` lists them all. Or
        the model has no operator of a kind in `host`.
    ToolError : torch is needed and not there.
    """
    loaded = load_graph(source, name=name, resolution=resolution, input_shape=input_shape)
    refuse_unknown_kinds([loaded], host)
    return network_of(loaded, host)


def network_of(loaded: NamedGraph, host: Sequence[str] = ()) -> Network:
    """The layers of a graph; `host` and what is raised as of `import_network`."""
    classified = classify(loaded.graph, host=host)
    _refuse_unsupported(loaded.name, classified.checks)
    if not any(layer.has_program for layer in classified.layers):
        raise InputError(
            f"{loaded.name} has no operator that can run on the accelerator; naas check says "
            "why for each"
        )
    hosts = [check for check in classified.checks if check.verdict is Verdict.HOST]
    return Network(
        name=loaded.name,
        layers=classified.layers,
        host=tuple(
            HostOperator(
                name=clean_name(check.name),
                operator=clean_name(check.operator),
                macs=check.macs_not_covered,
            )
            for check in hosts
        ),
        num_parameters=loaded.graph.num_parameters,
    )


def refuse_unknown_kinds(graphs: Sequence[NamedGraph], host: Sequence[str]) -> None:
    """Raise an InputError where `host` has a kind of operator that none of the graphs has."""
    kinds = {operator.kind for loaded in graphs for operator in loaded.graph.operators}
    for wanted in host:
        if wanted not in kinds:
            known = ", ".join(sorted(kinds))
            raise InputError(
                f"--host must name a kind of operator that the model has ({known}), not {wanted!r}"
            )


def _refuse_unsupported(name: str, checks: tuple[OperatorCheck, ...]) -> None:
    problems = [check for check in checks if check.verdict is Verdict.UNSUPPORTED]
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(
            f"{name}: {first.name} ({first.operator}): {first.reason}{more}; "
            f"--host {first.operator} leaves it to the host"
        )


def check_model(
    source: ModelSource,
    *,
    name: str | None = None,
    resolution: int | None = None,
    input_shape: tuple[int, ...] | None = None,
    host: Sequence[str] = (),
) -> CheckReport:
    """Every operator of a model, whatever becomes of it; parameters as of `import_network`.

    A network's YAML file, too, is a model: its layers are mapped by definition.
    """
    if is_network_file(source):
        refuse_changes(source, resolution=resolution, input_shape=input_shape, host=host)
        return _check_file(str(source))
    loaded: NamedGraph = load_graph(
        source, name=name, resolution=resolution, input_shape=input_shape
    )
    refuse_unknown_kinds([loaded], host)
    classified = classify(loaded.graph, host=host)
    return CheckReport(
        model=loaded.name,
        operators=classified.checks,
        macs_covered=_covered(classified.layers),
    )


def is_network_file(source: ModelSource) -> bool:
    """Whether a source is a network's YAML file."""
    return isinstance(source, str | Path) and str(source).endswith((".yaml", ".yml"))


def refuse_changes(
    source: ModelSource,
    *,
    resolution: int | None,
    input_shape: tuple[int, ...] | None,
    host: Sequence[str],
) -> None:
    """Raise an InputError where a network's file is to become another network."""
    if resolution is not None or input_shape is not None:
        raise InputError(
            f"{source}: a network's YAML file has fixed sizes; --resolution and --input-shape "
            "must not be given"
        )
    if host:
        raise InputError(
            f"{source}: a network's YAML file has layers only, no operators; --host {host[0]} "
            "must not be given"
        )


def _covered(layers: Sequence[Layer]) -> int:
    return sum(layer.num_macs for layer in layers if layer.has_program)


def _check_file(path: str | Path) -> CheckReport:
    network = read_network(path)
    layers = [
        OperatorCheck(
            name=layer.name,
            operator=layer.kind.value,
            verdict=Verdict.MAPPED,
            reason=describe(layer) if layer.has_program else f"{describe(layer)}; {NO_PROGRAM}",
            layer=layer.name,
            macs_not_covered=0 if layer.has_program else layer.num_macs,
        )
        for layer in network.layers
    ]
    hosts = [
        OperatorCheck(
            name=host.name,
            operator=host.operator,
            verdict=Verdict.HOST,
            reason="the file says so",
            macs_not_covered=host.macs,
        )
        for host in network.host
    ]
    return CheckReport(
        model=network.name, operators=(*layers, *hosts), macs_covered=_covered(network.layers)
    )

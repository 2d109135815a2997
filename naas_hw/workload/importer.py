"""A torch model -> `Network`, or -> what becomes of each of its operators."""

from pathlib import Path

from naas_hw.errors import InputError
from naas_hw.workload.check import CheckReport, OperatorCheck, Verdict
from naas_hw.workload.classify import classify, clean_name, describe
from naas_hw.workload.files import read_network
from naas_hw.workload.network import HostOperator, Network
from naas_hw.workload.source import ModelSource, NamedGraph, load_graph


def import_network(
    source: ModelSource,
    *,
    name: str | None = None,
    resolution: int | None = None,
    input_shape: tuple[int, ...] | None = None,
) -> Network:
    """The layers of a model; parameters as of `load_graph`.

    Raises
    ------
    InputError : an operator is unsupported, or none is mapped; `check_model` lists them all.
    ToolError : torch is needed and not there.
    """
    loaded = load_graph(source, name=name, resolution=resolution, input_shape=input_shape)
    found = classify(loaded.graph)
    _refuse_unsupported(loaded.name, found.checks)
    if not found.layers:
        raise InputError(f"{loaded.name}: at least one operator must be mapped, not none")
    hosts = [check for check in found.checks if check.verdict is Verdict.HOST]
    return Network(
        name=loaded.name,
        layers=found.layers,
        host=tuple(
            HostOperator(name=clean_name(check.name), operator=clean_name(check.operator))
            for check in hosts
        ),
        num_parameters=loaded.graph.num_parameters,
    )


def _refuse_unsupported(name: str, checks: tuple[OperatorCheck, ...]) -> None:
    problems = [check for check in checks if check.verdict is Verdict.UNSUPPORTED]
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{name}: {first.name} ({first.operator}): {first.reason}{more}")


def check_model(
    source: ModelSource,
    *,
    name: str | None = None,
    resolution: int | None = None,
    input_shape: tuple[int, ...] | None = None,
) -> CheckReport:
    """Every operator of a model, whatever becomes of it; parameters as of `load_graph`.

    A network's YAML file, too, is a model: its layers are mapped by definition.
    """
    if isinstance(source, str | Path) and str(source).endswith((".yaml", ".yml")):
        return _check_file(source)
    loaded: NamedGraph = load_graph(
        source, name=name, resolution=resolution, input_shape=input_shape
    )
    return CheckReport(model=loaded.name, operators=classify(loaded.graph).checks)


def _check_file(path: str | Path) -> CheckReport:
    network = read_network(path)
    layers = [
        OperatorCheck(
            name=layer.name,
            operator=layer.kind.value,
            verdict=Verdict.MAPPED,
            reason=describe(layer),
            layer=layer.name,
        )
        for layer in network.layers
    ]
    hosts = [
        OperatorCheck(
            name=host.name,
            operator=host.operator,
            verdict=Verdict.HOST,
            reason="the file says so",
        )
        for host in network.host
    ]
    return CheckReport(model=network.name, operators=(*layers, *hosts))

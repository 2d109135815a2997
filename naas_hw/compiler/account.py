"""What became of every operator, product and constant of a file: nothing is left out.

An operator of the file is found again by the tensors that it makes: whatever computes them, back to
tensors of operators before it, is this operator. Calls of the lowered network name the operators
that went into them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from naas_hw.compiler.lowering.values import HostCall, LoweredNetwork
from naas_hw.graph.graph import Graph, Operator
from naas_hw.graph.importers.contents import FileContents, FileOperator
from naas_hw.graph.integers.products import macs_of
from naas_hw.workload.check import (
    UNKNOWN,
    CheckReport,
    Macs,
    OperatorCheck,
    Verdict,
    WeightsCheck,
)

_SHAPES: Final = frozenset({"Shape", "Size", "SHAPE", "RANK", "Constant", "CONSTANT"})
"""Kinds that depend on the shape of their input only, which is fixed."""

_WITHOUT_PRODUCTS: Final = frozenset(
    "and argmax argmin ceil equal floor gathernd greater greaterequal greaterorequal isinf isnan "
    "less lessequal lessorequal logicaland logicalnot logicalor mod nonzero not notequal onehot or "
    "range reducemax reducemin round scatternd select selectv2 sign topk topkv2 where xor".split()
)
"""Kinds that nothing here computes, in small letters only, which compare, choose or round."""

_STORED: Final = ("", "/channels_second")
"""What follows the name of a tensor of the file in the graph."""


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of an operator of the graph.

    Parameters
    ----------
    reason : in words.
    layer : of a mapped one.
    needed : False of one whose result nothing reads.
    """

    verdict: Verdict
    reason: str
    layer: str | None = None
    needed: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Stages:
    """A model on its way to the accelerator.

    Parameters
    ----------
    contents : of its file.
    graph : as it was imported.
    folded : the same with fewer operators.
    lowered : its calls; none where nothing of it can be a layer.
    unsupported : names of operators that nothing computes -> why.
    host : why operators that no call has run on the host; "" where that cannot be.
    """

    contents: FileContents
    graph: Graph
    folded: Graph
    lowered: Sequence[LoweredNetwork]
    unsupported: Mapping[str, str]
    host: str = ""


def account(stages: Stages, notes: tuple[str, ...] = ()) -> CheckReport:
    """A line for every operator of the file, and all its products and constants."""
    return _Account(stages).report(notes)


class _Account:
    """The fates of one model."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        contents = stages.contents
        self._parts = owned_operators(contents, stages.graph)
        self._twins = equal_operators(stages.graph)
        self._direct = direct_fates(stages)
        self._constant = constant_tensors(contents, stages.graph)
        self._needed = needed_operators(contents)
        self._readers: dict[str, list[FileOperator]] = {}
        for operator in contents.operators:
            for name in dict.fromkeys(operator.inputs):
                self._readers.setdefault(name, []).append(operator)
        self._makers = {name: one for one in contents.operators for name in one.outputs}
        self._folded_constants = {one.name: one.inputs[1:] for one in stages.folded.operators}
        self._folded_makers = stages.folded.producers
        self._fates = {one.name: self._own_fate(one) for one in contents.operators}
        self._neighbours = self._find_neighbours()
        for one in contents.operators:
            if self._fates[one.name] is None:
                self._fates[one.name] = self._fate_of_neighbours(one)

    def report(self, notes: tuple[str, ...]) -> CheckReport:
        """All of it."""
        checks, covered = [], 0
        for operator in self._stages.contents.operators:
            fate, macs = self._fate(operator), self._macs(operator)
            left = fate.verdict in (Verdict.HOST, Verdict.UNSUPPORTED)
            covered += 0 if left or macs == UNKNOWN else macs
            checks.append(
                OperatorCheck(
                    name=operator.name,
                    operator=operator.kind,
                    verdict=fate.verdict,
                    reason=fate.reason,
                    layer=fate.layer,
                    macs_not_covered=macs if left else 0,
                )
            )
        return CheckReport(
            model=self._stages.graph.name,
            operators=tuple(checks),
            macs_covered=covered,
            weights=self._weights(),
            notes=notes,
        )

    def _fate(self, operator: FileOperator) -> Fate:
        fate = self._fates[operator.name]
        assert fate is not None
        return fate

    def _own_fate(self, operator: FileOperator) -> Fate | None:
        """The fate of what the operator became; None where it has none of its own."""
        parts = self._parts[operator.name]
        fates = [fate for part in parts if (fate := self._direct.get(part.name)) is not None]
        for verdict in (Verdict.UNSUPPORTED, Verdict.HOST, Verdict.MAPPED):
            for fate in fates:
                if fate.verdict is verdict:
                    return fate
        if operator.name not in self._needed:
            reason = "no output of the model needs its numbers"
            return Fate(verdict=Verdict.FOLDED, reason=reason, needed=False)
        if all(name in self._constant for name in operator.outputs):
            return Fate(verdict=Verdict.FOLDED, reason="a constant")
        if not fates and parts and all(part.name in self._twins for part in parts):
            reason = f"the same as {self._twins[parts[0].name]}"
            return Fate(verdict=Verdict.FOLDED, reason=reason)
        return fates[0] if fates else None

    def _fate_of_neighbours(self, operator: FileOperator) -> Fate:
        """Into what an operator went that is gone: what makes its result now, or reads it."""
        for name in operator.outputs:
            maker = self._folded_makers.get(name)
            fate = None if maker is None else self._direct.get(maker.name)
            if fate is not None:
                return _within(fate, maker.name if maker else "")
        if self._stages.host:
            return Fate(verdict=Verdict.HOST, reason=self._stages.host)
        macs = self._macs(operator)
        for found in self._neighbours:
            if operator.name in found and not macs:
                neighbour = found[operator.name].operator
                return _within(self._fate(neighbour), neighbour.name)
        if macs:
            reason = "no call of the lowered network computes it"
            return Fate(verdict=Verdict.UNSUPPORTED, reason=reason)
        return Fate(verdict=Verdict.FOLDED, reason="it changes no number")

    def _find_neighbours(self) -> tuple[Mapping[str, "_Neighbour"], ...]:
        """For each operator the nearest one that has a call, in the order of preference.

        First one before it whose constants changed, then one behind it, then one before it.
        """
        operators = self._stages.contents.operators
        verdicts = {name: fate.verdict for name, fate in self._fates.items() if fate is not None}
        called = {
            one.name
            for one in operators
            if verdicts.get(one.name) in (Verdict.MAPPED, Verdict.HOST)
        }
        changed = {one.name for one in operators if self._has_new_constants(one)}
        return (
            _nearest(operators, self._makers_of, called & changed),
            _nearest(operators[::-1], self._readers_of, called),
            _nearest(operators, self._makers_of, called),
        )

    def _makers_of(self, operator: FileOperator) -> list[FileOperator]:
        return [self._makers[name] for name in operator.inputs if name in self._makers]

    def _readers_of(self, operator: FileOperator) -> list[FileOperator]:
        return [one for name in operator.outputs for one in self._readers.get(name, ())]

    def _has_new_constants(self, operator: FileOperator) -> bool:
        """Whether a fold gave it other weights."""
        now = self._folded_constants
        parts = self._parts[operator.name]
        return any(now.get(part.name, part.inputs[1:]) != part.inputs[1:] for part in parts)

    def _macs(self, operator: FileOperator) -> Macs:
        """Its multiply-accumulates at run time."""
        if any(part.name in self._stages.unsupported for part in self._parts[operator.name]):
            kind = operator.kind.lower().replace("_", "")
            return 0 if kind in _WITHOUT_PRODUCTS else UNKNOWN
        needed = operator.name in self._needed
        if not needed or all(name in self._constant for name in operator.outputs):
            return 0
        return sum(macs_of(self._stages.graph, part) for part in self._parts[operator.name])

    def _weights(self) -> WeightsCheck:
        """Each constant by the most that its readers are: a layer, the host, a fold."""
        counts = dict.fromkeys(("in_layers", "on_host", "unsupported", "folded", "unused"), 0)
        for name, size in self._stages.contents.constants.items():
            found = {self._use(reader) for reader in self._last_readers(name)}
            counts[next((use for use in counts if use in found), "unused")] += size
        return WeightsCheck(**counts)

    def _use(self, operator: FileOperator) -> str:
        fate = self._fate(operator)
        if not fate.needed:
            return "unused"
        return {
            Verdict.MAPPED: "in_layers",
            Verdict.HOST: "on_host",
            Verdict.UNSUPPORTED: "unsupported",
            Verdict.FOLDED: "folded",
        }[fate.verdict]

    def _last_readers(self, name: str) -> list[FileOperator]:
        """The operators that read a constant, or what is made of constants alone."""
        found, waiting, seen = [], [name], {name}
        while waiting:
            for reader in self._readers.get(waiting.pop(), ()):
                ends = [each for each in reader.outputs if each not in self._constant]
                more = [each for each in reader.outputs if each in self._constant]
                if ends or not any(self._readers.get(each) for each in more):
                    found.append(reader)
                waiting += [each for each in more if each not in seen]
                seen |= set(more)
        return found


@dataclass(frozen=True, kw_only=True)
class _Neighbour:
    """An operator that another one reaches in so many steps."""

    steps: int
    operator: FileOperator


def _nearest(
    operators: Sequence[FileOperator],
    step: Callable[[FileOperator], list[FileOperator]],
    wanted: Collection[str],
) -> dict[str, _Neighbour]:
    """The nearest of the wanted operators that each one reaches, if it reaches one.

    Parameters
    ----------
    operators : each behind those that `step` gives for it.
    wanted : names.
    """
    nearest: dict[str, _Neighbour] = {}
    for operator in operators:
        found = [
            _Neighbour(steps=1, operator=other)
            if other.name in wanted
            else replace(nearest[other.name], steps=nearest[other.name].steps + 1)
            for other in step(operator)
            if other.name in wanted or other.name in nearest
        ]
        if found:
            nearest[operator.name] = min(found, key=lambda one: one.steps)
    return nearest


def _within(fate: Fate, name: str) -> Fate:
    """The fate of what went into another operator."""
    if fate.verdict is Verdict.MAPPED:
        reason = f"part of layer {fate.layer}"
        return Fate(verdict=Verdict.FOLDED, reason=reason, layer=fate.layer)
    if fate.verdict is Verdict.HOST:
        return Fate(verdict=Verdict.FOLDED, reason=f"part of {name}, which the host computes")
    return fate


def owned_operators(contents: FileContents, graph: Graph) -> dict[str, list[Operator]]:
    """Operator of the file -> operators of the imported graph that compute it."""
    makers = {
        name: one for one in (*graph.folded, *graph.operators) for name in one.outputs if name
    }
    taken: set[str] = set()
    owned: dict[str, list[Operator]] = {}
    for operator in contents.operators:
        waiting = [name + end for name in operator.outputs for end in _STORED]
        mine: list[Operator] = []
        while waiting:
            maker = makers.get(waiting.pop())
            if maker is None or maker.name in taken:
                continue
            taken.add(maker.name)
            mine.append(maker)
            waiting += [name for name in maker.inputs if name]
        owned[operator.name] = mine
    return owned


def direct_fates(stages: Stages) -> dict[str, Fate]:
    """Fates of operators of the graph that calls name, or that nothing computes."""
    fates: dict[str, Fate] = {}
    for lowered in stages.lowered:
        fates |= _fates_of_calls(lowered)
    for name, reason in stages.unsupported.items():
        fates[name] = Fate(verdict=Verdict.UNSUPPORTED, reason=reason)
    for name in [operator.name for operator in stages.folded.operators if operator.name in fates]:
        _also_for_parents(name, fates, stages.graph)
    return fates


def _also_for_parents(name: str, fates: dict[str, Fate], graph: Graph) -> None:
    """An operator that a fold made has the name of what it replaced, and more behind a slash."""
    known = {operator.name for operator in graph.operators}
    parent = name
    while parent not in known and "/" in parent:
        parent = parent.rpartition("/")[0]
    if parent != name and parent in known:
        fates.setdefault(parent, fates[name])


def _fates_of_calls(lowered: LoweredNetwork) -> dict[str, Fate]:
    """Source -> fate, of one network."""
    layers: dict[str, str] = {}
    for call in lowered.layer_calls:
        for source in call.sources:
            layers.setdefault(source, call.layer.name)
    hosts = {call.operator.name: call for call in lowered.host_calls}
    fates: dict[str, Fate] = {}
    for operator in lowered.graph.operators:
        sources = operator.sources or (operator.name,)
        main = _fate_of_main(operator.name, hosts.get(operator.name), layers)
        for source in sources[::-1]:
            fate = main if source == operator.name else _within(main, operator.name)
            known = fates.get(source)
            if known is None or known.verdict is Verdict.FOLDED:
                fates[source] = fate
    return fates


def _fate_of_main(name: str, host: HostCall | None, layers: Mapping[str, str]) -> Fate:
    """The fate of the operator that names one of the quantised graph."""
    if host is not None:
        return Fate(verdict=Verdict.HOST, reason=host.reason)
    if name in layers:
        return Fate(verdict=Verdict.MAPPED, reason=f"layer {layers[name]}", layer=layers[name])
    return Fate(verdict=Verdict.FOLDED, reason="its numbers lie where its readers need them")


def equal_operators(graph: Graph) -> dict[str, str]:
    """Operator -> the first one that makes the same of the same tensors."""
    first: dict[tuple[object, ...], Operator] = {}
    names: dict[str, str] = {}
    twins = {}
    for operator in graph.operators:
        read = tuple(names.get(name, name) for name in operator.inputs)
        shapes = tuple(graph.tensors[name].shape for name in operator.outputs)
        given = repr(sorted(operator.attributes.items()))
        same = first.setdefault((operator.kind, read, given, shapes), operator)
        if same is not operator:
            twins[operator.name] = same.name
            names |= dict(zip(operator.outputs, same.outputs, strict=True))
    return twins


def constant_tensors(contents: FileContents, graph: Graph) -> set[str]:
    """Tensors of the file that do not depend on its inputs."""
    known = set(contents.constants)
    known |= {name for name, tensor in graph.tensors.items() if tensor.is_constant}
    for operator in contents.operators:
        if operator.kind in _SHAPES or all(name in known for name in operator.inputs):
            known |= set(operator.outputs)
    return known


def needed_operators(contents: FileContents) -> set[str]:
    """Names of operators on whose numbers, not their shape, an output of the model depends."""
    wanted, needed = set(contents.outputs), set()
    for operator in reversed(contents.operators):
        if wanted & set(operator.outputs):
            wanted |= set() if operator.kind in _SHAPES else set(operator.inputs)
            needed.add(operator.name)
    return needed

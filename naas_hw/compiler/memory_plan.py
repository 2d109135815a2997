"""Where the buffers of a lowered network lie, and when: the one place that decides it.

A buffer is alive from the first call that writes it to the last that reads it, both included; what
the network is given lives from the start, and its results to the end. Calls run one after the
other. Buffers whose lives have no call in common may share bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from naas_hw.compiler.lowering.values import HostCall, LayerCall, LoweredNetwork
from naas_hw.core.errors import NaasError
from naas_hw.mapping.geometry import ceil_div


class OverlapError(NaasError):
    """A memory plan would let a buffer overwrite another one that is still needed."""


@dataclass(frozen=True, kw_only=True)
class MemoryRequest:
    """A buffer that needs a place.

    Parameters
    ----------
    name : unique.
    size : bytes, at least 1.
    first, last : calls between which it is alive, both included; -1 is before the first call.
    """

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: "MemoryRequest") -> bool:
        """Whether both are alive at a time."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """A place for each buffer.

    Parameters
    ----------
    requests : all buffers.
    addresses : name -> first byte, counted from the start of the area.
    """

    requests: tuple[MemoryRequest, ...]
    addresses: Mapping[str, int]

    @property
    def peak_bytes(self) -> int:
        """Size of the area."""
        ends = (self.addresses[request.name] + request.size for request in self.requests)
        return max(ends, default=0)

    @property
    def total_bytes(self) -> int:
        """Size of the area if no byte were used twice."""
        return sum(request.size for request in self.requests)

    @property
    def least_bytes(self) -> int:
        """Bytes that are alive at one time, at most: no plan is smaller."""
        return max(
            (
                sum(other.size for other in self.requests if other.first <= at <= other.last)
                for at in {request.first for request in self.requests}
            ),
            default=0,
        )


def buffer_requests(lowered: LoweredNetwork) -> tuple[MemoryRequest, ...]:
    """The buffers of a network, with the calls between which they are alive."""
    lives: dict[str, tuple[int, int]] = {}
    for index, name in _uses(lowered):
        first, last = lives.get(name, (index, index))
        lives[name] = (min(first, index), max(last, index))
    return tuple(
        MemoryRequest(
            name=name,
            size=beats * lowered.beat_bytes,
            first=lives[name][0],
            last=lives[name][1],
        )
        for name, beats in lowered.buffers.items()
        if name in lives
    )


def _uses(lowered: LoweredNetwork) -> Iterator[tuple[int, str]]:
    """(call, buffer) for everything that is read or written."""
    for tensor in lowered.inputs:
        if tensor.view is not None:
            yield -1, tensor.view.buffer
    for index, call in enumerate(lowered.calls):
        for name in _buffers_of(call):
            yield index, name
    for tensor in lowered.outputs:
        if tensor.view is not None:
            yield len(lowered.calls), tensor.view.buffer


def _buffers_of(call: LayerCall | HostCall) -> Iterator[str]:
    if isinstance(call, HostCall):
        yield from (t.view.buffer for t in (*call.inputs, call.output) if t.view is not None)
        return
    yield call.input.buffer
    yield call.output.buffer
    if call.residual is not None:
        yield call.residual.buffer


def plan_memory(requests: Sequence[MemoryRequest], *, alignment: int) -> MemoryPlan:
    """Give each buffer a place: the largest first, each into the smallest gap that holds it.

    Parameters
    ----------
    alignment : every buffer begins at a multiple of so many bytes.

    Raises
    ------
    OverlapError : see `check_plan`, which has the last word.
    """
    placed: list[tuple[MemoryRequest, int]] = []
    for request in sorted(requests, key=lambda r: (-r.size, r.first, r.name)):
        near = sorted(
            (address, address + other.size) for other, address in placed if other.meets(request)
        )
        placed.append((request, _place(request.size, near, alignment)))
    plan = MemoryPlan(
        requests=tuple(requests),
        addresses={request.name: address for request, address in placed},
    )
    check_plan(plan, alignment=alignment)
    return plan


def _place(size: int, taken: Sequence[tuple[int, int]], alignment: int) -> int:
    """The start of the smallest gap between ranges that holds `size` bytes."""
    gaps: list[tuple[int, int]] = []
    end = 0
    for first, behind in taken:
        if first - end >= size:
            gaps.append((first - end, end))
        end = max(end, ceil_div(behind, alignment) * alignment)
    return min(gaps)[1] if gaps else end


def check_plan(plan: MemoryPlan, *, alignment: int) -> None:
    """Raise an OverlapError unless buffers that are alive at one time share no byte."""
    ranges = {
        request.name: (plan.addresses[request.name], plan.addresses[request.name] + request.size)
        for request in plan.requests
    }
    if len(ranges) != len(plan.requests):
        raise OverlapError("each buffer must have one place")
    for name, (first, _) in ranges.items():
        if first < 0 or first % alignment:
            raise OverlapError(f"{name!r} must begin at a multiple of {alignment}, not at {first}")
    for index, one in enumerate(plan.requests):
        for other in plan.requests[index + 1 :]:
            (first, end), (other_first, other_end) = ranges[one.name], ranges[other.name]
            if one.meets(other) and first < other_end and other_first < end:
                raise OverlapError(
                    f"{one.name!r} and {other.name!r} must not share bytes while both are needed"
                )

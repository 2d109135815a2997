"""A problem read from Timeloop's file: bounds, stride, dilation, and which kind of layer it is.

Understood are a convolution (K or M output channels) and both forms of a depthwise one: inputs
with K in place of C, as we write it, or no K at all, so that C indexes all three tensors.
"""

from collections.abc import Iterator
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from naas_hw.core.errors import InputError
from naas_hw.exchange.timeloop_format import BATCH, GROUP
from naas_hw.exchange.timeloop_problem import COEFFICIENTS
from naas_hw.system.yaml_files import validate
from naas_hw.workload.layer import DIMS, MAX_REACH, Dim

INPUTS: Final = "Inputs"
OUTPUTS: Final = "Outputs"
TENSORS: Final = ("Weights", INPUTS, OUTPUTS)
_OUTPUT_CHANNELS: Final = ("K", "M")
_SPACES: Final = ("data-spaces", "data_spaces", "dataSpaces")
_SLIDING: Final = ("P", "Q", "R", "S")
"""Whose coefficients are the stride (rows, columns) and the dilation."""

_Size = Annotated[int, Field(ge=1, le=1 << 32)]
_Factor = Annotated[int, Field(ge=1, le=MAX_REACH)]


class _Problem(BaseModel):
    instance: dict[str, Any]
    shape: Any = None


class _ProblemFile(BaseModel):
    problem: _Problem


class _Instance(BaseModel):
    """Loop bounds; what else stands there is a coefficient, or not ours."""

    K: _Size | None = None
    M: _Size | None = None
    C: _Size = 1
    P: _Size = 1
    Q: _Size = 1
    R: _Size = 1
    S: _Size = 1
    N: Annotated[int, Field(ge=1, le=1)] = 1
    G: _Size = 1


class _Coefficients(BaseModel):
    P: _Factor = 1
    Q: _Factor = 1
    R: _Factor = 1
    S: _Factor = 1


@dataclass(frozen=True, kw_only=True)
class ReadProblem:
    """A problem in our dims.

    Parameters
    ----------
    bounds : loop -> bound, of K C P Q R S, N and G.
    stride, dilation : (rows, columns).
    is_depthwise : whether K is the channel of inputs too.
    names : loop of the file -> ours, where they differ.
    """

    bounds: AbstractMapping[str, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    is_depthwise: bool
    names: AbstractMapping[str, str]

    def dims_of(self, tensor: str) -> tuple[Dim, ...]:
        """Our dims that index `Weights`, `Inputs` or `Outputs`."""
        if tensor == OUTPUTS:
            return ("K", "P", "Q")
        if tensor == INPUTS:
            return ("K" if self.is_depthwise else "C", "P", "Q", "R", "S")
        return ("K", "C", "R", "S")


def read_problem(problem: object, source: str) -> ReadProblem:
    """The problem in the content of a file, which `source` names in errors.

    Raises
    ------
    InputError : one sentence that names place, rule and value.
    """
    content = validate(_ProblemFile, problem, source).problem
    place = f"{source}: problem.instance"
    sizes = validate(_Instance, content.instance, place).model_dump()
    channels = [name for name in _OUTPUT_CHANNELS if sizes[name] is not None]
    has_own_form = not channels and "C" in _dims(content.shape, OUTPUTS)
    if len(channels) != 1 and not has_own_form:
        raise InputError(f"{place} must hold either K or M")
    own = "C" if has_own_form else channels[0]
    bounds = {name: sizes[name] for name in (*DIMS, BATCH, GROUP) if name != "K"}
    bounds |= {"C": 1} if has_own_form else {}
    inputs = _dims(content.shape, INPUTS)
    factors = _coefficients(content, place)
    return ReadProblem(
        bounds={**bounds, "K": sizes[own]},
        stride=(factors.P, factors.Q),
        dilation=(factors.R, factors.S),
        is_depthwise=has_own_form or (own in inputs and "C" not in inputs),
        names={"M": "K", own: "K"},
    )


def _dims(shape: Any, tensor: str) -> set[str]:
    """Loops that index a tensor; empty where the shape does not say."""
    return {term[0] for term in _terms(shape, tensor)}


def _coefficients(problem: _Problem, place: str) -> _Coefficients:
    """What P, Q, R and S are multiplied by in the inputs: named in the shape, or as usual."""
    names = {term[0]: term[1] for term in _terms(problem.shape, INPUTS) if len(term) > 1}
    if not names:
        names = dict(zip(_SLIDING, COEFFICIENTS, strict=True))
    known = {**_defaults(problem.shape), **problem.instance}
    used = {dim: known[name] for dim, name in names.items() if dim in _SLIDING and name in known}
    return validate(_Coefficients, used, f"{place}, coefficients")


def _defaults(shape: Any) -> dict[str, Any]:
    entries = shape.get("coefficients") if isinstance(shape, dict) else None
    return {
        entry["name"]: entry.get("default", 1)
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }


def _terms(shape: Any, tensor: str) -> Iterator[list[str]]:
    """Products in the projection of a tensor: `[P]`, or `[P, Wstride]`."""
    for space in _spaces(shape):
        if space.get("name") != tensor or not isinstance(space.get("projection"), list):
            continue
        for index in space["projection"]:
            for term in index if isinstance(index, list) else ():
                if isinstance(term, list) and term and all(isinstance(n, str) for n in term):
                    yield term


def _spaces(shape: Any) -> list[dict[str, Any]]:
    if not isinstance(shape, dict):
        return []
    spaces: Any = next((shape[name] for name in _SPACES if name in shape), [])
    return (
        [space for space in spaces if isinstance(space, dict)] if isinstance(spaces, list) else []
    )

"""A nest that Timeloop has counted, as our layer, accelerator and mapping."""

from math import prod
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator, Axis
from naas_hw.cost.reference.accesses import Accesses, accesses_of
from naas_hw.exchange.timeloop_reader import ReadMapping, timeloop_mapping
from naas_hw.mapping.geometry import Geometry
from naas_hw.system.yaml_files import parse_yaml
from naas_hw.workload.layer import DIMS, Dim, Kind, Layer

BEAT: Final = 4
"""Elements of a row in the cases: 64 bits of 16."""


DRAM, L2, PE, MAC = "DRAM", "GlobalBuffer", "PEBuffer", "mac"


WEIGHTS, INPUTS, OUTPUTS = "Weights", "Inputs", "Outputs"


WINDOWS: Final[tuple[tuple[Dim, Dim], ...]] = (("P", "R"), ("Q", "S"))
"""Output and kernel dims of rows, and of columns."""


class _NestTexts(BaseModel):
    map: str
    prob: str


class CountedCase(BaseModel):
    """A case of a file: a nest as Timeloop reads it, and what it counts."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(max_length=200)]
    env: dict[str, str]
    files: _NestTexts = Field(alias="yaml")
    compute_cycles: int
    accesses: dict[str, dict[str, Any]]
    networks: dict[str, dict[str, dict[str, Any]]]


class CountedNest:
    """A case as our values, and Timeloop's counts of it."""

    def __init__(self, case: CountedCase) -> None:
        self.case = case
        self.geometry = _geometry(case)
        self.ours: Accesses = accesses_of(self.geometry)

    def theirs(self, level: str, tensor: str, count: str) -> int:
        """A count of Timeloop's, all instances together."""
        counts = self.case.accesses[level]["tensors"][tensor]
        return int(counts[f"{count}_per_instance"] * counts["instances"])

    @property
    def elides_first_reads(self) -> bool:
        """Whether the first visit of an output reads nothing."""
        return self.case.env.get("TIMELOOP_ENABLE_FIRST_READ_ELISION") != "0"

    @property
    def links(self) -> int:
        """Inputs passed from PE to PE."""
        return int(self.case.networks[f"{L2} <==> {PE}"][INPUTS]["Link transfers"])

    @property
    def tree(self) -> int:
        """Products that a tree adds."""
        return prod(self.geometry.mapping.spatial[dim] for dim in REDUCTION_DIMS)

    @property
    def sharing(self) -> int:
        """PEs that get the same input."""
        spatial = self.geometry.mapping.spatial
        return prod(spatial[dim] for dim in DIMS if dim not in self.geometry.input_dims)

    @property
    def num_outputs(self) -> int:
        """Outputs of the layer."""
        layer = self.geometry.layer
        return layer.groups * layer.K * layer.P * layer.Q


def _geometry(case: CountedCase) -> Geometry:
    mapping, problem = (
        parse_yaml(text, kind)
        for kind, text in (("its mapping", case.files.map), ("its problem", case.files.prob))
    )
    read = timeloop_mapping(mapping, problem, "its mapping", "its problem")
    layer = _layer(read)
    used = {dim: read.mapping.spatial[dim] for dim in DIMS}
    accelerator = Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in used.items() if size > 1)
        or (Axis(dim="K", size=1),),
        weight_buffer_bytes=65536,  # sizes of memories change no count
        input_buffer_bytes=65536,
        accumulator_words=65536,
        bank_bytes=256 * 1024,
        beat_bytes=BEAT,
        weight_lanes=1,
        input_lanes=1,
    )
    return Geometry(accelerator=accelerator, layer=layer, mapping=read.mapping)


def _layer(read: ReadMapping) -> Layer:
    """The layer of a problem, with an image that its windows just cover."""
    bounds, problem = read.bounds, read.problem
    height, width = (
        (bounds[out] - 1) * problem.stride[place]
        + (bounds[kernel] - 1) * problem.dilation[place]
        + 1
        for place, (out, kernel) in enumerate(WINDOWS)
    )
    return Layer(
        name="layer",
        kind=Kind.DEPTHWISE if problem.is_depthwise else Kind.CONV,
        **{str(dim): bounds[dim] for dim in DIMS},
        height=height,
        width=width,
        stride=problem.stride,
        dilation=problem.dilation,
        groups=read.groups,
    )

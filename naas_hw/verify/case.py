"""A case of verification: a layer under a mapping on an accelerator."""

from dataclasses import dataclass

from naas_hw.arch.accelerator import Accelerator
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import Layer


@dataclass(frozen=True, kw_only=True)
class Case:
    """A layer under a legal mapping on an accelerator."""

    accelerator: Accelerator
    layer: Layer
    mapping: Mapping

    @property
    def geometry(self) -> Geometry:
        """What follows from the three."""
        return Geometry(accelerator=self.accelerator, layer=self.layer, mapping=self.mapping)

"""What a figure is: a value, and where it comes from."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

Picojoules = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Source = Annotated[str, Field(min_length=1, max_length=1000)]

HOROWITZ: Final = (
    "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, "
    "figure 1.1.9: 45 nm, 0.9 V"
)
DALLY: Final = "W. Dally, High-performance hardware for machine learning, NIPS 2015 tutorial, 45 nm"


class SourcedFigure(BaseModel):
    """Base of everything that has a source; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source


class Entry(SourcedFigure):
    """One figure and where it comes from."""

    value: Picojoules

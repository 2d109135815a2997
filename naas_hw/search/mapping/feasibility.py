"""Find budgets and accelerators that have no room for a layer, whatever the mapping.

They are refused before any mapping is drawn.
"""

from collections.abc import Sequence
from math import lcm

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.core.errors import InputError
from naas_hw.mapping.bank_need import fewest_banks
from naas_hw.mapping.geometry import ceil_div
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import Layer


def refuse_impossible(budget: Budget, layers: Sequence[Layer]) -> None:
    """Raise an InputError if no accelerator of the budget has room for one of the layers.

    The error names the first such layer and what it needs.
    """
    for layer in layers:
        need = fewest_banks(
            layer,
            bank_words=max(1, budget.most_bank_bytes // budget.beat_bytes),
            beat_bytes=budget.beat_bytes,
        )
        if need > budget.num_banks:
            raise InputError(
                f"budget {budget.name}: num_banks must be at least {need} for layer {layer.name}, "
                f"in banks of {budget.most_bank_bytes} bytes (what {budget.on_chip_bytes} bytes on "
                f"chip leave each), not {budget.num_banks}"
            )
        channels = _scaled_channels(layer, budget.beat_bytes)
        if channels > budget.scale_depth:
            raise InputError(
                f"budget {budget.name}: scale_depth must be at least {channels} for layer "
                f"{layer.name}, not {budget.scale_depth}"
            )


def why_not_mappable(accelerator: Accelerator, layer: Layer) -> str | None:
    """What an accelerator lacks for any mapping of a layer, in words; None if that is not known."""
    if missing := sorted(layer.options - accelerator.options):
        return f"it needs hardware that is not there: {', '.join(missing)}"
    need = fewest_banks(layer, bank_words=accelerator.bank_words, beat_bytes=accelerator.beat_bytes)
    if need > accelerator.num_banks:
        return (
            f"it needs at least {need} banks of {accelerator.bank_bytes} bytes, not "
            f"{accelerator.num_banks}"
        )
    channels = _scaled_channels(layer, accelerator.beat_bytes)
    if channels > accelerator.scale_depth:
        return f"it needs a scale_depth of at least {channels}, not {accelerator.scale_depth}"
    return None


def smallest_mapping(accelerator: Accelerator, layer: Layer) -> Mapping:
    """The mapping with the smallest tiles: if it is illegal, hardly any other with tiles is not."""
    l2, spatial = {}, {}
    for dim in ("K", "C"):
        extent = min(accelerator.size_of(dim), getattr(layer, dim))
        block = lcm(extent, accelerator.beat_bytes)
        spatial[dim] = extent
        l2[dim] = min(block // extent, ceil_div(getattr(layer, dim), extent))
    return Mapping(l2=Bounds(**l2), spatial=Bounds(**spatial))


def why_none_found(accelerator: Accelerator, layer: Layer) -> str:
    """Why an accelerator has no mapping of a layer, or none that was found, in words."""
    if reason := why_not_mappable(accelerator, layer):
        return reason
    for violation in violations(accelerator, layer, smallest_mapping(accelerator, layer)):
        return f"with the smallest tiles, {violation.message}"
    return "not one of those tried is legal"


def _scaled_channels(layer: Layer, beat_bytes: int) -> int:
    """Output channels of the smallest tile, whole words of the drain."""
    lanes = beat_bytes // 4
    return ceil_div(min(layer.K, beat_bytes), lanes) * lanes

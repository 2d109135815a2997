"""Images of one or two axes as the images [1, C, H, W] that a `Graph` has."""

from naas_hw.graph.importers.aten.call import Call, UnsupportedError
from naas_hw.graph.importers.builder import Shape


def as_image(call: Call, tensor: str, rank: int) -> str:
    """A tensor as [1, C, H, W]; an image of one axis becomes one row.

    Parameters
    ----------
    rank : number of axes of the image, 1 or 2.

    Raises
    ------
    UnsupportedError : more than one image.
    """
    shape = call.builder.shape(tensor)
    if len(shape) not in (rank + 1, rank + 2):
        raise UnsupportedError(
            f"an image must have {rank + 1} or {rank + 2} axes, not {len(shape)}"
        )
    if len(shape) == rank + 2 and shape[0] != 1:
        raise UnsupportedError(f"batch must be 1, not {shape[0]}")
    return call.reshaped(tensor, image_shape(shape, rank))


def image_shape(shape: Shape, rank: int) -> Shape:
    """The shape of an image [C, L], [1, C, L], [C, H, W] or [1, C, H, W] as [1, C, H, W]."""
    channels, *size = shape[-rank - 1 :]
    return (1, channels, *([1] * (2 - rank)), *size)

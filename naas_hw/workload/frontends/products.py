"""A product of matrices with constant weights -> one `Layer`."""

from dataclasses import dataclass
from math import isqrt, prod

from naas_hw.workload.frontends.unmappable import UnmappableError
from naas_hw.workload.layer import MAX_SIZE, Kind, Layer


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product as a layer sees it.

    Parameters
    ----------
    rows : of one group: vectors that are multiplied by the same weights.
    groups : matrices of weights that differ, each with rows of its own.
    """

    outputs: int
    inputs: int
    rows: int
    groups: int = 1


def linear_product(weight: tuple[int, ...], given: tuple[int, ...]) -> Product:
    """`linear`: weights [K, C], input [..., C]."""
    if len(weight) != 2:
        raise UnmappableError(f"weights must have 2 axes, not {len(weight)}")
    return Product(outputs=weight[0], inputs=weight[1], rows=prod(given[:-1]))


def matrix_product(
    weight: tuple[int, ...],
    given: tuple[int, ...],
    result: tuple[int, ...],
    *,
    weight_first: bool,
    is_repeated: bool,
) -> Product:
    """`mm`, `matmul`, `bmm`: weights [..., C, K] behind the input, or [..., K, C] before it.

    Parameters
    ----------
    is_repeated : whether the weights are the same all along their leading axes.
    """
    if len(weight) < 2:
        raise UnmappableError(f"weights must have 2 axes at least, not {len(weight)}")
    outputs, inputs = weight[-2:] if weight_first else (weight[-1], weight[-2])
    batch = weight[:-2]
    if outputs < 1:
        raise UnmappableError(f"weights must have outputs, not {outputs}")
    if prod(batch) == 1 or is_repeated:
        return Product(outputs=outputs, inputs=inputs, rows=prod(result) // outputs)
    if given[:-2] != batch:
        raise UnmappableError(
            f"leading axes of weights that differ along them must be those of the input, "
            f"{given[:-2]}, not {batch}"
        )
    rows = given[-1] if weight_first else given[-2]
    return Product(outputs=outputs, inputs=inputs, rows=rows, groups=prod(batch))


def product_layer(product: Product, name: str) -> Layer:
    """A linear layer; one that acts on several rows is a 1x1 convolution of an image of them."""
    if product.rows == 1 and product.groups == 1:
        return Layer(name=name, kind=Kind.LINEAR, K=product.outputs, C=product.inputs,
                     height=1, width=1)  # fmt: skip
    height, width = image_of_rows(product.rows)
    return Layer(
        name=name,
        kind=Kind.CONV,
        K=product.outputs,
        C=product.inputs,
        P=height,
        Q=width,
        height=height,
        width=width,
        groups=product.groups,
    )


def image_of_rows(rows: int) -> tuple[int, int]:
    """`rows` vectors as an image: one column, or, of too many, the squarest image of so many.

    >>> image_of_rows(197), image_of_rows(70000)
    ((197, 1), (280, 250))

    Raises
    ------
    UnmappableError : they are too many for one axis, and no two sizes make so many.
    """
    if rows <= MAX_SIZE:
        return rows, 1
    widest = min(isqrt(rows), MAX_SIZE)
    width = next((w for w in range(widest, 1, -1) if rows % w == 0), 1)
    if rows // width > MAX_SIZE:
        raise UnmappableError(
            f"rows must be at most {MAX_SIZE}, or two factors of at most {MAX_SIZE} each, "
            f"not {rows}, which has no such factors: pad them, or split the input"
        )
    return rows // width, width

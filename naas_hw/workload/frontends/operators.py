"""Which operators are which: sets of ATen kinds, and what else is known of a kind by its name."""

import re
from typing import Final

BATCH_NORMS: Final = frozenset(
    {
        "batch_norm",
        "_batch_norm_impl_index",
        "_batch_norm_no_update",
        "miopen_batch_norm",
        "native_batch_norm",
        "cudnn_batch_norm",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_no_training",
    }
)
CLAMPS: Final = frozenset({"relu", "relu6", "hardtanh", "clamp", "clamp_min"})
IDENTITIES: Final = frozenset(
    """
    alias alpha_dropout clone contiguous detach dropout feature_alpha_dropout feature_dropout
    getitem identity lift_fresh_copy native_dropout
    """.split()
)
RESHAPES: Final = frozenset(
    "_unsafe_view flatten reshape squeeze unflatten unsqueeze view view_as".split()
)
FACTORIES: Final = frozenset("arange empty eye full linspace ones scalar_tensor zeros".split())
"""These make a constant out of numbers."""

FILLERS: Final = frozenset(
    "empty_like full_like new_empty new_full new_ones new_zeros ones_like zeros_like".split()
)
"""These make a constant; of the tensor that they read only the shape counts."""

RANDOM: Final = frozenset(
    """
    bernoulli cauchy exponential geometric log_normal multinomial normal poisson rand rand_like
    randint randint_like randn randn_like random randperm uniform
    """.split()
)
"""These are never constant, whatever they read."""

CASTS: Final = frozenset(
    "_to_copy bfloat16 bool byte char double float half int long short to type type_as".split()
)
_FLOATING: Final = frozenset("bfloat16 double float float16 float32 float64 half".split())

RECURRENT: Final = frozenset("gru lstm rnn_relu rnn_tanh".split())

_CHECKS: Final = re.compile(r"^(_assert\w*|sym_\w+|_functional_sym_\w+|_functional_assert\w*)$")


def only_checks(kind: str) -> bool:
    """Whether an operator computes nothing: it asserts something, or reads a size.

    >>> only_checks("_assert_tensor_metadata"), only_checks("sym_size"), only_checks("add")
    (True, True, False)
    """
    return _CHECKS.match(kind) is not None


def keeps_values(kind: str, dtype: object) -> bool:
    """Whether a cast changes the number format only.

    Its target is a floating-point format, or none is named (another device or memory layout).

    Parameters
    ----------
    dtype : as the importers give it, like `torch.float32`; None where none is named.
    """
    if kind in ("to", "_to_copy") and dtype is None:
        return True
    name = kind if dtype is None else str(dtype).removeprefix("torch.")
    return name in _FLOATING

"""The networks of these tests are too small for more than one thread."""

import pytest


@pytest.fixture(autouse=True)
def one_thread(request):
    """Of torch, in tests that need it."""
    names = [name for mark in request.node.iter_markers("needs") for name in mark.args]
    if "torch" not in names:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

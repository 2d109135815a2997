"""One set of weights for all networks of a space."""

import numpy as np
import pytest

from naas_hw.nas.spaces.builtin import BUILTIN_SPACES, load_builtin_space

pytestmark = pytest.mark.needs("torch")

SEED = 8


@pytest.fixture
def supernet():
    """Of the digits, untrained."""
    from naas_hw.nas.accuracy.supernet import Supernet

    return Supernet(load_builtin_space("digits"), seed=SEED)


def draw(num_networks: int):
    return load_builtin_space("digits").sample(np.random.default_rng(SEED), num_networks)


@pytest.mark.parametrize("name", BUILTIN_SPACES)
def test_every_network_is_a_part_of_the_largest(name):
    """Each parameter has a namesake that is not smaller along any axis."""
    import torch

    space = load_builtin_space(name)
    encodings = [space.largest, space.smallest, *space.sample(np.random.default_rng(SEED), 4)]
    with torch.device("meta"):
        whole, *others = (dict(space.module(encoding).state_dict()) for encoding in encodings)
    for network in others:
        for key, part in network.items():
            assert len(part.shape) == len(whole[key].shape)
            assert all(a <= b for a, b in zip(part.shape, whole[key].shape, strict=True))


def test_shared_part_is_leading_channels_and_the_middle_of_a_kernel():
    """And a view: what is learned in it is learned in the whole."""
    import torch

    from naas_hw.nas.accuracy.supernet import shared_part

    whole = torch.arange(4 * 3 * 7 * 7).reshape(4, 3, 7, 7)
    part = shared_part(whole, torch.Size((2, 3, 5, 3)))
    assert torch.equal(part, whole[:2, :3, 1:6, 2:5])
    part.zero_()
    assert whole[:2, :3, 1:6, 2:5].abs().sum() == 0


def test_a_network_in_the_supernet_is_the_one_that_is_cut_out(supernet):
    """The same logits, batch norm by the batch, at the network's own resolution."""
    import torch

    from naas_hw.nas.accuracy.supernet import resized

    images = torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(SEED))
    for encoding in draw(5):
        network = supernet.subnet(encoding).train()
        alone = network(resized(images, supernet.space.resolution(encoding)))
        assert torch.allclose(supernet.logits(images, encoding), alone, atol=1e-5)


def test_gradients_of_a_small_network_reach_its_share_only(supernet):
    """Its channels of the shared weights, and no others."""
    import torch

    encoding = supernet.space.smallest
    images = torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(SEED))
    supernet.logits(images, encoding).square().sum().backward()
    own = dict(supernet.subnet(encoding).named_parameters())
    for name, parameter in supernet.whole.named_parameters():
        if name not in own:
            assert parameter.grad is None
            continue
        share = parameter.grad[tuple(slice(size) for size in own[name].shape)]
        assert parameter.grad.count_nonzero() == share.count_nonzero()
    stem = supernet.whole.get_parameter("stem.0.conv.weight").grad
    assert (stem[: len(own["stem.0.conv.weight"])] != 0).any()


def test_training_a_network_cut_out_leaves_the_supernet_alone(supernet):
    """It is a copy."""
    network = supernet.subnet(supernet.space.smallest)
    before = supernet.whole.get_parameter("classifier.weight").detach().clone()
    for parameter in network.parameters():
        parameter.data.zero_()
    assert (supernet.whole.get_parameter("classifier.weight") == before).all()


def test_recalibrated_statistics_are_those_of_the_images(supernet):
    """Of the stem: mean and variance of its convolution over all images."""
    import torch

    from naas_hw.nas.accuracy.supernet import recalibrate

    images = torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(SEED))
    network = supernet.subnet(supernet.space.largest)
    recalibrate(network, images)
    assert not network.training
    stem = network.get_submodule("stem.0")
    features = stem.conv(images)
    assert torch.allclose(stem.bn.running_mean, features.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(stem.bn.running_var, features.var((0, 2, 3)), atol=1e-5)


def test_batches_hold_every_image_once_but_for_a_lone_last_one():
    """129 in batches of 64: the last one would be alone."""
    from naas_hw.nas.accuracy.supernet import batches

    found = [batch.tolist() for batch in batches(129, 64, np.random.default_rng(0))]
    assert [len(batch) for batch in found] == [64, 64]
    assert len({index for batch in found for index in batch}) == 128

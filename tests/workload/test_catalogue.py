"""The shipped tables: equal to what the importer makes, with the published work."""

import subprocess
import sys

import pytest

from naas_hw.core.errors import InputError
from naas_hw.workload.catalogue import builtin_names, load_builtin, write_tables
from naas_hw.workload.frontends.importer import import_network
from naas_hw.workload.layer import Activation, Kind


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", builtin_names())
def test_table_is_what_the_importer_makes(name):
    """Table and module cannot drift apart."""
    assert load_builtin(name) == import_network(name)


@pytest.mark.needs("torch")
def test_tables_are_made_byte_for_byte(tmp_path, monkeypatch):
    """The command that makes the tables gives the shipped bytes."""
    from importlib.resources import files

    monkeypatch.setattr("naas_hw.workload.catalogue.BUILTINS", {"squeezenet1_0": None})
    write_tables(tmp_path)
    shipped = files("naas_hw.workload") / "data" / "squeezenet1_0.yaml"
    assert (tmp_path / "squeezenet1_0.yaml").read_bytes() == shipped.read_bytes()


def vgg16_macs() -> int:
    stages = [(224, 3, 64, 64), (112, 64, 128, 128), (56, 128, *[256] * 3)]
    stages += [(28, 256, *[512] * 3), (14, 512, *[512] * 3)]
    convolutions = sum(
        9 * size**2 * sum(c * k for c, k in zip(widths, widths[1:], strict=False))
        for size, *widths in stages
    )
    return convolutions + 512 * 49 * 4096 + 4096 * 4096 + 4096 * 1000


def mobilenet_v2_macs() -> int:
    macs, size, channels = 112**2 * 27 * 32, 112, 32
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1)]
    for expansion, width, depth, first_stride in [*stages, (6, 160, 3, 2), (6, 320, 1, 1)]:
        for stride in [first_stride] + [1] * (depth - 1):
            hidden = expansion * channels
            macs += size**2 * channels * hidden * (expansion > 1)
            size //= stride
            macs += size**2 * (9 * hidden + hidden * width)
            channels = width
    return macs + 49 * 320 * 1280 + 1280 * 1000


def unet_macs() -> int:
    macs, size, channels = 0, 572, 1
    for level in range(5):
        width = 64 << level
        size = size // 2 if level else size
        macs += 9 * width * ((size - 2) ** 2 * channels + (size - 4) ** 2 * width)
        channels, size = width, size - 4
    for level in reversed(range(4)):
        width = 64 << level
        macs += size**2 * 4 * (2 * width) * width
        size *= 2
        macs += 9 * width * ((size - 2) ** 2 * 2 * width + (size - 4) ** 2 * width)
        size -= 4
    return macs + size**2 * 64 * 2


@pytest.mark.parametrize(
    ("name", "macs"),
    [("vgg16", vgg16_macs()), ("mobilenet_v2", mobilenet_v2_macs()), ("unet", unet_macs())],
)
def test_macs_follow_from_the_architecture(name, macs):
    """Summed from the papers' tables, independently of the importer."""
    network = load_builtin(name)
    assert sum(layer.num_macs for layer in network.layers) == macs
    not_covered = network.macs_not_covered
    assert isinstance(not_covered, int) and network.num_macs + not_covered == macs


@pytest.mark.parametrize(
    ("name", "published", "digits"),
    [
        ("vgg16", 15.47e9, 1e7),
        ("resnet50", 4.09e9, 1e7),
        ("mobilenet_v2", 300.8e6, 1e5),
        ("squeezenet1_0", 0.819e9, 1e6),
        ("mnasnet1_0", 0.314e9, 1e6),
    ],
)
def test_macs_are_the_published_ones(name, published, digits):
    """To the last digit that is published."""
    assert round(load_builtin(name).num_macs / digits) == round(published / digits)


def test_default_resolution_needs_no_torch():
    """All tables load in a fresh interpreter that never imports torch."""
    code = (
        "import sys\n"
        "from naas_hw.workload.catalogue import builtin_names, load_builtin\n"
        "for name in builtin_names(): load_builtin(name)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_mobilenet_v2_has_its_kinds_of_layer():
    """17 depthwise layers, four of them with stride 2; a linear one; linear bottlenecks."""
    network = load_builtin("mobilenet_v2", 224)
    depthwise = [layer for layer in network.layers if layer.kind is Kind.DEPTHWISE]
    assert len(depthwise) == 17
    assert [layer.stride for layer in depthwise].count((2, 2)) == 4
    assert [layer.kind for layer in network.layers].count(Kind.LINEAR) == 1
    bottlenecks = [layer for layer in network.layers if layer.activation is Activation.NONE]
    assert len(bottlenecks) == 17 + 1


def test_unet_has_transposed_convolutions_as_products():
    """Two by two positions of each output channel: K = 4 x channels, on the input's image."""
    transposed = [x for x in load_builtin("unet").layers if x.kind is Kind.TRANSPOSED]
    assert [(x.K, x.C, x.P, x.R) for x in transposed] == [
        (4 * 512, 1024, 28, 1),
        (4 * 256, 512, 52, 1),
        (4 * 128, 256, 100, 1),
        (4 * 64, 128, 196, 1),
    ]


@pytest.mark.needs("torch")
def test_another_resolution_is_imported():
    """Half the rows and columns: a quarter of the convolutions' work, the same classifier."""
    large, small = load_builtin("mobilenet_v2"), load_builtin("mobilenet_v2", 448)
    classifier = 1280 * 1000
    assert small.num_macs - classifier == 4 * (large.num_macs - classifier)


def test_unknown_name_lists_what_there_is():
    """One sentence."""
    with pytest.raises(InputError, match="must be one of vgg16, .*not 'alexnet'"):
        load_builtin("alexnet")

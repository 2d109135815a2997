"""The old name of a package gives the same module as the new one, with a warning."""

import subprocess
import sys

import pytest

from naas_hw.core.moved import MOVED, new_name

PROGRAM = """
import warnings
with warnings.catch_warnings(record=True, action="always") as caught:
    from {old} import {member} as by_old_name
    import {old}
from {new} import {member}
import {new}, sys
assert by_old_name is {member}, "there must be one module, not two"
assert {old} is sys.modules["{new}"]
assert sys.modules["{new}"].__spec__.name == "{new}"
print(*(one.message for one in caught), sep="\\n")
"""


@pytest.mark.parametrize(
    ("old", "member"),
    [
        ("naas_hw.errors", "InputError"),
        ("naas_hw.spaces.genes", "Encodings"),
        ("naas_hw.accuracy.oracle", "Accuracies"),
        ("naas_hw.joint.settings", "JointSettings"),
    ],
)
def test_an_old_name_gives_the_same_module_and_warns(old, member):
    program = PROGRAM.format(old=old, new=new_name(old), member=member)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert f"{old} is deprecated and will stop working in version" in ended.stdout


def test_a_module_that_exists_under_neither_name_is_named():
    with pytest.raises(ModuleNotFoundError, match="nas.spaces.none"), pytest.warns():
        __import__("naas_hw.spaces.none")


@pytest.mark.parametrize("old", MOVED)
def test_nothing_lies_at_an_old_name(old):
    assert new_name(old) == MOVED[old] and new_name(MOVED[old]) is None

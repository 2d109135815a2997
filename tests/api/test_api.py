"""The verbs are functions of the package, and importing it alone costs nothing."""

import subprocess
import sys

import pytest

import naas_hw
from naas_hw import api

OTHER_NAMES = {"__version__", "co_search", "write_report"}


@pytest.mark.parametrize("name", sorted(set(naas_hw.__all__) - OTHER_NAMES))
def test_every_exported_name_is_the_one_of_api(name):
    assert getattr(naas_hw, name) is getattr(api, name)


def test_search_and_report_are_packages_so_the_verbs_have_other_names_at_the_top():
    assert naas_hw.co_search is api.search
    assert naas_hw.write_report is api.report
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        naas_hw.nonsense  # noqa: B018


def test_importing_the_package_imports_no_library():
    code = (
        "import sys; before = set(sys.modules); import naas_hw; "
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split()) - set(sys.stdlib_module_names)
    assert loaded == {"naas_hw"}

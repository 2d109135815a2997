"""A missing tool skips its tests by name, and fails them where tools are required."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
TESTS = """\
import pytest

@pytest.mark.needs("iverilog")
def test_with_a_tool():
    pass

def test_that_skips_itself():
    pytest.skip("no reason")

def test_of_a_model():
    pytest.skip("trained model net.onnx is missing")

@pytest.mark.xfail(strict=True)
def test_that_is_expected_to_fail():
    assert False
"""
SETTINGS = "[pytest]\nmarkers =\n    needs(*names): tools\n"


@pytest.fixture
def outcomes(tmp_path: Path):
    """Runs those tests on a machine without Icarus; gives what pytest prints of each."""
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    shutil.copy(CONFTEST, tmp_path)

    def run(required: str, without_models: str = "") -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rsfx", "-p", "no:cacheprovider"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": str(tmp_path),
                "NAAS_REQUIRE_TOOLS": required,
                "NAAS_WITHOUT_MODELS": without_models,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.splitlines()

    return run


def test_a_skip_names_the_tool_and_how_to_get_it(outcomes):
    lines = outcomes("")
    assert any("iverilog is missing: apt-get install iverilog" in line for line in lines)
    assert lines[-1].startswith("3 skipped, 1 xfailed")


def test_where_tools_are_required_a_skip_fails(outcomes):
    lines = outcomes("1")
    assert any("NAAS_REQUIRE_TOOLS=1 allows no skip" in line for line in lines)
    assert lines[-1].startswith("2 failed, 1 xfailed, 1 error")


def test_only_trained_models_may_be_missing_where_it_is_said(outcomes):
    lines = outcomes("1", without_models="1")
    assert any("trained model net.onnx is missing" in line for line in lines)
    assert lines[-1].startswith("1 failed, 1 skipped, 1 xfailed, 1 error")

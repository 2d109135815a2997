"""Which cases wait for the slow tests; a missing tool skips its tests by name, or fails them."""

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
SETTINGS = """\
[pytest]
markers =
    needs(*names): tools
    sampled(n): cases
    slow: only on request
"""
SAMPLED = """\
import pytest

@pytest.mark.sampled(3)
@pytest.mark.parametrize("inner", range(2))
@pytest.mark.parametrize("outer", "abcd")
def test_sampled(outer, inner):
    pass

@pytest.mark.parametrize("number", range(3))
def test_of_all(number):
    pass
"""


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


def collected(folder: Path, *options: str) -> list[str]:
    """Names of the cases that pytest would run."""
    (folder / "test_it.py").write_text(SAMPLED)
    (folder / "pytest.ini").write_text(SETTINGS)
    shutil.copy(CONFTEST, folder)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"]
        + list(options),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]


def test_of_sampled_cases_one_in_n_is_not_slow(tmp_path: Path) -> None:
    """No other test loses a case."""
    quick = collected(tmp_path, "-m", "not slow")
    assert quick == [
        "test_sampled[a-0]",
        "test_sampled[b-1]",
        "test_sampled[d-0]",
        *(f"test_of_all[{number}]" for number in range(3)),
    ]


def test_each_sampled_case_runs_with_the_slow_ones_or_without(tmp_path: Path) -> None:
    parts = [collected(tmp_path, "-m", marked) for marked in ("slow", "not slow")]
    assert sorted(sum(parts, [])) == sorted(collected(tmp_path))

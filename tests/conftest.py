"""What all tests share: which cases wait for `make verify`, and what a missing tool does.

Of the cases of a test that is marked `sampled(n)`, the first and every nth behind it run in
`make test`, and all others in `make verify`. `n` is such that each value of each parameter is among
those of `make test`.

A missing tool skips its tests by name, and fails where it is required.

A test that needs a tool says so: `@pytest.mark.needs("iverilog", "torch")`, with the names that
`naas doctor` lists. With NAAS_REQUIRE_TOOLS=1 a test that is skipped, for whatever reason, fails.
The one exception is a trained model that is missing (tests/graph/trained_models.py), where
NAAS_WITHOUT_MODELS=1 says that there are none.
"""

import gc
import os
from collections import Counter
from functools import cache

import pytest

from naas_hw.system.garbage import RARE
from naas_hw.system.tools import find_tool

TOOLS_REQUIRED = os.environ.get("NAAS_REQUIRE_TOOLS") == "1"
HAS_NO_MODELS = os.environ.get("NAAS_WITHOUT_MODELS") == "1"

find_tool_once = cache(find_tool)


def pytest_configure() -> None:
    """Most of what tests of hardware make stays until they end."""
    gc.set_threshold(*RARE)


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is marked `slow`
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    seen: Counter[str] = Counter()
    for item in items:
        if mark := item.get_closest_marker("sampled"):
            test = item.nodeid.partition("[")[0]
            if seen[test] % mark.args[0]:
                item.add_marker("slow")
            seen[test] += 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    names = [name for mark in item.iter_markers("needs") for name in mark.args]
    missing = [tool for tool in map(find_tool_once, names) if not tool.found]
    if missing:
        pytest.skip("; ".join(f"{tool.name} is missing: {tool.how_to_get}" for tool in missing))


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not TOOLS_REQUIRED or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if HAS_NO_MODELS and reason.startswith("Skipped: trained model "):
        return
    report.outcome = "failed"
    report.longrepr = f"NAAS_REQUIRE_TOOLS=1 allows no skip: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    report = yield
    _fail_if_skipped(report)
    return report

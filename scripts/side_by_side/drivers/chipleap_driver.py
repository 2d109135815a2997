"""Simulate matrix products on one accelerator of ChipLeap; runs in ChipLeap's own environment.

    python chipleap_driver.py JOB.json     prints one line of JSON

The job names a dataflow, the sizes of the array and of its buffers, and the products, each with
the latencies of the memory. ChipLeap's test bench compares every output with its golden model.
"""

import json
import sys
import time
from pathlib import Path

from chipleap.hw.design import Accel
from chipleap.verify import sim

INT8 = 8


def main(path):
    """Run the job of a file."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    accelerator = Accel(**job["accelerator"])
    accelerator.validate()
    start = time.monotonic()
    cases = [
        sim.Case(product["M"], product["K"], product["N"], INT8, job["seed"], 0, latency)
        for product in job["products"]
        for latency in job["latencies"]
    ]
    binary = sim.build(accelerator, jobs=1)
    built = time.monotonic()
    names = [product["name"] for product in job["products"] for _ in job["latencies"]]
    results = sim.run(accelerator, cases, binary)
    runs = [_run(name, result) for name, result in zip(names, results, strict=True)]
    seconds = {"build_seconds": built - start, "run_seconds": time.monotonic() - built}
    print(json.dumps({"runs": runs, **seconds}))


def _run(name, result):
    return {
        "workload": name,
        "latency": result.case.latency,
        "cycles": result.cycles,
        "predicted_cycles": result.predicted,
        "wrong_words": result.mismatches,
    }


if __name__ == "__main__":
    main(sys.argv[1])

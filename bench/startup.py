"""How long the command line takes to answer, and how much memory it takes, each in a process of its own.

    limner bench startup [--runs 5] [--out FILE]

Prints one JSON object: for every command the median, lowest and highest wall-clock seconds, the median of the
processor seconds it took (which a busy machine changes little), and the peak resident memory in MiB, both from the
operating system's own accounting of the finished process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LIMNER = (sys.executable, "-m", "limner")
PROMPT = "Biscuit on the beach, wearing sunglasses"


def measure(command: Sequence[str], runs: int) -> dict[str, Any]:
    """Run `command` once unmeasured and then `runs` times.

    Raises:
        RuntimeError: it did not end with status 0.
    """
    seconds, processor, peaks = [], [], []
    for run in range(runs + 1):
        began = time.perf_counter()
        # The file is for a failure's words: a pipe could fill up while nobody reads it.
        with tempfile.TemporaryFile() as words:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=words, stdin=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                words.seek(0)
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {words.read().decode()}")
        if run:
            seconds.append(time.perf_counter() - began)
            processor.append(usage.ru_utime + usage.ru_stime)
            # Linux counts kibibytes, macOS bytes.
            peaks.append(usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
    return {
        "seconds": round(statistics.median(seconds), 3),
        "lowest": round(min(seconds), 3),
        "highest": round(max(seconds), 3),
        "processor_seconds": round(statistics.median(processor), 3),
        "peak_mib": round(max(peaks), 1),
        "runs": runs,
    }


def startup(runs: int) -> dict[str, Any]:
    """Measure the help text, and teaching, a cold turn and a cold plan in a fresh library."""
    from ..cli.demo import KIND, NAME, reference_pictures

    with tempfile.TemporaryDirectory(prefix="limner-startup-") as folder:
        home = ("--home", str(Path(folder) / "home"))
        files = []
        for number, image in enumerate(reference_pictures(), 1):
            files.append(str(Path(folder) / f"{number}.png"))
            image.save(files[-1])
        taught = (*LIMNER, "teach", NAME, *files, "--kind", KIND, *home)
        subprocess.run(taught, check=True, stdout=subprocess.DEVNULL)
        return {
            "help": measure((*LIMNER, "--help"), runs),
            "concepts": measure((*LIMNER, "concepts", *home), runs),
            "plan": measure((*LIMNER, "say", PROMPT, "--dry-run", *home), runs),
            "say": measure((*LIMNER, "say", PROMPT, *home), runs),
        }


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="limner bench startup", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each command (5)")
    parser.add_argument("--out", type=Path, help="also write the result here")
    chosen = parser.parse_args(argv)
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }
    text = json.dumps({"benchmark": "startup", "machine": machine, "commands": startup(max(1, chosen.runs))}, indent=1)
    print(text)
    if chosen.out is not None:
        chosen.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The short form of `kill9.py`; run the program itself for the long one."""

import json
import subprocess
import sys
from pathlib import Path


def test_nothing_is_lost_when_the_writer_is_killed() -> None:
    program = Path(__file__).with_name("kill9.py")
    run = subprocess.run([sys.executable, str(program), "--moments", "12"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(run.stdout)["faults"] == []

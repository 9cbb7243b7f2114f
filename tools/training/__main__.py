"""`python -m limner.tools.training FOLDER`: the process of one job; `jobs.Jobs` starts it."""

import sys
from pathlib import Path

from .worker import work

if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1])))

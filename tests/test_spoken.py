"""No traceback reaches a person from a command: one line, an exit code, and a file for the developer."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import spoken
from deploy.demo.people import Refused
from deploy.stack.processes import StackError

ROOT = Path(__file__).resolve().parents[1]


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_spoken(done: "subprocess.CompletedProcess[str]", command: str) -> None:
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert f"{command} 没有完成（failed）" in said
    assert len(done.stderr.strip().splitlines()) == 1
    log = Path(done.stderr.strip().rpartition("见 ")[2])
    assert "Traceback" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["up", "demo", "down", "clean"])
def test_a_home_that_cannot_be_written_is_told_in_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("-m", "deploy.stack", command, "--home", str(tmp_path / "file" / "var"))
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    if command in ("up", "demo"):
        assert_spoken(done, f"make {command}")


def test_the_bench_tells_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert_spoken(run("-m", "deploy.bench", "--part", "cards", "--home", str(tmp_path / "file" / "x")), "make bench")


@pytest.mark.parametrize(("words", "name"), [(("seed",), "演示数据"), ((), "演示")])
def test_the_demo_without_its_stack_tells_too(tmp_path: Path, words: tuple[str, ...], name: str) -> None:
    """No address, and tokens that aren't there."""
    assert_spoken(run("-m", "deploy.demo", *words), name)
    told = {"API_URL": "http://127.0.0.1:9", "TOKENS_FILE": str(tmp_path / "none.json")}
    assert_spoken(run("-m", "deploy.demo", *words, **told), name)


def test_an_install_without_its_tool_tells_too(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(Path(sys.executable).resolve())
    done = subprocess.run(
        [str(python), "-m", "deploy.bare_install"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert_spoken(done, "make check")


def _raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


def test_a_refusal_of_the_api_and_a_known_error_are_told_in_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spoken, "ERRORS", tmp_path / "errors")
    problem = {"code": "NOTHING_SELECTED", "title": "没有可以初始化的申请", "detail": "没有找到申请"}
    assert spoken.spoken("演示数据", _raising(Refused(409, problem))) == 1
    assert "NOTHING_SELECTED 没有可以初始化的申请 没有找到申请" in capsys.readouterr().err
    assert spoken.spoken("make up", _raising(StackError("端口被占用，请先停止占用它的程序。"))) == 1
    assert capsys.readouterr().err == "端口被占用，请先停止占用它的程序。\n"
    assert spoken.spoken("make up", _raising(KeyboardInterrupt())) == 130
    child = RuntimeError('deploy.bench.bare: Traceback (most recent call last):\n  File "x"\nValueError: no lines')
    assert spoken.spoken("make bench", _raising(child)) == 1
    said = capsys.readouterr().err
    assert "Traceback (most" not in said
    assert "ValueError: no lines" in said
    assert [file.name for file in (tmp_path / "errors").iterdir()]


def test_where_the_file_cannot_be_written_it_is_still_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "errors").write_text("in the way")
    monkeypatch.setattr(spoken, "ERRORS", tmp_path / "errors")
    assert spoken.spoken("make demo", _raising(ValueError("错"))) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1

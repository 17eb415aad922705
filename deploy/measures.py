"""How the house stands, in figures that are to stay: printed by `make check`, which fails on what is exceeded."""

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("models", "activities", "workflows", "api", "worker.py")
# Each file there is one thing of its kind: a table, a workflow, a page.
ONE_OF_A_KIND = {"tables", "workflows", "pages"}
# A program's own start, and the database that it builds.
PROGRAMS = {"main", "build_database"}
# A shape of the platform's may be called as the row it tells of: its user writes `answers.Flow`.
SHAPES = {"models.wire.answers", "models.wire.requests"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LONG, TOO_LONG = 30, 40
# The product's lines when the house was drawn anew.
LINES_THEN = 33_618


@dataclass(frozen=True)
class Measure:
    what: str
    found: list[str]
    most: int

    @property
    def exceeded(self) -> bool:
        return len(self.found) > self.most


@cache
def sources() -> dict[str, ast.Module]:
    """The product's files by their paths."""
    files = [path for layer in LAYERS for path in (ROOT / layer, *(ROOT / layer).rglob("*.py")) if path.is_file()]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(files)}


def full_folders() -> list[str]:
    files = Counter(str(Path(path).parent) for path in sources() if not path.endswith("__init__.py"))
    return [f"{room}: {count}" for room, count in files.items() if count > 15 and Path(room).name not in ONE_OF_A_KIND]


def public_names() -> dict[str, set[str]]:
    """The modules that define a public function or class, by its name; overloads are one.

    Without the pages: each is named as the route that it asks.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for path, tree in sources().items():
        if path.startswith("api/pages/"):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith(
                "_"
            ):
                found[node.name].add(path.removesuffix(".py").replace("/", "."))
    return found


def names_of_two_things() -> list[str]:
    ours = {name: modules - SHAPES for name, modules in public_names().items() if name not in PROGRAMS}
    return [f"{name}: {', '.join(sorted(modules))}" for name, modules in ours.items() if len(modules) > 1]


def rows_of_any() -> list[str]:
    return [
        f"{path}:{node.lineno}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"fetch", "fetch_one"} and not _names_shape(node)
    ]


def _names_shape(call: ast.Call) -> bool:
    """What a row is said to be: a NamedTuple or a scalar, by its name; never a container of anything."""
    shape = call.args[1] if len(call.args) > 1 else None
    return isinstance(shape, ast.Name) and shape.id not in {"Any", "dict", "list", "object", "tuple"}


def long_functions(lines: int) -> list[str]:
    return [
        f"{path} {node.name}: {length}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > lines
    ]


def routes_without_a_shape() -> list[str]:
    """Those whose good answer is JSON of which the document says nothing."""
    from api.main import openapi

    return [f"{method.upper()} {path}" for path, method, schema in _answers(openapi()) if _says_nothing(schema)]


def _answers(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status.startswith("2") and "application/json" in answer.get("content", {}):
                    yield path, method, answer["content"]["application/json"].get("schema", {})


def _says_nothing(schema: dict[str, Any]) -> bool:
    named = schema.keys() & {"$ref", "properties", "anyOf", "oneOf", "items"}
    return not named and schema.get("type") in (None, "object")


def lines_of_rooms() -> Counter[str]:
    lines: Counter[str] = Counter()
    for path in sources():
        lines[str(Path(path).parent) if "/" in path else path] += len((ROOT / path).read_text("utf-8").splitlines())
    return lines


def measures() -> list[Measure]:
    return [
        Measure("folders of more than fifteen files", full_folders(), 0),
        Measure("public names of two things", names_of_two_things(), 0),
        Measure("uses of rows without a shape", rows_of_any(), 0),
        Measure("routes whose answer has no shape", routes_without_a_shape(), 0),
        Measure(f"functions over {LONG} lines", long_functions(LONG), 5),
        Measure(f"functions over {TOO_LONG} lines", long_functions(TOO_LONG), 0),
    ]


def main() -> int:
    console, taken, rooms = Console(), measures(), lines_of_rooms()
    table = Table("measure", "is", "at most")
    for each in taken:
        table.add_row(each.what, str(len(each.found)), str(each.most), style="red" if each.exceeded else "")
    console.print(table)
    grown = f"{rooms.total():,} lines, {rooms.total() / LINES_THEN:.3f} of {LINES_THEN:,}: "
    console.print(grown + ", ".join(f"{room} {count:,}" for room, count in rooms.most_common()), highlight=False)
    exceeded = [each for each in taken if each.exceeded]
    for each in exceeded:
        console.print(f"{each.what}:", *each.found, sep="\n  ", style="red", highlight=False)
    return int(bool(exceeded))


if __name__ == "__main__":
    sys.exit(main())

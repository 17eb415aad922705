"""Files that hold secrets: for their owner only, and whole from the moment they are there."""

import json
from pathlib import Path


def write_private(path: Path, content: object) -> None:
    """As JSON."""
    write_private_text(path, json.dumps(content, indent=1, ensure_ascii=False))


def write_private_text(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)

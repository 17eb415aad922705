"""Where forms are set: beside the API, in a process each of bounded memory and time, a county one at a time."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import structlog

from api.server.rendering import rendered
from models.places import Busy, Places, resting
from models.prints.templates import Template

_LOG = structlog.get_logger()
_ROOT = Path(__file__).resolve().parents[2]
# The longest list that is printed takes two seconds on a quiet machine.
SECONDS_EACH = 30.0
WAIT_SECONDS = 20.0
# Nothing of the API's own goes in; a thread for each core would take the memory of each.
_ENVIRONMENT = {"RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Typesetting:
    """Sets forms; two at once, so that another county's always finds its place."""

    def __init__(self) -> None:
        self._places = Places(2, WAIT_SECONDS)
        self._counties: defaultdict[str, Places] = defaultdict(lambda: Places(1, WAIT_SECONDS))

    async def pdf(self, county: str, template: Template, data: Mapping[str, object]) -> bytes:
        """Raises Busy where it is not its turn in time, or isn't done in time."""
        async with resting(), self._counties[county].one(), self._places.one():
            return await _set(template, rendered(data))


async def _set(template: Template, data: bytes) -> bytes:
    program = (sys.executable, "-m", "models.prints.process", template.value)
    process = await asyncio.create_subprocess_exec(
        *program, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=_ROOT, env=_ENVIRONMENT
    )
    try:
        async with asyncio.timeout(SECONDS_EACH):
            pdf, error = await process.communicate(data)
    except TimeoutError:
        _LOG.warning("a form took too long to set", template=template.value, size=len(data))
        raise Busy from None
    finally:
        # whoever asked may be gone; what nobody waits for is ended, and waited for, so that none is left behind
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        # its last line is the typesetter's, which may quote a word of the data: only what kind of error it was
        kind = error.decode(errors="replace").rstrip().rpartition("\n")[2].partition(":")[0]
        _LOG.error("a form could not be set", template=template.value, size=len(data), error=kind)
        raise RuntimeError("a form could not be set")
    return pdf

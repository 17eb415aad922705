"""The platform's refusals and troubles, and their one way into Temporal; no text here names a person."""

from __future__ import annotations

import re
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from models.wire import answers
from models.wire.answers import RefusalDetails
from models.wire.words import Operation, ProblemCode
from models.words.errors import ADVICE, PlatformTrouble

_SHOWN_FAULTS = 10
# A Retry-After of more is not believed.
LONGEST_WAIT_SECONDS = 3600.0
# Only field names and indexes of a pointer, and short numbers, are shown: the platform could put a person's data there.
_POINTER = re.compile(r"(/([a-z_]{1,40}|[0-9]{1,4}))+")
_APPLICATION_NO = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class PlatformRefusal(Exception):
    """The platform said no. `detail` and the faults' words may name a person: keep them out of logs and Temporal."""

    def __init__(
        self,
        operation: Operation,
        code: ProblemCode,
        status: int,
        *,
        holder: str | None = None,
        errors: tuple[answers.Fault, ...] = (),
        detail: str | None = None,
    ) -> None:
        super().__init__(f"{operation}: {code} ({status})")
        self.operation = operation
        self.code = code
        self.status = status
        self.holder = holder
        self.errors = errors
        self.detail = detail

    @property
    def application_nos(self) -> tuple[str, ...]:
        """The applications at fault, in the platform's order, each once."""
        return tuple(dict.fromkeys(fault.application_no for fault in self.errors if fault.application_no))

    @property
    def details(self) -> RefusalDetails:
        """What the rest of the product may know of it."""
        numbers = tuple(no for no in self.application_nos if _APPLICATION_NO.fullmatch(no))
        return RefusalDetails(code=self.code, status=self.status, holder=self.holder, application_nos=numbers)


class PlatformUnavailable(Exception):
    """No answer that counts; what the platform did is unknown. `retry_after` is in seconds."""

    def __init__(
        self,
        operation: Operation,
        cause: str,
        *,
        code: ProblemCode | PlatformTrouble = PlatformTrouble.PLATFORM_UNAVAILABLE,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{operation}: {code}, {cause}")
        self.operation = operation
        self.code = code
        self.retry_after = retry_after


def refusal_to_application_error(trouble: PlatformRefusal | PlatformUnavailable) -> ApplicationError:
    """A refusal ends the activity with a `RefusalDetails`; everything else is tried again."""
    if isinstance(trouble, PlatformUnavailable):
        wait = (
            None if trouble.retry_after is None else timedelta(seconds=min(trouble.retry_after, LONGEST_WAIT_SECONDS))
        )
        return ApplicationError(f"{ADVICE[trouble.code]}（{trouble}）", type=trouble.code, next_retry_delay=wait)
    message = f"{ADVICE[trouble.code]}（{trouble}）{_places(trouble.errors)}"
    return ApplicationError(message, trouble.details, type=trouble.code, non_retryable=True)


def _places(faults: tuple[answers.Fault, ...]) -> str:
    shown = "、".join(f"{fault.code} {_place(fault)}".rstrip() for fault in faults[:_SHOWN_FAULTS])
    more = f" 等 {len(faults)} 处" if len(faults) > _SHOWN_FAULTS else ""
    return f"：{shown}{more}" if shown else ""


def _place(fault: answers.Fault) -> str:
    if fault.application_no and _APPLICATION_NO.fullmatch(fault.application_no):
        return fault.application_no
    return fault.pointer if fault.pointer and _POINTER.fullmatch(fault.pointer) else ""

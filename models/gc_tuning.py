"""What a process keeps of memory that it no longer uses."""

import ctypes
import gc

# Looking through all that lives again and again stops the whole process. A full look comes after some 50,000 objects
# more than before, and only where what is old has grown by a quarter; it takes 0.03 s. Runs that leave a worker's cache
# don't wait for it (`Runner`).
_NEW_OBJECTS, _YOUNG, _OLD = 10_000, 5, 1
# mallopt's names; the size from which a piece is the system's own: a file, never a row.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_LARGE_BYTES = 1024 * 1024
# glibc's heaps: each thread would keep what it has once used in one of its own, up to eight a core.
_HEAPS = 2


def tune_gc() -> None:
    """Call once, when everything is imported; reference counting goes on as ever."""
    gc.collect()
    gc.freeze()
    # what is old is counted anew: without the modules
    gc.collect()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG, _OLD)


def give_back_memory() -> None:
    """Call once, before there are threads. Else glibc keeps what a few large pieces, or a busy hour, have taken."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        libc.mallopt(_M_ARENA_MAX, _HEAPS)

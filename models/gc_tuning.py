"""What a process keeps of memory that it no longer uses."""

import ctypes
import gc

# A list of lines makes objects by the ten thousand that all live until it is done; looking through them, and through
# every module, again and again stops the whole process for tenths of a second.
_NEW_OBJECTS, _GENERATIONS = 20_000, 20


def tune_gc() -> None:
    """Call once, when everything is imported; reference counting goes on as ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _GENERATIONS, _GENERATIONS)


# mallopt's name of it, and the size from which a piece is the system's own: a file, never a row.
_M_MMAP_THRESHOLD, _LARGE_BYTES = -3, 1024 * 1024


def give_back_large_pieces() -> None:
    """Call once. Else glibc keeps what a few large pieces have taken, and files come seldom."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)

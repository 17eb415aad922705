"""When Python looks for garbage: rarely, and never among what was imported once for good."""

import gc

# A list of lines makes objects by the ten thousand that all live until it is done; looking through them, and through
# every module, again and again stops the whole process for tenths of a second.
_NEW_OBJECTS, _GENERATIONS = 20_000, 20


def collect_rarely() -> None:
    """Call once, when everything is imported; reference counting goes on as ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _GENERATIONS, _GENERATIONS)

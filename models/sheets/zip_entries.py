"""What a zip's directory holds, before zipfile reads it: that makes an object an entry, and copies extra fields over.

20 MiB can name 440,000 entries, which take 200 MiB, or hold extra fields that take it half a minute.
"""

import re
from typing import BinaryIO

# Packers write times, owners and a name in Unicode: some hundred bytes.
LONGEST_EXTRA = 1024
_AT_ONCE = 1024 * 1024
# Each entry of the directory begins so; 26 bytes further on is the length of its extra field (APPNOTE 4.3.12).
_ENTRY = re.compile(rb"PK\x01\x02(?=.{26}(..))", re.DOTALL)
_LOOKED_AT = 32


def count_entries(source: BinaryIO, most: int) -> int:
    """At least the entries that zipfile will find, no further than `most` + 1; ValueError for an extra field too long.

    Found by their signature wherever it is: a directory's place and length are only what the archive claims.
    """
    source.seek(0)
    count, kept = 0, b""
    while piece := source.read(_AT_ONCE):
        data = kept + piece
        for entry in _ENTRY.finditer(data):
            count += 1
            if count > most:
                return count
            if int.from_bytes(entry.group(1), "little") > LONGEST_EXTRA:
                raise ValueError("an extra field that no packer writes")
        # what is cut off at the end is looked at with the next piece, and counted once
        kept = data[1 - _LOOKED_AT :]
    return count

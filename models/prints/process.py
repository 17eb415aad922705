"""The process that sets one form: what it takes of memory and time it takes from nobody else.

`python -m models.prints.process summary_form` reads the form's data from its standard input as JSON and writes the PDF
to its standard output; anything but exit code 0 is a failure.
"""

import json
import resource
import sys

from models.prints.templates import Template
from models.prints.typeset import typeset

# 5,000 rows take 320 MiB; addresses are more than memory.
_MEMORY_BYTES = 1024 * 1024 * 1024
_CPU_SECONDS = 30


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    sys.stdout.buffer.write(typeset(Template(sys.argv[1]), json.load(sys.stdin.buffer)))


if __name__ == "__main__":
    main()

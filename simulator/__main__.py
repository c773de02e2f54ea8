"""`python -m simulator`."""

import os
import sys

from simulator import server
from simulator.options import from_command_line


def main() -> int:
    """The exit status: 0 after an interrupt, 2 when the port is taken."""
    options = from_command_line(sys.argv[1:], os.environ)
    try:
        server.run(options)
    except server.CannotListen as error:
        sys.stderr.write(f"无法监听 {error}：端口可能已被占用，换一个试试，例如 --port {options.port + 1}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

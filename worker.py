"""The workers, on their own: `python worker.py mail`, `default`, `push` or `clock`; without an argument all."""

import sys

from pressroom.working import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m trader.cli`: the same as `python start.py`, from any directory."""

import sys

from trader.cli.app import main

if __name__ == "__main__":
    sys.exit(main())

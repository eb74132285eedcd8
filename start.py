"""Starts the trader: `python start.py --help`."""

import sys

from trader.cli.app import main

if __name__ == "__main__":
    sys.exit(main())

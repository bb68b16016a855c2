"""``python -m local up`` and ``python -m local demo``."""

import sys

from local.cli import main

if __name__ == "__main__":
    sys.exit(main())

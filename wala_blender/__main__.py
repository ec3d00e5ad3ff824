"""`python -m wala_blender`: the command line. Knows nothing else."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m wala_blender`: the command line."""

import os
import sys

if __name__ == "__main__" and sys.path[0] in ("", os.getcwd()):
    # `python -m` looks for modules in the working folder first: no code that lies beside somebody's job or mesh shall
    # run.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())

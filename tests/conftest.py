"""What all tests share. Puts the tests' own folder on the path, so that they find shapes.py."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

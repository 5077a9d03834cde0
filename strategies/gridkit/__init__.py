"""gridkit: adaptive grids for freqtrade, and the library beneath them."""

import sys
from pathlib import Path

# freqtrade keeps a strategy's folder on sys.path only while it loads the file, but hyperopt's
# workers unpickle by module name afterwards (freqtrade issue 7335).
_HERE = str(Path(__file__).resolve().parent.parent)
if _HERE not in sys.path:
    sys.path.append(_HERE)

__version__ = "0.1.0"

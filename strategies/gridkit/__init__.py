"""gridkit: adaptive grids for freqtrade, and the library beneath them."""

import sys
from pathlib import Path

# freqtrade keeps a strategy's folder on sys.path only while it loads the file and then takes one
# entry away, but hyperopt's workers unpickle by module name afterwards (freqtrade issue 7335): so
# the folder is added although it is there, and before any other that has a gridkit in it.
_HERE = str(Path(__file__).resolve().parent.parent)
_RIVALS = (
    place
    for place, entry in enumerate(sys.path)
    if entry != _HERE and Path(entry, "gridkit", "__init__.py").is_file()
)
sys.path.insert(next(_RIVALS, len(sys.path)), _HERE)

__version__ = "0.1.0"

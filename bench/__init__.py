"""Measurements of the functions as they ship, beside others that do the same: `make bench`.

Reads top to bottom: ``runtime_api`` (Lambda's side of a function), ``front`` and ``cloud`` (an AWS of a given
latency), ``requests`` (CloudFormation's side), ``contenders`` (the functions and their peers), the parts
``start``, ``provider``, ``sweep`` and ``build``, ``figures`` (what is counted, and may not grow), and at last
``page`` and ``picture``, which write it all down.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local" / "bench"

# The local AWS of the tests is the local AWS of the measurements.
sys.path.insert(0, str(ROOT / "tests"))

"""For programs of `chert submit`, which puts this folder on PYTHONPATH: Python imports this module as it starts."""

import importlib.machinery
import importlib.util
import os
import sys

from chert_mlflow.hook import install

install()

# The one that this hides, of the system or of a virtual environment, still gets its turn.
_here = os.path.dirname(os.path.abspath(__file__))
_spec = importlib.machinery.PathFinder.find_spec(
    "sitecustomize", [path for path in sys.path if os.path.abspath(path) != _here]
)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))

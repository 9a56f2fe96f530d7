"""Runs the patches when the modules they belong to are imported: mlflow loads its flavours late, and most programs
never load Spark's. Kept small: every Python process that `chert submit` starts imports it."""

import importlib
import importlib.machinery
import sys

# Module -> the module here whose apply(module) mends it.
PATCHES = {
    "mlflow.spark": "chert_mlflow.flavour",
    "mlflow.pyspark.ml": "chert_mlflow.autolog",
    "mlflow.pyspark.ml._autolog": "chert_mlflow.features",
    "mlflow.data.spark_dataset": "chert_mlflow.dataset",
    "mlflow.utils._spark_utils": "chert_mlflow.session",
    "pyspark.ml.util": "chert_mlflow.release",
}


def patch(module):
    importlib.import_module(PATCHES[module.__name__]).apply(module)


class Finder:
    """Finds the modules of PATCHES as Python would and adds the patch to their execution."""

    def find_spec(self, name, path=None, target=None):
        if name not in PATCHES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            patch(module)

        spec.loader.exec_module = exec_module
        return spec


def install():
    """Puts the hook in place, once, and mends what was imported before."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, Finder())
    for name in PATCHES:
        if name in sys.modules:
            patch(sys.modules[name])

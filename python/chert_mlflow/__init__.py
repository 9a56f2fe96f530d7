"""Makes ``mlflow.spark`` work over Spark Connect, with unmodified mlflow, pyspark and user code.

MLflow's Spark flavour asks things of a JVM in the client's process: Hadoop's file system for copies, ``sparkContext``
for autologging, py4j for its exceptions. Over Spark Connect there is none, and log_model, load_model and autolog fail.
This package replaces just those questions, when mlflow imports the modules that ask them:

    log_model     the server writes the model straight into the run's artifacts ("mlflow-artifacts:/..." is a path to
                  chert); where it cannot, through a folder that both sides see. ``name=`` works beside artifact_path.
    load_model    reads the downloaded files, or has the server read "models:/..." itself when it cannot see them
    pyfunc        scores through the Connect session; none is made with a JVM
    autolog       mlflow.pyspark.ml.autolog: allow list, features, data set digest and row count without sparkContext

It is an MLflow plugin: installed (``pip install ./python``) or on PYTHONPATH (``chert submit`` sees to that), mlflow
finds it by its entry point. In a process with a classic Spark session everything stays as mlflow has it.
"""

from chert_mlflow.hook import install

__all__ = ["install"]

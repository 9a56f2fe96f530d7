"""Makes ``mlflow.spark`` work over Spark Connect, with unmodified mlflow, pyspark and user code.

MLflow's Spark flavour asks things of a JVM in the client's process: Hadoop's file system for copies, ``sparkContext``
for autologging, py4j for its exceptions. Over Spark Connect there is none, and log_model, load_model and autolog fail.
This package replaces just those questions, when mlflow imports the modules that ask them:

    log_model     the server writes the model straight into the run's artifacts ("mlflow-artifacts:/..." is a path to
                  chert); where it cannot, through a folder that both sides see. ``name=`` works beside artifact_path.
    load_model    reads the downloaded files, or has the server read "models:/..." itself when it cannot see them
    pyfunc        scores through the Connect session; none is made with a JVM
    autolog       mlflow.pyspark.ml.autolog: allow list, features, data set digest and row count without sparkContext
    release       the client's models are released without calls from __del__, which hang some programs as they end

``chert submit`` puts it on the path of programs; elsewhere ``pip install ./python`` makes it a plugin that mlflow finds
by its entry point. In a process with a classic Spark session everything stays as mlflow has it.
"""

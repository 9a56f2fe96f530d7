"""Makes ``mlflow.spark`` work over Spark Connect, with unmodified mlflow, pyspark and user code.

MLflow's Spark flavour asks things of a JVM in the client's process: Hadoop's file system for copies, ``sparkContext``
for autologging, py4j for its exceptions. Over Spark Connect there is none, and log_model, load_model and autolog fail.
This package replaces just those questions, when mlflow imports the modules that ask them:

    log_model     the server writes the model straight into the run's artifacts ("mlflow-artifacts:/..." is a path to
                  chert); where it cannot (another tracking server), through a folder that both sides see, /tmp/mlflow
                  or $MLFLOW_DFS_TMP. ``name=`` works beside artifact_path.
    save_model    the same folder; where client and server share no disk, through the server's artifacts
    load_model    the server reads the downloaded files, or "models:/..." itself where it does not see them; a folder
                  that only the client has goes through the server's artifacts
    pyfunc        scores through the Connect session; none is made with a JVM
    autolog       mlflow.pyspark.ml.autolog: allow list, features, data set digest and row count without sparkContext
    release       the client's models are released without calls from __del__, which hang some programs as they end

``chert submit`` puts it on the path of programs; elsewhere ``pip install ./python`` makes it a plugin that mlflow finds
by its entry point. In a process with a classic Spark session everything stays as mlflow has it.
"""

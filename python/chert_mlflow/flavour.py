"""mlflow.spark: log_model, save_model, load_model, the pyfunc wrapper, autolog.

MLflow saves a model by letting Spark write a folder and Hadoop copy it. Here the server writes either straight into the
run's artifacts or into a folder that this process sees as well.
"""

import contextlib
import logging
import os
import posixpath
import shutil
import tempfile
import threading

from chert_mlflow.session import active_session, is_connect, over_connect

logger = logging.getLogger("mlflow.spark")


def save_directly(spark_model, model_dir, subfolder):
    """Has the server write the model to an artifact URI; False when it does not know that kind of path."""
    from pyspark.errors import PySparkException

    active_session()
    try:
        spark_model.save(posixpath.join(model_dir, subfolder))
        return True
    except PySparkException as e:
        logger.debug("The Spark server cannot write to %s itself: %s", model_dir, e)
        return False


def server_sees(path):
    """Whether the model folder at a path of this machine is there for the server, too."""
    from pyspark.errors import PySparkException

    try:
        active_session().read.text(posixpath.join(path, "metadata")).schema
        return True
    except PySparkException:
        return False


def uri_of_download(local_path):
    """The runs:/ URI of a downloaded model's data folder, from the MLmodel file above it; None if it does not tell."""
    import yaml

    folder, data = os.path.split(os.path.abspath(local_path))
    try:
        with open(os.path.join(folder, "MLmodel"), encoding="utf-8") as f:
            meta = yaml.safe_load(f)
    except OSError:
        return None
    if meta.get("run_id") and meta.get("artifact_path"):
        return f"runs:/{meta['run_id']}/{meta['artifact_path']}/{data}"
    return None


@contextlib.contextmanager
def meeting_place():
    """A folder that this process and the server reach without sharing a disk, for as long as it is needed: its URI and
    mlflow's door to it. It is that of a logged model which nobody else gets to know."""
    import mlflow
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.tracking.fluent import _get_experiment_id

    client = mlflow.MlflowClient()
    model = client.create_logged_model(_get_experiment_id(), name="chert-transfer")
    place = get_artifact_repository(model.artifact_location)
    try:
        yield model.artifact_location, place
    finally:
        place.delete_artifacts()
        client.delete_logged_model(model.model_id)


def put_probe(folder):
    """Makes what server_sees looks for."""
    os.makedirs(os.path.join(folder, "metadata"))
    with open(os.path.join(folder, "metadata", "part-00000"), "w", encoding="utf-8") as f:
        f.write("probe\n")


def shares_disk(dfs_tmpdir):
    """Whether the server sees what this process writes there."""
    folder = None
    try:
        os.makedirs(dfs_tmpdir, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="probe-", dir=dfs_tmpdir)
        os.chmod(folder, 0o755)  # the server may be another user's
        put_probe(folder)
        return server_sees(folder)
    except OSError:
        return False
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def proven_meeting_place():
    """The same, after the server was seen to reach it."""
    from mlflow.exceptions import MlflowException

    with meeting_place() as (uri, place), tempfile.TemporaryDirectory() as folder:
        put_probe(folder)
        place.log_artifacts(folder, "probe")
        if not server_sees(posixpath.join(uri, "probe")):
            raise MlflowException(
                "The Spark server does not see this machine's files, and the tracking server is not its own: the model "
                "cannot get from one to the other. Set MLFLOW_TRACKING_URI to the Spark server's own tracking server, or "
                "MLFLOW_DFS_TMP to a folder that both see."
            )
        yield uri, place


def load_model_of_client(local):
    """Loads a model from a folder of this machine that the server does not see."""
    from pyspark.ml.pipeline import PipelineModel

    with proven_meeting_place() as (uri, place):
        place.log_artifacts(local, "model")
        return PipelineModel.load(posixpath.join(uri, "model"))


class Saving(threading.local):
    """What save_model is doing in this thread: the meeting place that it needs, if any, and how to leave it."""

    stack = place = None


saving = Saving()


class FileSystem:
    """Takes the place of mlflow's interface to Hadoop's file system: local folders, and the meeting place."""

    @classmethod
    def copy_to_local_file(cls, src, dst, remove_src):
        if src.startswith("mlflow-artifacts:"):
            src, remove_src = saving.place.download_artifacts("model"), True
        if remove_src:
            shutil.move(src, dst)
        else:
            shutil.copytree(src, dst)


def default_requirements():
    """What a model needs to be loaded where this client is."""
    from importlib.metadata import PackageNotFoundError, version

    requirements = []
    for package in ("pyspark-client", "pyspark"):
        try:
            name = package if package == "pyspark-client" else "pyspark[connect]"
            requirements.append(f"{name}=={version(package)}")
            break
        except PackageNotFoundError:
            continue
    requirements.append(f"pandas=={version('pandas')}")
    return requirements


def infer_signature(mlflow_spark, spark_model, input_example):
    """The signature that goes with a pandas input example; None, with a warning, when it cannot be told."""
    import pandas
    from mlflow.pyspark.ml import _infer_spark_model_signature

    if not isinstance(input_example, pandas.DataFrame):
        return None
    try:
        return _infer_spark_model_signature(spark_model.copy(), active_session().createDataFrame(input_example))
    except Exception as e:
        logger.warning(mlflow_spark._LOG_MODEL_INFER_SIGNATURE_WARNING_TEMPLATE, repr(e))
        return None


def apply(module):
    classic = module._HadoopFileSystem

    class FileSystemOfTheSession(classic):
        """Hadoop's in a classic session, local folders over Connect."""

        @classmethod
        def copy_to_local_file(cls, src, dst, remove_src):
            return (FileSystem if is_connect() else classic).copy_to_local_file(src, dst, remove_src)

    module._HadoopFileSystem = FileSystemOfTheSession

    @over_connect(module, "save_model")
    def save_model(original, *args, **kwargs):
        with contextlib.ExitStack() as saving.stack:
            return original(*args, **kwargs)

    @over_connect(module, "generate_tmp_dfs_path")
    def generate_tmp_dfs_path(original, dfs_tmpdir):
        """Where the server is to write a model that is then moved to a folder of ours."""
        if shares_disk(dfs_tmpdir):
            return original(dfs_tmpdir)
        uri, saving.place = saving.stack.enter_context(proven_meeting_place())
        return posixpath.join(uri, "model")

    @over_connect(module, "_load_model")
    def load_model(original, model_uri, dfs_tmpdir_base=None, local_model_path=None):
        from mlflow.tracking.artifact_utils import _download_artifact_from_uri
        from mlflow.utils import databricks_utils
        from pyspark.ml.pipeline import PipelineModel

        if databricks_utils.is_in_databricks_runtime():
            return original(model_uri, dfs_tmpdir_base, local_model_path)
        local = os.path.abspath(local_model_path or _download_artifact_from_uri(model_uri))
        for path in (local, model_uri if ":/" in model_uri else None, uri_of_download(local)):
            if path and server_sees(path):
                return PipelineModel.load(path)
        return load_model_of_client(local)

    @over_connect(module, "_maybe_save_model")
    def maybe_save_model(original, spark_model, model_dir):
        return save_directly(spark_model, model_dir, module._SPARK_MODEL_PATH_SUB)

    @over_connect(module, "log_model")
    def log_model(original, spark_model, artifact_path=None, *args, name=None, **kwargs):
        return original(spark_model, artifact_path or name or "model", *args, **kwargs)

    @over_connect(module, "save_model")
    def save_model(original, *args, **kwargs):
        active_session()
        return original(*args, **kwargs)

    @over_connect(module, "get_default_pip_requirements")
    def get_default_pip_requirements(original, is_spark_connect_model=False):
        return original(is_spark_connect_model) if is_spark_connect_model else default_requirements()

    @over_connect(module, "_save_model_metadata")
    def save_model_metadata(original, dst_dir, spark_model, mlflow_model, conda_env, *args, **kwargs):
        # MLflow finds out what a model needs by loading it in another process: that takes seconds and finds these
        if conda_env is None and kwargs.get("pip_requirements") is None:
            kwargs["pip_requirements"] = default_requirements()
        if kwargs.get("signature") is None and kwargs.get("input_example") is not None:
            kwargs["signature"] = infer_signature(module, spark_model, kwargs["input_example"])
        return original(dst_dir, spark_model, mlflow_model, conda_env, *args, **kwargs)

    @over_connect(module, "_find_and_set_features_col_as_vector_if_needed")
    def features_as_vector(original, spark_df, spark_model):
        # mlflow does it with a Python function on the server; Spark has one of its own
        from pyspark.ml.functions import array_to_vector
        from pyspark.sql.types import ArrayType, DoubleType

        stage = spark_model.stages[-1] if hasattr(spark_model, "stages") else spark_model
        if not stage.hasParam("featuresCol"):
            return spark_df
        name = stage.getOrDefault("featuresCol")
        for field in spark_df.schema.fields:
            if field.name == name and field.dataType in [ArrayType(DoubleType(), True), ArrayType(DoubleType(), False)]:
                return spark_df.withColumn(name, array_to_vector(name))
        return spark_df

    @over_connect(module, "autolog")
    def autolog(original, disable=False, silent=False):
        from mlflow.exceptions import MlflowException

        if disable:
            return
        raise MlflowException(
            "Exception while attempting to initialize JVM-side state for Spark datasource autologging. It works with "
            "classic sessions that have the mlflow-spark JAR; over Spark Connect there is no JVM to listen to. "
            "mlflow.log_input records a data set, mlflow.pyspark.ml.autolog those that models are fitted on."
        )

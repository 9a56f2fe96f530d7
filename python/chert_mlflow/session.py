"""mlflow.utils._spark_utils: sessions; and what all patches share."""

import functools
import os


def is_connect():
    """Whether Spark is, or is going to be, a Spark Connect server."""
    try:
        from pyspark.sql.utils import is_remote
    except ImportError:
        return False
    return is_remote() or "SPARK_REMOTE" in os.environ


def over_connect(module, name):
    """Replaces module.name by the decorated function while Spark is a Connect server. It gets the original first:

    @over_connect(mlflow_module, "ask_the_jvm")
    def ask_nobody(original, argument): ...

    What a version of mlflow does not have stays away."""

    def decorate(replacement):
        original = getattr(module, name, None)
        if original is None:
            return replacement

        @functools.wraps(original)
        def chosen(*args, **kwargs):
            return replacement(original, *args, **kwargs) if is_connect() else original(*args, **kwargs)

        setattr(module, name, chosen)
        return replacement

    return decorate


def active_session():
    """The session in use, or one on $SPARK_REMOTE. From now on it is this thread's as well: pyspark's readers and writers
    of models want one, and in a thread of the program's own there is none."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    if SparkSession.getActiveSession() is None and hasattr(type(session), "_set_default_and_active_session"):
        type(session)._set_default_and_active_session(session)
    return session


def apply(module):
    @over_connect(module, "_create_local_spark_session_for_loading_spark_model")
    def create_session(original):
        return active_session()

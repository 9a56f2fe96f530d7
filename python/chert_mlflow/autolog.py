"""mlflow.pyspark.ml: autologging of fits."""

from chert_mlflow.session import active_session, over_connect

ALLOWLIST_CONF = "spark.mlflow.pysparkml.autolog.logModelAllowlistFile"


def apply(module):
    @over_connect(module, "_read_log_model_allowlist")
    def read_log_model_allowlist(original):
        import importlib.resources

        custom = active_session().conf.get(ALLOWLIST_CONF, None)
        if custom:
            try:
                return module._read_log_model_allowlist_from_file(custom)
            except Exception:
                module._logger.exception("Reading the list of models to log from %s failed; MLflow's own counts", custom)
        with importlib.resources.as_file(
            importlib.resources.files(module.__name__).joinpath("log_model_allowlist.txt")
        ) as file:
            return module._read_log_model_allowlist_from_file(file.as_posix())

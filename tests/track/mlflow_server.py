"""MLflow's own tracking server in one process, on SQLite, handing out artifacts: what `mlflow server` starts, lighter.

    mlflow_server.py FOLDER PORT

To be run with the Python of deps/venv-mlflow.
"""

import os
import sys

folder, port = sys.argv[1:]
os.environ.update(_MLFLOW_SERVER_FILE_STORE=f"sqlite:///{folder}/mlflow.db",
                  _MLFLOW_SERVER_ARTIFACT_ROOT="mlflow-artifacts:/",
                  _MLFLOW_SERVER_ARTIFACT_DESTINATION=f"{folder}/mlartifacts", _MLFLOW_SERVER_SERVE_ARTIFACTS="true")

import uvicorn  # noqa: E402: mlflow reads the settings above when it is loaded
from mlflow.server.fastapi_app import app  # noqa: E402

uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")

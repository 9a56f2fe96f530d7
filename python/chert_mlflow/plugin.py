"""The door that mlflow comes in by: an entry point of the group ``mlflow.run_context_provider``.

MLflow loads these when it is imported itself, before anybody can use ``mlflow.spark``: early enough to put the hook in
place. As a context provider it has nothing to say.
"""

from chert_mlflow.hook import install

install()


class Context:
    """A run context without tags of its own."""

    def in_context(self):
        return False

    def tags(self):
        return {}

"""mlflow.pyspark.ml._autolog: which columns a model reads."""

import re

from chert_mlflow.session import over_connect

MISSING = re.compile(r"does not exist|no such struct field|cannot be resolved", re.IGNORECASE)


def apply(module):
    @over_connect(module, "get_feature_cols")
    def get_feature_cols(original, df, transformer):
        """The columns without which the model does not transform. Over Connect transform is lazy and never complains;
        asking for the schema of its result does."""
        from pyspark.errors import AnalysisException, IllegalArgumentException

        columns = []  # in the frame's order, for signatures that do not change from run to run
        for column in df.columns:
            try:
                transformer.transform(df.drop(column)).schema
            except (AnalysisException, IllegalArgumentException) as e:
                if not MISSING.search(str(e)):
                    raise
                columns.append(column)
        return columns

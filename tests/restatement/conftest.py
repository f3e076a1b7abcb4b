from tests.lake.conftest import lake, spark, topic  # noqa: F401

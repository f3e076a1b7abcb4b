from tests.lake.conftest import lake, spark

__all__ = ["lake", "spark"]

"""What the flows stand on, for inputs that nobody should send."""

from tests.functions.completions.conftest import bucket, jobs, label_table
from tests.functions.ingest.conftest import flow

__all__ = ["bucket", "flow", "jobs", "label_table"]

"""Where each of the flows' own fixtures come from."""

from tests.functions.completions import conftest as completions
from tests.functions.ingest import conftest as ingest

web, clock, flow, worker = ingest.web, ingest.clock, ingest.flow, ingest.worker
label_table, bucket, jobs = completions.label_table, completions.bucket, completions.jobs

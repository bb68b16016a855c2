"""Labels that wait for a verdict, on their way to a Batch API job."""

"""Batch API jobs that have ended: found, collected, and brought to their end."""

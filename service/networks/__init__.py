"""Measures over many centres: bulk export in, counts out. Needs the extra `network` (and `spark` for Spark)."""

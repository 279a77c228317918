"""Fewer channels: which to remove, in what order, when to stop; exact compaction."""

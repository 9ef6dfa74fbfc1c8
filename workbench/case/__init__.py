"""The case file: typed operations in a hash-chained journal, over an evidence bundle that replays."""

"""Benchmarks: figure, peer or floor, ratio; run by ``make bench*``, never by the tests."""

"""Analysis: pure functions, frames and arrays in, numbers out; neither sources nor store are known here."""

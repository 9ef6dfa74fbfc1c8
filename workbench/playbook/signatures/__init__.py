"""Signatures: one failure mode a file; a cause's kind is a signature's name."""

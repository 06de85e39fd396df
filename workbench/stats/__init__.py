"""Estimators: typed, pure functions of arrays that return frozen dataclasses; no input or output,
no words. Each is tested alone, and the rooms above say what its numbers mean.
"""

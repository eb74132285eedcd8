"""Trains models: samples of all streams, folds of time, and what each of them learns and is judged by."""

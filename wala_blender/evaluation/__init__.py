"""Evaluation of models: shapes, inputs, baselines, metrics and reports."""

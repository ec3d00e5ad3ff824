"""Evaluation of models: shapes, inputs, baselines, measures and reports."""

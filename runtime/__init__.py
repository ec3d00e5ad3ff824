"""The process boundary between Blender and the worker: job folders, messages, supervisor, worker, environment.

Standard library and numpy only (worker.py and engine.py, which run in the worker's own Python, load more when a job
needs it).
"""

"""The command line `wala`."""

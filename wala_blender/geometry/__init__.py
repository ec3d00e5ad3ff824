"""Meshes and distance fields: conversion both ways, reading and writing, metrics. Knows numpy; not networks."""

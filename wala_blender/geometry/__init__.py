"""Meshes and distance fields: conversion both ways, reading and writing, metrics. No networks."""

"""The version, in this one place (setuptools reads it without importing fastact)."""

__version__ = "0.1.0"

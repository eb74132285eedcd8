"""Adapters to exchanges."""

"""Dates as text: parsing and printing of ISO 8601."""

from datetime import date


def parse_iso_date(text):
    """Reads a calendar date such as 2024-02-29."""
    year, month, day = (int(part) for part in text.split("-"))
    return date(year, month, day)


def days_between(first, second):
    """Number of days from the first calendar date to the second."""
    return (second - first).days

"""Zabota: one workplace for a customer-care department."""

__version__ = "0.1.0"

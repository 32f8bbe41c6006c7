"""The clients' pages: each answers anybody who holds its link."""

"""The settings screens, for administrators."""

"""Speed and scale of a real installation, measured: `python -m bench`."""

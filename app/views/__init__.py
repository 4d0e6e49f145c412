"""What pages are made of: parts that several share, and what is no widget."""

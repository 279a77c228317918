"""What was built, as numbers, on the terminal and as a page."""

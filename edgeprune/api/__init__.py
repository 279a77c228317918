"""The Python interface: a function for every command, also with objects in place of files."""

"""The words of the program: values without I/O that every other package speaks."""

"""What every room may stand on: files, progress at a terminal, random streams, precision, settings, where conf lies."""

# The terminal front end.

# Tests; see HACKING.md.

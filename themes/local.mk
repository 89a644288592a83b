# Installed themes.
